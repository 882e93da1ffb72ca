/**
 * `domain/peer/Backoff` as a Schedule, for retries outside the pair machine: the n-th wait follows the n-th failure in a row. It depends only
 * on the number of the attempt, so a change of the wall clock has no effect.
 */
import { Effect, Random, Schedule } from "effect"
import * as Backoff from "../../domain/peer/Backoff.ts"

/** For `Effect.retry`; never ends. Draws its jitter from `Random`. */
export const make = (params: Backoff.Params = Backoff.defaults): Schedule.Schedule<number> =>
  Schedule.modifyDelay(
    Schedule.spaced(0),
    ({ attempt }) => Effect.map(Random.next, (jitter) => Backoff.delay({ failures: attempt }, jitter, params))
  )
