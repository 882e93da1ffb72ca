/**
 * All deadlines of one node on one alarm: a timer costs a heap entry, not a fiber. For the deadlines of pure machines (Arm, Disarm, Fired).
 * Work at a fixed pace is a Stream on a Schedule (`peer/Heartbeat`), and the bound of one effect is `Effect.timeout`.
 *
 * Time is `Clock`'s monotonic time, ms from an arbitrary origin, so jumps of the wall clock have no effect and `TestClock` drives
 * everything. **Order**: callbacks run one after another by due time, then by arming.
 */
import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { NodeRules } from "../../services/NodeRules.ts"
import * as AlarmClock from "./AlarmClock.ts"
import { LagMeter } from "./LagMeter.ts"
import { NodeFibers } from "./NodeFibers.ts"
import { TimerHeap } from "./TimerHeap.ts"

/** One armed timer. `disarm` it, or let it fire: not both. */
export interface Timer {
  readonly dueMs: number
  readonly seq: number
  /** `lateMs`: how long after its due time the callback runs. */
  run: ((lateMs: number) => void) | undefined
}

export class Timers extends Context.Service<Timers, {
  /** Current monotonic time, ms. */
  readonly now: () => number
  /** Calls `run` once, `ms` from now. */
  readonly arm: (ms: number, run: (lateMs: number) => void) => Timer
  readonly disarm: (timer: Timer) => void
  /** The event loop's lag, as the timers and the heartbeat measured it. Always zero under a virtual clock that does not stall. */
  readonly lag: LagMeter
  /** Number of armed timers, without disarmed ones. For tests. */
  readonly size: () => number
}>()("timemesh/layers/time/Timers") {}

/** The timers end with the scope: none fires afterwards. */
export const make = Effect.fnUntraced(
  function*(lag: LagMeter): Effect.fn.Return<Timers["Service"], never, NodeFibers | Scope.Scope> {
    const { fork } = yield* NodeFibers
    const clock = AlarmClock.of(yield* Clock.Clock, fork)
    const now = clock.monotonicMs
    const { cancelsAlarm } = yield* NodeRules
    const heap = new TimerHeap<Timer>()
    let seq = 0
    let disarmed = 0
    let wake: { readonly cancel: () => void; readonly dueMs: number } | undefined
    let firing = false
    let closed = false
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        closed = true
        if (cancelsAlarm) wake?.cancel()
      })
    )

    /** A callback that throws is our bug; it must not stop the other timers. */
    const guarded = (run: (lateMs: number) => void, lateMs: number) => {
      try {
        run(lateMs)
      } catch (defect) {
        fork(Effect.logError("a timer failed", defect))
      }
    }
    const fire = () => {
      wake = undefined
      if (closed) return
      firing = true
      let next = heap.peek()
      if (next !== undefined) lag.ran(next.dueMs, now())
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
      // Rounded up to the clock's resolution: an alarm that fires a fraction early would make this spin.
      wake = { dueMs: next.dueMs, cancel: clock.alarm(Math.ceil(next.dueMs - now()), fire) }
    }
    return Timers.of({
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
      lag,
      size: () => heap.length - disarmed
    })
  }
)

/** One per node: a function, so that two nodes never share a layer. Stalls of the event loop become `LoopLag` events. */
export const layer = (): Layer.Layer<Timers, never, NodeFibers | NodeEvents> =>
  Layer.effect(
    Timers,
    Effect.flatMap(NodeEvents, ({ emit }) => make(new LagMeter((ms) => emit({ _tag: "LoopLag", ms }))))
  )

/** The same timers for a part of the node: a timer that the part armed does not fire after the part's own scope. */
export const inScope = (timers: Timers["Service"]): Effect.Effect<Timers["Service"], never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => ({ open: true })),
      (part) =>
        Effect.sync(() => {
          part.open = false
        })
    ),
    (part) =>
      Timers.of({
        ...timers,
        arm: (ms, run) =>
          timers.arm(ms, (lateMs) => {
            if (part.open) run(lateMs)
          })
      })
  )
