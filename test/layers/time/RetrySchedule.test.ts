import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Random, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Backoff from "../../../src/domain/peer/Backoff.ts"
import * as RetrySchedule from "../../../src/layers/time/RetrySchedule.ts"

/** Waits of a schedule, ms, with every jitter drawn the given one. */
const waits = (schedule: Schedule.Schedule<number>, count: number, jitter: number) =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(schedule)
    const found: Array<number> = []
    for (let i = 0; i < count; i++) {
      const [, duration] = yield* step(yield* Clock.currentTimeMillis, undefined)
      found.push(Duration.toMillis(duration))
    }
    return found
  }).pipe(Effect.provideService(Random.Random, { nextDoubleUnsafe: () => jitter, nextIntUnsafe: () => 0 }))

describe("RetrySchedule", () => {
  it.effect.prop("waits as the backoff of the reducer does, whatever its parameters", [
    Schema.Struct({
      baseMs: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })),
      maxMs: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
      jitter: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999 }))
    })
  ], ([{ baseMs, jitter, maxMs }]) =>
    Effect.gen(function*() {
      const params = { baseMs, maxMs, stableMs: 5_000 }
      let state = Backoff.start
      const expected = Array.from({ length: 20 }, () => {
        state = Backoff.failed(state)
        return Backoff.delay(state, jitter, params)
      })
      const found = yield* waits(RetrySchedule.make(params), 20, jitter)
      assert.strictEqual(found.length, 20)
      for (const [i, ms] of expected.entries()) assert.approximately(found[i] ?? -1, ms, 1e-3)
    }))

  it.effect("retries until it works, at growing waits", () =>
    Effect.gen(function*() {
      const at: Array<number> = []
      const flaky = Effect.flatMap(Clock.currentTimeMillis, (now) => {
        at.push(now)
        return at.length < 5 ? Effect.fail("not yet") : Effect.succeed("done")
      })
      const fiber = yield* Effect.forkChild(Effect.retry(flaky, RetrySchedule.make()), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      const gaps = at.slice(1).map((ms, i) => ms - (at[i] ?? 0))
      for (const [i, gap] of gaps.entries()) {
        assert.isAtLeast(gap, 500 * 2 ** i - 1)
        assert.isAtMost(gap, 1_000 * 2 ** i + 1)
      }
    }))
})
