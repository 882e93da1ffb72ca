/** Standard output and error of a command: a closed reader is not a crash, and a slow one gets everything. */
import { Effect } from "effect"
import * as Limits from "../domain/Limits.ts"

const streams = () => [process.stdout, process.stderr]

/** `timemesh peers | head -1` closes the pipe: remaining output has no reader, and the exit code says how the command ended. */
export const install = (): void => {
  for (const stream of streams()) stream.on("error", () => {})
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
    Effect.asVoid
  )
)
