import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import { Await, TestNode } from "../../src/testing/index.ts"

const ip = PeerIp.fromStringUnsafe

describe("the test kit", () => {
  it.effect("on the memory network: pairs connect, and part when a node stops", () =>
    Effect.gen(function*() {
      const a = yield* TestNode.onMemory({ ip: ip("10.0.0.1") })
      const b = yield* TestNode.onMemory({ ip: ip("10.0.0.2"), peers: [a.address] })
      const c = yield* TestNode.onMemory({ ip: ip("10.0.0.3"), peers: [a.address] })
      const waiting = yield* Effect.forkChild(Await.connected([a, b, c]))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(waiting)
      assert.strictEqual(a.sockets.get(b.ip), b.sockets.get(a.ip))
      // b and c were told of each other by a.
      assert.strictEqual(b.of("Up", c.ip).length, 1)
      assert.strictEqual((yield* b.state.connected).length, 2)

      const parted = yield* Effect.forkChild(Await.parted([a, b]))
      yield* b.stop
      yield* Fiber.join(parted)
      assert.deepStrictEqual(a.of("Down", b.ip).map(({ reason }) => reason.kind), ["shutdown"])
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))

  it.effect("a scope that closes stops its nodes on the test's clock, and waits for no real time", () =>
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      yield* network.setDefaults({ latency: 50 })
      const a = yield* TestNode.onMemory({ ip: ip("10.0.0.1") })
      yield* Effect.scoped(Effect.gen(function*() {
        const b = yield* TestNode.onMemory({ ip: ip("10.0.0.2"), peers: [a.address] })
        const waiting = yield* Effect.forkChild(Await.connected([a, b]))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(waiting)
      }))
      // The final Reject arrived, which takes a clock that moves.
      assert.deepStrictEqual(a.of("Down").map(({ reason }) => reason.kind), ["shutdown"])
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))

  it.effect("what does not come is an error that names the pairs", () =>
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      const a = yield* TestNode.onMemory({ ip: ip("10.0.0.1") })
      yield* network.block(a.ip)
      const b = yield* TestNode.onMemory({ ip: ip("10.0.0.2"), peers: [a.address] })
      const waiting = yield* Effect.forkChild(Effect.flip(Await.connected([a, b], "3 seconds")))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(
        (yield* Fiber.join(waiting)).message,
        "stuck waiting for every pair to be connected; 10.0.0.1 ⇄ 10.0.0.2: no connection and no connection"
      )
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))

  it.live("on the kernel's sockets, each on a free port", () =>
    Effect.gen(function*() {
      const a = yield* TestNode.onTcp({ ip: ip("127.61.0.1"), record: false })
      const ups: Array<string> = []
      const b = yield* TestNode.onTcp({
        ip: ip("127.61.0.2"),
        peers: [a.address],
        onEvent: (event) => {
          if (event._tag === "Up") ups.push(event.ip)
        }
      })
      assert.isAbove(a.address.port, 0)
      yield* Await.connected([a, b])
      assert.deepStrictEqual([ups, a.events], [[a.ip], []])
      yield* a.manager.disconnect(b.ip)
      yield* Await.parted([a, b])
    }).pipe(Effect.scoped))
})
