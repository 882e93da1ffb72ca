/** Links of `MemoryNetwork` that become faster, and when a connection is accepted. */
import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"

import { a, accepting, b, during, joined, net, start, timed } from "../../../harness/memoryHarness.ts"
import { at, pattern, readAll, text } from "../../../harness/peerSocketHarness.ts"

describe("MemoryNetwork: a link that becomes faster", () => {
  net(
    "hurries what is under way, in order, without loss",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ bandwidth: 1_000, maxChunk: 100 })
      const bytes = pattern(10_000, 7)
      yield* near.write(bytes) // would take 10 s
      const got: Array<number> = []
      const reading = yield* start(Effect.gen(function*() {
        while (got.length < bytes.length) for (const chunk of yield* far.pull) got.push(...chunk as Uint8Array)
        return yield* Clock.currentTimeMillis
      }))
      yield* TestClock.adjust(2_000)
      assert.strictEqual(got.length, 2_000)
      yield* network.setDefaults({ bandwidth: 4_000 })
      assert.strictEqual(got.length, 2_000, "not at once")
      yield* TestClock.adjust(1_000)
      assert.strictEqual(got.length, 6_000, "the rest leaves four times as fast")
      yield* TestClock.adjust(1_000)
      assert.strictEqual(yield* Fiber.join(reading), 4_000)
      assert.deepStrictEqual(got, [...bytes])
    })
  )

  net(
    "what is written afterwards follows what was hurried",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ bandwidth: 100 })
      yield* near.write("x".repeat(1_000)) // 10 s
      yield* network.setDefaults({ bandwidth: 1_000 })
      yield* near.write("y".repeat(1_000))
      yield* near.finish
      const reading = yield* start(timed(readAll(far.pull)))
      yield* TestClock.adjust(1_999)
      assert.isUndefined(reading.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(reading), [["x".repeat(1_000) + "y".repeat(1_000), "1000"], 2_000])
    })
  )

  net(
    "no limit any more: what is under way arrives now",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setLink(a, b, { bandwidth: 1 })
      yield* near.write("an hour's worth".repeat(240))
      const reading = yield* start(far.pull)
      yield* TestClock.adjust(1)
      assert.isUndefined(reading.pollUnsafe())
      yield* network.setLink(a, b, { bandwidth: Number.POSITIVE_INFINITY })
      assert.strictEqual(text(yield* during(1, Fiber.join(reading))).length, 3_600)
    })
  )

  net(
    "one that becomes slower keeps what is under way at its old pace; another direction is not touched",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ bandwidth: 1_000 })
      yield* near.write("x".repeat(1_000))
      yield* far.write("y".repeat(1_000))
      const [there, back] = [yield* start(timed(far.pull)), yield* start(timed(near.pull))]
      yield* network.setLink(a, b, { bandwidth: 10 }, { oneWay: true })
      yield* network.setLink(a, b, { bandwidth: 10 }, { oneWay: true })
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual([(yield* Fiber.join(there))[1], (yield* Fiber.join(back))[1]], [1_000, 1_000])
      yield* near.write("z")
      const slow = yield* start(timed(far.pull))
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* Fiber.join(slow))[1], 1_100)
    })
  )

  net(
    "on a link that is cut nothing arrives for being hurried; it does once healed",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ bandwidth: 100 })
      yield* near.write("x".repeat(1_000))
      const reading = yield* start(timed(far.pull))
      yield* TestClock.adjust(1_000)
      yield* network.cut(a, b)
      yield* network.setDefaults({ bandwidth: 1_000 })
      yield* TestClock.adjust(60_000)
      assert.isUndefined(reading.pollUnsafe())
      yield* network.heal(a, b)
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* Fiber.join(reading))[1], 61_000)
    })
  )
})

describe("MemoryNetwork: accepting", () => {
  net(
    "takes a turn of the listener's event loop, not the network's",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      const arrived = yield* accepting(network.host(b), 1)
      const { socket } = yield* network.host(a).dial(at(b, 1))
      const seen: Array<number> = []
      yield* Effect.scoped(Effect.gen(function*() {
        yield* socket.reader
        seen.push(arrived.length)
        yield* Effect.yieldNow
        seen.push(arrived.length)
      }))
      assert.deepStrictEqual(seen, [0, 1])
    })
  )
})
