/** The file of `--trace`. A simulation is one long turn of the event loop, so lines are written as they are produced. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { closeSync, constants, openSync, writeSync } from "node:fs"
import * as OutputFile from "../../layers/store/OutputFile.ts"
import { systemFix, systemReason } from "../../layers/store/systemError.ts"
import * as SimulationLimits from "../../simulation/plan/Limits.ts"
import * as Failure from "../Failure.ts"

/** A fifo without a reader is an error: waiting for one could not be interrupted. */
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK

const failure = (file: string, error: unknown): Failure.Failure =>
  Failure.unusable(`--trace: ${file} cannot be written: ${systemReason(error)}`, systemFix(error))

export interface TraceFile {
  readonly line: (text: string) => void
  /** Writes what is still in memory. Fails if any line could not be written. */
  readonly written: Effect.Effect<void, Failure.Failure>
}

/** Opens (and empties) the file; closes it with the scope. */
export const open = (file: string): Effect.Effect<TraceFile, Failure.Failure, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Effect.mapError(OutputFile.check(file), (error) => Failure.unusable(`--trace: ${error.what}`, error.fix))
    const fd = yield* Effect.acquireRelease(
      Effect.try({ try: () => openSync(file, flags, 0o666), catch: (error) => failure(file, error) }),
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
