/**
 * A clock that calls functions: for code that would otherwise keep a sleeping fiber per alarm.
 *
 * `of` makes one from any `Clock`. A simulation's clock is one itself, and needs no fiber.
 */
import { type Clock, Duration, Effect, Fiber } from "effect"
import { monotonicOf } from "./monotonicMs.ts"

export interface AlarmClock {
  /** Monotonic ms, from an arbitrary origin; may have fractions. */
  readonly monotonicMs: () => number
  /** Calls `run` once, `ms` from now, never before the caller has returned. Returns a function that cancels it. */
  readonly alarm: (ms: number, run: () => void) => () => void
  /** Like `alarm`, but cannot be cancelled: for callers with many alarms. Present only where it costs almost nothing. */
  readonly ring?: ((ms: number, run: () => void) => void) | undefined
}

/** A `Clock` that is also an `AlarmClock`. */
export interface AlarmingClock extends Clock.Clock {
  readonly alarms: AlarmClock
}

const isAlarming = (clock: Clock.Clock): clock is AlarmingClock => "alarms" in clock

/** `fork` starts an effect that ends with the user of the alarms. */
export const of = (clock: Clock.Clock, fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>): AlarmClock =>
  isAlarming(clock) ? clock.alarms : {
    monotonicMs: monotonicOf(clock),
    alarm: (ms, run) => {
      // Never in the same turn: the caller must hold the alarm before it fires.
      const wait = ms <= 0 ? Effect.yieldNow : clock.sleep(Duration.millis(ms))
      const fiber = fork(Effect.map(wait, run))
      return () => void fork(Fiber.interrupt(fiber))
    }
  }
