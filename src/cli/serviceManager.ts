/**
 * Notifies systemd that the node is up, that its event loop runs, and that it is stopping (`Type=notify` and `WatchdogSec` in ops/timemesh.service). Does
 * nothing unless a service manager asks for it.
 *
 * Node lacks the type of socket that `NOTIFY_SOCKET` names, so systemd's own `systemd-notify` sends the messages: the unit needs `NotifyAccess=all`.
 */
import { Config, Effect, Layer, Option, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import type { ChildProcessSpawner } from "effect/process"
import * as Limits from "../domain/Limits.ts"

const asked = Effect.all({
  socket: Effect.orElseSucceed(Config.option(Config.String("NOTIFY_SOCKET")), () => Option.none<string>()),
  /** µs. systemd's watchdog interval. */
  watchdog: Effect.orElseSucceed(Config.option(Config.Int("WATCHDOG_USEC")), () => Option.none<number>())
})

const say = (word: string, ...options: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.flatMap(ChildProcess.make("systemd-notify", [...options, word]), ({ exitCode }) => exitCode)
  ).pipe(
    Effect.matchEffect({
      onFailure: () => Effect.logWarning(`systemd-notify cannot be started, so systemd does not hear ${word}`),
      onSuccess: (code) =>
        Number(code) === 0 ? Effect.void : Effect.logWarning(`systemd-notify ${word} failed with exit code ${code}`)
    })
  )

/** Built once the node is up; closed with the node. */
export const layer: Layer.Layer<never, never, ChildProcessSpawner.ChildProcessSpawner> = Layer.effectDiscard(
  Effect.gen(function*() {
    const { socket, watchdog } = yield* asked
    if (Option.isNone(socket)) return
    // A stopping node does not wait until systemd has read it.
    yield* Effect.acquireRelease(
      say("READY=1"),
      () => Effect.timeoutOption(Effect.interruptible(say("STOPPING=1", "--no-block")), Limits.notifyStopMs)
    )
    if (Option.isNone(watchdog)) return
    // Twice per interval, as systemd recommends.
    yield* Stream.fromSchedule(Schedule.spaced(watchdog.value / 2_000)).pipe(
      Stream.runForEach(() => say("WATCHDOG=1")),
      Effect.forkScoped
    )
  })
)
