/**
 * The timeout of an effect that waits for a peer. Time in which this node's own event loop was blocked does not count: what
 * arrived in the kernel meanwhile is read before the timeout fires.
 */
import { Clock, Duration, Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { monotonicOf } from "./monotonicMs.ts"

/** ms by which a deadline that fired `lateMs` late must be extended; 0: it stands. */
export const owedMs = (lateMs: number): number =>
  lateMs > Limits.lagFloorMs ? lateMs : lateMs >= Limits.lastLookFloorMs ? Limits.lastLookMs : 0

/** Sleeps `ms`, then again for as long as it woke late, until it wakes in time. */
export const patience = (ms: number): Effect.Effect<void> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const now = monotonicOf(clock)
    const wait = (ms: number, isLastLook: boolean): Effect.Effect<void> =>
      Effect.suspend(() => {
        const due = now() + ms
        return Effect.flatMap(clock.sleep(Duration.millis(ms)), () => {
          const late = now() - due
          const owed = isLastLook && late <= Limits.lagFloorMs ? 0 : owedMs(late)
          return owed === 0 ? Effect.void : wait(owed, true)
        })
      })
    return wait(ms, false)
  })

/** Fails with `orElse` if `self` has not ended after `ms` of this loop's time. */
export const within = <A, E, R, E2>(
  self: Effect.Effect<A, E, R>,
  ms: number,
  orElse: () => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.raceFirst(self, Effect.andThen(patience(ms), Effect.suspend(() => Effect.fail(orElse()))))
