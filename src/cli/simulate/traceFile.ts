/** The file of `--trace`. A simulation is one long turn of the event loop: its lines are written as they come. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { closeSync, openSync, writeSync } from "node:fs"
import * as SimulationLimits from "../../simulation/plan/Limits.ts"
import * as Failure from "../Failure.ts"

const failure = (file: string, error: unknown): Failure.Failure => {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)
  return Failure.unusable(`--trace: ${file} cannot be written (${code})`)
}

export interface TraceFile {
  readonly line: (text: string) => void
  /** What is still in memory goes to the file. Fails if any line could not be written. */
  readonly written: Effect.Effect<void, Failure.Failure>
}

/** Opened (and emptied) now, closed with the scope. */
export const open = (file: string): Effect.Effect<TraceFile, Failure.Failure, Scope.Scope> =>
  Effect.gen(function*() {
    const fd = yield* Effect.acquireRelease(
      Effect.try({ try: () => openSync(file, "w"), catch: (error) => failure(file, error) }),
      (fd) => Effect.sync(() => closeSync(fd))
    )
    let waiting = ""
    let failed: Failure.Failure | undefined
    const flush = () => {
      if (failed !== undefined) return
      const text = waiting
      waiting = ""
      try {
        writeSync(fd, text)
      } catch (error) {
        failed = failure(file, error)
      }
    }
    yield* Effect.addFinalizer(() => Effect.sync(flush))
    return {
      line: (text) => {
        if (failed !== undefined) return
        waiting += `${text}\n`
        if (waiting.length >= SimulationLimits.traceBufferCharacters) flush()
      },
      written: Effect.suspend(() => {
        flush()
        return failed === undefined ? Effect.void : Effect.fail(failed)
      })
    }
  })
