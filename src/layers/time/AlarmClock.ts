/**
 * A clock that calls functions: for code that would otherwise keep a fiber asleep per moment.
 *
 * `of` makes one of any `Clock`. A clock of a simulation is one itself, and then no fiber is needed at all.
 */
import { type Clock, Duration, Effect, Fiber } from "effect"

export interface AlarmClock {
  /** ms on the monotonic side, from an arbitrary origin; fractions allowed. */
  readonly monotonicMs: () => number
  /** Calls `run` once, `ms` from now, never before the caller has returned. The result takes it back. */
  readonly alarm: (ms: number, run: () => void) => () => void
  /** As `alarm`, but cannot be cancelled: for a caller that sets one for each of many moments. Only where that costs next to nothing. */
  readonly ring?: ((ms: number, run: () => void) => void) | undefined
}

/** A `Clock` that is an `AlarmClock` as well. */
export interface AlarmingClock extends Clock.Clock {
  readonly alarms: AlarmClock
}

const isAlarming = (clock: Clock.Clock): clock is AlarmingClock => "alarms" in clock

/** `fork` starts an effect that ends with the user of the alarms. */
export const of = (clock: Clock.Clock, fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>): AlarmClock =>
  isAlarming(clock) ? clock.alarms : {
    monotonicMs: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
    alarm: (ms, run) => {
      // Never in the same turn: the caller must hold the alarm before it rings.
      const wait = ms <= 0 ? Effect.yieldNow : clock.sleep(Duration.millis(ms))
      const fiber = fork(Effect.map(wait, run))
      return () => void fork(Fiber.interrupt(fiber))
    }
  }
