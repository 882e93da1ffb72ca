/**
 * Imported before a node, it makes the clock of that process run as `Quickened` says. All of a node's cadences, deadlines and timestamps come from
 * Effect's clock, so all of them are quickened, and the node cannot tell. Bounds of sockets (`setTimeout` of `node:net`) keep their real length.
 */
import { Duration, Effect } from "effect"
import * as Quickened from "./Quickened.ts"

const quickened = Quickened.fromUrl(import.meta.url)
/** Processes agree on the time by their wall clocks, read once: a step of the system's clock does not move a node's. */
const startedMs = Date.now() - quickened.origin - performance.now()
const livedMs = (): number => Quickened.lived(quickened, startedMs + performance.now())
const nanos = (ms: number): bigint => BigInt(Math.round(ms * 1_000_000))

const sleep = (duration: Duration.Duration): Effect.Effect<void> => {
  const ms = Duration.toMillis(duration)
  if (ms <= 0) return Effect.yieldNow
  if (!Number.isFinite(ms)) return Effect.never
  return Effect.callback((resume) => {
    const due = livedMs() + ms
    let timer: NodeJS.Timeout
    // Node's timers count whole milliseconds of real time, which are several of the node's.
    const wait = (): void => {
      const leftMs = Quickened.real(quickened, due) - Quickened.real(quickened, livedMs())
      if (leftMs <= 0) return resume(Effect.void)
      timer = setTimeout(wait, Math.ceil(leftMs))
    }
    wait()
    return Effect.sync(() => clearTimeout(timer))
  })
}

// The default of the reference, which every fiber of this process reads: also those started outside the program's own.
Object.assign(Effect.runSync(Effect.clockWith(Effect.succeed)), {
  currentTimeMillisUnsafe: () => Math.floor(quickened.origin + livedMs()),
  currentTimeNanosUnsafe: () => nanos(quickened.origin + livedMs()),
  monotonicTimeNanosUnsafe: () => nanos(livedMs()),
  sleep
})
