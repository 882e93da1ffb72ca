/**
 * All timers of one node on one alarm: thousands of idle connections cost a heap entry each, not a fiber.
 *
 * Time is the monotonic side of `Clock`, in ms from an arbitrary origin, so a wall clock that jumps disturbs nothing and
 * `TestClock` drives everything. Callbacks run one after another in order of due time, then of arming.
 */
import { Clock, Effect, FiberSet } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { Mutant } from "../../services/Mutant.ts"
import * as AlarmClock from "./AlarmClock.ts"
import { TimerHeap } from "./TimerHeap.ts"

/** One armed timer. `disarm` it, or let it fire: not both. */
export interface Timer {
  readonly dueMs: number
  readonly seq: number
  /** `lateMs`: how much after its due time the callback ran. */
  run: ((lateMs: number) => void) | undefined
}

export interface TimerWheel {
  /** Now, ms, monotonic. */
  readonly now: () => number
  /** Calls `run` once, `ms` from now. */
  readonly arm: (ms: number, run: (lateMs: number) => void) => Timer
  readonly disarm: (timer: Timer) => void
  /**
   * ms the event loop was late in all, as its timers saw it (stalls under `Limits.lagFloorMs` are ordinary scheduling).
   * Never any under a virtual clock.
   */
  readonly lagMs: () => number
  /** Timers armed, the disarmed not counted. For tests. */
  readonly size: () => number
}

/** Builds a wheel; it ends with the scope, and nothing fires after. `onLag` hears of each stall, in ms. */
export const make = Effect.fnUntraced(function*(onLag: (ms: number) => void) {
  const runFork = yield* FiberSet.makeRuntime<never>()
  const clock = AlarmClock.of(yield* Clock.Clock, (effect) => runFork(effect))
  const now = clock.monotonicMs
  const leavesTimer = (yield* Mutant) === "timer-left"
  const heap = new TimerHeap<Timer>()
  let seq = 0
  let disarmed = 0
  let wake: { readonly cancel: () => void; readonly dueMs: number } | undefined
  let firing = false
  let lag = 0
  let closed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      if (!leavesTimer) wake?.cancel()
    })
  )

  /** A callback that throws is a bug of ours; it must not stop the clock for everybody else. */
  const guarded = (run: (lateMs: number) => void, lateMs: number) => {
    try {
      run(lateMs)
    } catch (defect) {
      runFork(Effect.logError("a timer failed", defect))
    }
  }
  const fire = () => {
    wake = undefined
    if (closed) return
    firing = true
    let next = heap.peek()
    const stalled = next === undefined ? 0 : now() - next.dueMs
    if (stalled > Limits.lagFloorMs) {
      lag += stalled
      onLag(stalled)
    }
    while (next !== undefined) {
      const late = now() - next.dueMs
      if (next.run !== undefined && late < 0) break
      heap.pop()
      const run = next.run
      next.run = undefined
      if (run === undefined) disarmed -= 1
      else guarded(run, late)
      next = heap.peek()
    }
    firing = false
    sleep()
  }
  const sleep = (): void => {
    const next = heap.peek()
    if (next === undefined || closed || firing) return
    if (wake !== undefined) {
      if (wake.dueMs <= next.dueMs) return
      wake.cancel()
    }
    // Rounded up to the clock's grain: an alarm that rings a fraction early would spin.
    wake = { dueMs: next.dueMs, cancel: clock.alarm(Math.ceil(next.dueMs - now()), fire) }
  }
  return {
    now,
    arm: (ms, run) => {
      const timer: Timer = { dueMs: now() + ms, seq: seq++, run }
      heap.push(timer)
      sleep()
      return timer
    },
    disarm: (timer) => {
      if (timer.run === undefined) return
      timer.run = undefined
      disarmed += 1
      if (disarmed > 64 && disarmed * 2 > heap.length) {
        heap.keep((timer) => timer.run !== undefined)
        disarmed = 0
      }
    },
    lagMs: () => lag,
    size: () => heap.length - disarmed
  } satisfies TimerWheel
})
