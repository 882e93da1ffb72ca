/**
 * Standard output and error of a command: a closed reader is not a crash, a slow one gets everything, and output that a full disk did not take is
 * an error. The log of `run` has its own way (`layers/log/LogOutput`).
 */
import { Effect } from "effect"
import * as Limits from "../domain/Limits.ts"
import * as Problem from "../domain/Problem.ts"
import { systemCode, systemProblem } from "../layers/store/systemError.ts"

const streams = () => [process.stdout, process.stderr]

/** Why standard output did not take all that was printed, and the fix; `undefined`: it did, or its reader wanted no more. */
let lost: string | undefined

/** `timemesh peers | head -1` closes the pipe: remaining output has no reader, and the exit code says how the command ended. */
export const install = (): void => {
  for (const stream of streams()) stream.on("error", () => {})
  process.stdout.on("error", (error) => {
    if (systemCode(error) !== "EPIPE") lost ??= Problem.text(systemProblem(error))
  })
}

/** The exit code of a command that ended with `code`, once its output is drained. Says on standard error what was lost. */
export const exitCode = (code: number): number => {
  if (lost === undefined || code !== 0) return code
  process.stderr.write(`\nERROR\n  standard output cannot be written: ${lost}\n`)
  return 1
}

const empty = (stream: NodeJS.WriteStream): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (stream.writableLength === 0 || stream.destroyed) return resume(Effect.void)
    const done = () => resume(Effect.void)
    stream.once("drain", done)
    stream.once("close", done)
    stream.once("error", done)
  })

/** Waits a bounded time until printed output has left the process: `process.exit` would cut it off. */
export const drained: Effect.Effect<void> = Effect.suspend(() =>
  Effect.forEach(streams(), empty, { concurrency: "unbounded", discard: true }).pipe(
    Effect.timeoutOption(Limits.outputMs),
    // A file's errors are told a turn after the write.
    Effect.andThen(Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void))))
  )
)
