/** Effects that wait for time to pass, on a clock that only a test moves. */
import { Clock, Effect, Fiber } from "effect"
import type { TestClock } from "effect/testing"
import * as Limits from "../domain/Limits.ts"

const isTestClock = (clock: Clock.Clock): clock is TestClock.TestClock =>
  "adjust" in clock && typeof clock.adjust === "function"

/**
 * Runs an effect that needs time, such as the stop of a node, whose final Reject travels to each peer. Under a `TestClock`, the clock moves
 * by `Limits.movingStepMs` at a time until the effect has ended; on any other clock, nothing is added.
 */
export const moving = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    if (!isTestClock(clock)) return yield* effect
    const running = yield* Effect.forkChild(effect)
    while (running.pollUnsafe() === undefined) yield* clock.adjust(Limits.movingStepMs)
    return yield* Fiber.join(running)
  })
