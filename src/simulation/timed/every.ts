import { Effect, Schedule, Stream } from "effect"

/** Repeats an action after each interval, until it is no longer wanted. */
export const every = (ms: number, f: () => void, isWanted: () => boolean = () => true): Effect.Effect<void> =>
  Stream.fromSchedule(Schedule.spaced(ms)).pipe(
    Stream.takeWhile(isWanted),
    Stream.runForEach(() => Effect.sync(f))
  )
