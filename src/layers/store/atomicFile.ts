/** Replaces a file at once or not at all, surviving a crash at any moment: written beside it, synced, renamed. */
import type { PlatformError } from "effect"
import { Effect, FileSystem } from "effect"

const encoder = new TextEncoder()

export const write = (
  path: string,
  text: string
): Effect.Effect<void, PlatformError.PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const temporary = `${path}.tmp`
    yield* Effect.scoped(Effect.gen(function*() {
      const file = yield* fs.open(temporary, { flag: "w" })
      yield* file.writeAll(encoder.encode(text))
      yield* file.sync
    }))
    yield* fs.rename(temporary, path)
  })
