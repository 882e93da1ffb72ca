/** The clock of the test, with a wall clock that is set meanwhile. */
import { Clock, Effect } from "effect"

/** `wall.ms`: by how much the wall clock was set on. Monotonic time and sleeps are those of the clock around. */
export const steppedClock = (wall: { readonly ms: number }): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (clock) => {
    const millis = () => clock.currentTimeMillisUnsafe() + wall.ms
    const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(wall.ms) * 1_000_000n
    // What else the clock around can do, a test's clock does still.
    return Object.assign(Object.create(clock) as Clock.Clock, {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: clock.monotonicTimeNanos
    })
  })
