/**
 * The bound of an effect that waits for a peer: time in which this node's own loop stood still does not count. When the time is over, what
 * came meanwhile and lies unread in the kernel has been read.
 */
import { Clock, Duration, Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"

/** ms by which a moment that came `lateMs` late must be put off; 0: it stands. */
export const owedMs = (lateMs: number): number =>
  lateMs > Limits.lagFloorMs ? lateMs : lateMs >= Limits.lastLookFloorMs ? Limits.lastLookMs : 0

/** Sleeps `ms`, and again for as long as it came late, until it comes in time. */
export const patience = (ms: number): Effect.Effect<void> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
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

/** Fails with `orElse` when `self` has not ended after `ms` of this loop's time. */
export const within = <A, E, R, E2>(
  self: Effect.Effect<A, E, R>,
  ms: number,
  orElse: () => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.raceFirst(self, Effect.andThen(patience(ms), Effect.suspend(() => Effect.fail(orElse()))))
