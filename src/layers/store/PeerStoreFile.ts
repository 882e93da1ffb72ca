/**
 * `PeerStore` in `peers.json` of the data directory: `{"version": 1, "peers": ["203.0.113.7:24100", …]}`, best first.
 *
 * A file that cannot be understood, wholly or in part, is kept as `peers.json.bad` (or `peers.json.bad-2`, …) and named in a
 * warning; what can be read of it is used.
 */
import { Effect, FileSystem, Layer, Option, Result, Schema, Semaphore } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import { PeerStore, PeerStoreError } from "../../services/PeerStore.ts"
import * as AtomicFile from "./atomicFile.ts"

const Content = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(1),
  peers: Schema.Array(Schema.String)
}))

/** Damaged files kept at most; beyond, the last name is reused. */
const keptFiles = 9

const freeName = (path: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    for (let i = 1; i < keptFiles; i++) {
      const name = i === 1 ? `${path}.bad` : `${path}.bad-${i}`
      if (!(yield* fs.exists(name))) return name
    }
    return `${path}.bad-${keptFiles}`
  })

const readable = (peers: ReadonlyArray<string>) => {
  const found: Array<PeerAddress.PeerAddress> = []
  let damaged: string | undefined
  for (const text of peers) {
    // Port 0 as the default makes a missing port an error: a stored address always has one.
    const address = PeerAddress.fromString(text, 0)
    if (Result.isSuccess(address)) found.push(address.success)
    else damaged ??= address.failure.message
  }
  return { found: found.slice(0, Limits.storedPeers), damaged }
}

const make = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = `${directory}/peers.json`
  const oneAtATime = yield* Semaphore.make(1)

  const setAside = (problem: string) =>
    Effect.gen(function*() {
      const aside = yield* freeName(path)
      yield* fs.rename(path, aside)
      yield* Effect.logWarning(`${path} is damaged (${problem}); it is kept as ${aside}`)
    })

  const read = Effect.gen(function*() {
    if (!(yield* fs.exists(path))) return []
    const text = yield* fs.readFileString(path)
    const content = yield* Effect.option(Schema.decodeEffect(Content)(text))
    if (Option.isNone(content)) {
      yield* setAside("not the JSON this program writes")
      return []
    }
    const { damaged, found } = readable(content.value.peers)
    if (damaged !== undefined) yield* setAside(damaged)
    return found
  })

  return PeerStore.of({
    load: oneAtATime.withPermits(1)(read).pipe(
      Effect.mapError((error) =>
        new PeerStoreError({ detail: `${path} cannot be read (${error.reason._tag}); make it readable for this user` })
      ),
      Effect.provideService(FileSystem.FileSystem, fs)
    ),
    save: (addresses) =>
      oneAtATime.withPermits(1)(
        AtomicFile.write(
          path,
          `${
            JSON.stringify(
              { version: 1, peers: addresses.slice(0, Limits.storedPeers).map(PeerAddress.format) },
              undefined,
              2
            )
          }\n`
        )
      ).pipe(
        Effect.mapError((error) =>
          new PeerStoreError({
            detail:
              `${path} cannot be written (${error.reason._tag}); check the disk and the permissions of ${directory}`
          })
        ),
        Effect.provideService(FileSystem.FileSystem, fs)
      )
  })
})

/** `directory` must exist. */
export const layer = (directory: string): Layer.Layer<PeerStore, never, FileSystem.FileSystem> =>
  Layer.effect(PeerStore, make(directory))
