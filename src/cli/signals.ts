/**
 * Signal handling beyond SIGINT and SIGTERM, which the runtime treats as the order to stop.
 *
 * SIGHUP and SIGQUIT are a clean stop too: the log is standard output, so there is no log file to reopen. SIGUSR1 would open
 * Node's debugger; SIGUSR2 and the alarms would end the process silently. They are ignored, and `run` logs so.
 */
import { Effect, Layer } from "effect"
import * as Limits from "../domain/Limits.ts"

const stopping = ["SIGHUP", "SIGQUIT"] as const
const ignored = ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGIO", "SIGPWR"] as const

type Received = (signal: NodeJS.Signals, what: "stop" | "ignore") => void

const listeners = new Set<Received>()

const tell: Received = (signal, what) => {
  for (const listener of listeners) listener(signal, what)
}

/**
 * Kills the process if a stop takes too long. A thread that hangs in the system (a fifo, a dead disk) would block
 * every gentler end.
 */
const killLater = Effect.andThen(
  Effect.sleep(Limits.stopMs),
  Effect.sync(() => process.kill(process.pid, "SIGKILL"))
)

/** Call before anything else; lasts until the process ends. */
export const install = (): void => {
  for (const signal of stopping) {
    process.on(signal, () => {
      tell(signal, "stop")
      // The runtime listens to this one, and a command that is not running yet ends by it as well.
      process.kill(process.pid, "SIGTERM")
    })
  }
  for (const signal of ignored) process.on(signal, () => tell(signal, "ignore"))
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => Effect.runFork(killLater))
}

/** Logs received signals. */
export const layer: Layer.Layer<never> = Layer.effectDiscard(Effect.gen(function*() {
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const listener: Received = (signal, what) =>
    void run(what === "stop" ? Effect.logInfo(`${signal}: stopping`) : Effect.logWarning(`${signal} ignored`))
  yield* Effect.acquireRelease(
    Effect.sync(() => listeners.add(listener)),
    () => Effect.sync(() => listeners.delete(listener))
  )
}))
