/** Now on the monotonic clock, ms: for durations, which a wall clock that is set would falsify. */
import { Clock, Effect } from "effect"

export const monotonicMs: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
