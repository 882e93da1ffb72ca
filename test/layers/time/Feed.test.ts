import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Feed from "../../../src/layers/time/Feed.ts"

describe("a feed", () => {
  it.effect("gives each reader what is published from its start on", () =>
    Effect.gen(function*() {
      const feed = yield* Feed.make<number>(8)
      feed.publish(1)
      const first = yield* Effect.forkChild(Stream.runCollect(Stream.take(feed.stream, 3)))
      yield* Effect.yieldNow
      feed.publish(2)
      const second = yield* Effect.forkChild(Stream.runCollect(Stream.take(feed.stream, 2)))
      yield* Effect.yieldNow
      feed.publish(3)
      feed.publish(4)
      assert.deepStrictEqual(yield* Fiber.join(first), [2, 3, 4])
      assert.deepStrictEqual(yield* Fiber.join(second), [3, 4])
    }))

  it.effect("drops the oldest for a reader that is too far behind, and nothing for another", () =>
    Effect.gen(function*() {
      const feed = yield* Feed.make<number>(4)
      const gate = yield* Latch.make()
      const [slow, fast]: [Array<number>, Array<number>] = [[], []]
      yield* Effect.forkChild(
        Stream.runForEach(feed.stream, (n) => Effect.andThen(gate.await, Effect.sync(() => slow.push(n))))
      )
      yield* Effect.forkChild(Stream.runForEach(feed.stream, (n) => Effect.sync(() => fast.push(n))))
      yield* TestClock.adjust(1)
      for (let n = 1; n <= 10; n++) {
        feed.publish(n)
        yield* TestClock.adjust(1)
      }
      assert.deepStrictEqual(fast, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      yield* gate.open
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(slow, [1, 7, 8, 9, 10])
    }))

  it.effect("ends its readers with its scope, and those that come later", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const feed = yield* Feed.make<number>(4).pipe(Scope.provide(scope))
      const reader = yield* Effect.forkChild(Stream.runDrain(feed.stream))
      yield* Effect.yieldNow
      assert.isUndefined(reader.pollUnsafe())
      yield* Scope.close(scope, Exit.void)
      const ended = yield* Fiber.await(reader)
      const later = yield* Effect.exit(Stream.runDrain(feed.stream))
      assert.deepStrictEqual([ended._tag, later._tag], ["Success", "Success"])
      feed.publish(1)
    }))
})
