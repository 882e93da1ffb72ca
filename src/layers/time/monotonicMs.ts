/** Current monotonic time, ms: for durations, which a change of the wall clock would falsify. */
import { Clock, Effect } from "effect"

export const monotonicMs: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
