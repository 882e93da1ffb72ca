/**
 * Imported before a node, it makes the clock of that process run as `Quickened` says. All of a node's cadences, deadlines and timestamps come from
 * Effect's clock, so all of them are quickened, and the node cannot tell. Bounds of sockets (`setTimeout` of `node:net`) keep their real length.
 */
import { Duration, Effect } from "effect"
import { monotonicOf } from "../../src/layers/time/monotonicMs.ts"
import * as Quickened from "./Quickened.ts"

const quickened = Quickened.fromUrl(import.meta.url)

/** The default of the reference, which every fiber of this process reads: also those started outside the program's own. */
const clock = Effect.runSync(Effect.clockWith(Effect.succeed))
const realSleep = clock.sleep.bind(clock)
const realMs = monotonicOf({ ...clock, monotonicTimeNanosUnsafe: clock.monotonicTimeNanosUnsafe.bind(clock) })
/** Processes agree on the time by their wall clocks, read once: a step of the system's clock does not move a node's. */
const startedMs = clock.currentTimeMillisUnsafe() - quickened.origin - realMs()
const livedMs = (): number => Quickened.lived(quickened, startedMs + realMs())
const nanos = (ms: number): bigint => BigInt(Math.round(ms * 1_000_000))

/** Timers count whole milliseconds of real time, which are several of the node's: what is left then is slept as well. */
const sleepUntil = (due: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const leftMs = Quickened.real(quickened, due) - Quickened.real(quickened, livedMs())
    return leftMs <= 0
      ? Effect.void
      : Effect.andThen(realSleep(Duration.millis(Math.ceil(leftMs))), sleepUntil(due))
  })

const sleep = (duration: Duration.Duration): Effect.Effect<void> => {
  const ms = Duration.toMillis(duration)
  return ms > 0 && Number.isFinite(ms) ? Effect.suspend(() => sleepUntil(livedMs() + ms)) : realSleep(duration)
}

Object.assign(clock, {
  currentTimeMillisUnsafe: () => Math.floor(quickened.origin + livedMs()),
  currentTimeNanosUnsafe: () => nanos(quickened.origin + livedMs()),
  monotonicTimeNanosUnsafe: () => nanos(livedMs()),
  sleep
})
