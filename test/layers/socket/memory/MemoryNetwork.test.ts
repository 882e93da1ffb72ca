import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import { layerHost, MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"

import type { PeerSocket } from "../../../../src/services/PeerSocket.ts"
import {
  a,
  accepting,
  b,
  c,
  dialling,
  during,
  joined,
  net,
  soon,
  start,
  timed
} from "../../../harness/memoryHarness.ts"
import { contract } from "../../../harness/peerSocketContract.ts"
import type { Line } from "../../../harness/peerSocketHarness.ts"
import { ip, outcome, readAll, text } from "../../../harness/peerSocketHarness.ts"

const local = () =>
  layerHost(ip("127.0.0.1"), ip("127.0.0.2"), ip("127.0.0.3"), ip("::1")).pipe(Layer.provideMerge(MemoryNetwork.layer))

describe("MemoryNetwork as a PeerSocket", () => {
  for (const [name, effect] of Object.entries(contract)) {
    it.effect(name, () => effect.pipe(Effect.provide(local())))
  }
})

describe("MemoryNetwork: links", () => {
  net(
    "a dial takes a round trip, the acceptor sees it half one later, bytes take the latency",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      yield* network.setDefaults({ latency: "50 millis" })
      const arrived = yield* accepting(network.host(b), 1)
      const fiber = yield* start(timed(dialling(network.host(a), b, 1)))
      yield* TestClock.adjust(1_000)
      const [near, connectedAt] = yield* Fiber.join(fiber)
      assert.deepStrictEqual([connectedAt, arrived[0]?.time], [100, 150])
      const reading = yield* start(timed(arrived[0]?.pull ?? Effect.die("nothing arrived")))
      yield* near.write("x")
      yield* TestClock.adjust(1_000)
      const [batch, time] = yield* Fiber.join(reading)
      assert.deepStrictEqual([text(batch), time], ["x", 1_050])
    })
  )

  net(
    "directions differ",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setLink(a, b, { latency: 30 }, { oneWay: true })
      yield* near.write("there")
      const [, there] = yield* during(100, timed(far.pull))
      yield* far.write("back")
      const [, back] = yield* during(100, timed(near.pull))
      assert.deepStrictEqual([there, back], [30, 100])
    })
  )

  net(
    "a small maxChunk re-chunks",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ maxChunk: 2 })
      yield* near.write("abcde")
      assert.deepStrictEqual((yield* far.pull).map((chunk) => text([chunk])), ["ab", "cd", "e"])
    })
  )

  net(
    "bandwidth is exact, and shared by the connections of one direction",
    Effect.gen(function*() {
      const { arrived, far, hostA, near, network } = yield* joined
      const second = yield* dialling(hostA, b, 1)
      yield* network.setLink(a, b, { bandwidth: 3_000, latency: 100, maxChunk: 500 })
      yield* near.write(new Uint8Array(1_000)) // leaves by 333.3
      yield* second.write(new Uint8Array(500)) // leaves by 500
      const times: Array<readonly [string, number, number]> = []
      const watch = (name: string, pull: Line["pull"] | undefined) =>
        Effect.forever(
          Effect.map(timed(pull ?? Effect.never), ([batch, time]) =>
            times.push([name, batch.reduce((sum, { length }) => sum + length, 0), time]))
        )
      yield* start(watch("first", far.pull))
      yield* start(watch("second", arrived[1]?.pull))
      yield* TestClock.adjust(10_000)
      // 500 B at 3,000 B/s take 166.67 ms; arrival is rounded up to whole ms
      assert.deepStrictEqual(times, [["first", 500, 267], ["first", 500, 434], ["second", 500, 600]])
      // a megabyte in one go: no rounding adds up
      yield* network.setLink(a, b, { bandwidth: 1_000_000, latency: 0, maxChunk: 777, bufferBytes: 2_000_000 })
      times.length = 0
      yield* near.write(new Uint8Array(1_000_000))
      yield* TestClock.adjust(999)
      assert.isBelow(times.reduce((sum, [, n]) => sum + n, 0), 1_000_000)
      yield* TestClock.adjust(1)
      assert.strictEqual(times.reduce((sum, [, n]) => sum + n, 0), 1_000_000)
    })
  )

  net(
    "a writer waits for what is beyond the buffer",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ bufferBytes: 1_000 })
      yield* near.write(new Uint8Array(1_000)) // fits
      const writing = yield* start(near.write(new Uint8Array(1_500)))
      yield* TestClock.adjust(60_000)
      assert.isUndefined(writing.pollUnsafe())
      const size = (batch: ReadonlyArray<Uint8Array | string>) => batch.reduce((sum, { length }) => sum + length, 0)
      assert.strictEqual(size(yield* far.pull), 1_000)
      yield* TestClock.adjust(0)
      assert.isUndefined(writing.pollUnsafe())
      assert.strictEqual(size(yield* far.pull), 1_000)
      yield* TestClock.adjust(0)
      assert.isDefined(writing.pollUnsafe())
      assert.strictEqual(size(yield* far.pull), 500)
    })
  )

  const jittered = Effect.gen(function*() {
    const { far, near, network } = yield* joined
    yield* network.setDefaults({ latency: 20, jitter: 30 })
    const arrivals: Array<string> = []
    yield* start(
      Effect.forever(Effect.map(timed(far.pull), ([batch, time]) => arrivals.push(`${text(batch)}@${time}`)))
    )
    for (let i = 0; i < 20; i++) {
      yield* near.write(String.fromCharCode(97 + i))
      yield* TestClock.adjust(5)
    }
    yield* TestClock.adjust(1_000)
    return arrivals
  }).pipe(Effect.provide(MemoryNetwork.layer), Effect.scoped)

  it.effect("jitter stays in bounds, keeps the order, and is the seed's", () =>
    Effect.gen(function*() {
      const again = (seed: string) =>
        Effect.provide(Random.withSeed(jittered, seed), TestClock.layer(), { local: true })
      const [one, same, other] = [yield* again("1"), yield* again("1"), yield* again("2")]
      assert.deepStrictEqual(one, same)
      assert.notDeepEqual(one, other)
      assert.strictEqual(one.map((entry) => entry.split("@")[0]).join(""), "abcdefghijklmnopqrst")
      const delays = one.flatMap((entry) => {
        const [letters, time] = entry.split("@")
        return [Number(time) - 5 * ((letters ?? "").charCodeAt(0) - 97)]
      })
      assert.isTrue(delays.every((delay) => delay >= 20), String(one))
      assert.isTrue(delays.every((delay) => delay <= 51 + 30), String(one)) // held back by the byte before, at most
      assert.isAbove(new Set(delays).size, 3)
    }))
})

describe("MemoryNetwork: cut and heal", () => {
  net(
    "bytes wait for the heal; what had arrived can be read; the other direction works when one is cut",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10 })
      yield* near.write("before ")
      yield* TestClock.adjust(10)
      yield* near.write("under way")
      yield* network.cut(a, b, { oneWay: true })
      assert.strictEqual(text(yield* far.pull), "before ")
      assert.isUndefined(yield* soon(60_000, far.pull))
      yield* far.write("this way")
      assert.strictEqual(text(yield* during(10, near.pull)), "this way")
      const reading = yield* start(timed(far.pull))
      yield* network.heal(a, b, { oneWay: true })
      yield* TestClock.adjust(5)
      const [batch, time] = yield* Fiber.join(reading)
      assert.deepStrictEqual([text(batch), time], ["under way", 60_020])
    })
  )

  net(
    "a close across a cut is seen after the heal",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.cut(a, b)
      yield* near.write("last")
      yield* near.close
      assert.isUndefined(yield* soon(60_000, far.pull))
      yield* network.heal(a, b)
      assert.deepStrictEqual(yield* readAll(far.pull), ["last", "1000"])
    })
  )

  net(
    "dials hang until their timeout, or the heal",
    Effect.gen(function*() {
      const { hostA, network } = yield* joined
      yield* network.cut(a, b)
      const short = yield* start(timed(Effect.exit(dialling(hostA, b, 1, { timeoutMs: 700 }))))
      const normal = yield* start(timed(Effect.exit(dialling(hostA, b, 1))))
      const long = yield* start(timed(Effect.exit(dialling(hostA, b, 1, { timeoutMs: 60_000 }))))
      yield* TestClock.adjust(10_000)
      yield* network.heal(a, b)
      yield* TestClock.adjust(1)
      const said: Array<unknown> = []
      for (const fiber of [short, normal, long]) {
        const [exit, time] = yield* Fiber.join(fiber)
        said.push(`${outcome(exit)} at ${time}`)
      }
      assert.deepStrictEqual(said, [
        "SocketOpenError Timeout at 700",
        "SocketOpenError Timeout at 5000",
        "success at 10000"
      ])
      assert.strictEqual((yield* network.connections).length, 2) // the abandoned dials left nothing
    })
  )
})

describe("MemoryNetwork: refuse and block", () => {
  net(
    "refused dials fail after a round trip, connections live on",
    Effect.gen(function*() {
      const { far, hostA, near, network } = yield* joined
      yield* network.setDefaults({ latency: 25 })
      yield* network.refuse(b)
      const [exit, time] = yield* during(1_000, timed(Effect.exit(dialling(hostA, b, 1))))
      assert.strictEqual(`${outcome(exit)} at ${time}`, "SocketOpenError ECONNREFUSED at 50")
      yield* near.write("alive")
      assert.strictEqual(text(yield* during(25, far.pull)), "alive")
      yield* network.allow(b)
      assert.strictEqual(outcome(yield* during(100, Effect.exit(dialling(hostA, b, 1)))), "success")
    })
  )

  net(
    "a blocked host, a blocked direction and a host that does not exist time out",
    Effect.gen(function*() {
      const { hostA, hostB, network } = yield* joined
      const hostC = network.host(c)
      yield* accepting(hostA, 1)
      const tried = (from: PeerSocket["Service"], to: string) =>
        Effect.map(during(5_000, Effect.exit(dialling(from, to, 1))), outcome)
      yield* network.block(b, a)
      assert.deepStrictEqual(
        [yield* tried(hostA, b), yield* tried(hostC, b), yield* tried(hostB, a)],
        ["SocketOpenError Timeout", "success", "success"]
      )
      yield* network.allow(b, a)
      yield* network.block(b)
      assert.deepStrictEqual(
        [yield* tried(hostA, b), yield* tried(hostC, b), yield* tried(hostA, "10.9.9.9")],
        ["SocketOpenError Timeout", "SocketOpenError Timeout", "SocketOpenError Timeout"]
      )
      yield* network.allow(b)
      assert.strictEqual(yield* tried(hostA, b), "success")
    })
  )
})
