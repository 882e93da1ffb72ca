/**
 * `domain/peer/Backoff` as a Schedule, for retries outside the pair machine: the n-th wait is that after the n-th failure in a row. It steps
 * by the number of the attempt alone, so a wall clock that is set changes nothing.
 */
import { Effect, Random, Schedule } from "effect"
import * as Backoff from "../../domain/peer/Backoff.ts"

/** For `Effect.retry`; without end. Its jitter is drawn from `Random`. */
export const make = (params: Backoff.Params = Backoff.defaults): Schedule.Schedule<number> =>
  Schedule.modifyDelay(
    Schedule.spaced(0),
    ({ attempt }) => Effect.map(Random.next, (jitter) => Backoff.delay({ failures: attempt }, jitter, params))
  )
