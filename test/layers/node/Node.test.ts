/** A whole node on the in-memory network: channels, discovery, limits, closing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { assertConnected, downs, ip, onMesh } from "../../harness/mesh.ts"
import { join } from "../../harness/rawPeer.ts"

const channel = 5
const text = (s: string) => new TextEncoder().encode(s)
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("channels", () => {
  it.effect("messages arrive in order, short and long, by handler and by stream", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* network.setDefaults({ maxChunk: 1_000 })
        const a = yield* start("10.0.0.1", { peers: ["10.0.0.2"] })
        const b = yield* start("10.0.0.2")
        yield* TestClock.adjust("5 seconds")
        const got: Array<string> = []
        yield* b.manager.receive(channel, (from, payloads) => {
          assert.strictEqual(from.ip, ip("10.0.0.1"))
          for (const payload of payloads) got.push(read(payload))
        })
        const expected = Array.from({ length: 500 }, (_, i) => `${i}`.padEnd(i % 50 === 0 ? 20_000 : 10, "."))
        yield* a.manager.sendAll(ip("10.0.0.2"), channel, expected.map(text))
        yield* a.manager.send(ip("10.0.0.2"), channel, text("last"))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(got, [...expected, "last"])

        const stream = yield* Effect.forkChild(
          a.manager.messages(channel).pipe(Stream.take(2), Stream.runCollect),
          { startImmediately: true }
        )
        assert.strictEqual(yield* b.manager.broadcast(channel, text("one")), 1)
        yield* b.manager.send(ip("10.0.0.1"), channel, text("two"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* Fiber.join(stream)).map((m) => read(m.payload)), ["one", "two"])
      })))

  it.effect("says by its type what cannot be sent", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const a = yield* start("10.0.0.1", { peers: ["10.0.0.2"] })
        const b = yield* start("10.0.0.2")
        yield* TestClock.adjust("5 seconds")
        const reason = (effect: ReturnType<typeof a.manager.send>) =>
          Effect.map(Effect.flip(effect), (error) => error.reason._tag)
        assert.strictEqual(yield* reason(a.manager.send(ip("10.0.0.9"), channel, text("x"))), "NotConnected")
        assert.strictEqual(
          yield* reason(a.manager.send(ip("10.0.0.2"), channel, new Uint8Array(Limits.frameBytes))),
          "TooLarge"
        )
        yield* a.manager.receive(channel, () => {})
        assert.strictEqual((yield* Effect.flip(Effect.scoped(a.manager.receive(channel, () => {})))).channel, channel)
        yield* a.manager.send(ip("10.0.0.2"), 999, text("nobody listens"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([downs(a), downs(b)], [[], []])
      })))

  it.effect("a reader that falls behind learns that it lost messages", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const a = yield* start("10.0.0.1", { peers: ["10.0.0.2"] })
        const b = yield* start("10.0.0.2")
        yield* TestClock.adjust("5 seconds")
        const gate = yield* Latch.make(false)
        const slow = yield* Effect.forkChild(
          b.manager.messages(channel).pipe(Stream.tap(() => Latch.await(gate)), Stream.runDrain, Effect.flip),
          { startImmediately: true }
        )
        const many = Array.from({ length: Limits.streamBuffer * 2 }, () => text("x"))
        yield* a.manager.sendAll(ip("10.0.0.2"), channel, many)
        yield* TestClock.adjust("10 seconds")
        yield* Latch.open(gate)
        assert.strictEqual((yield* Fiber.join(slow))._tag, "Lagged")
      })))
})

describe("discovery", () => {
  // On the slow links a dial takes longer than the fallback for first contact: hearsay must wait for the long one.
  for (const latencyMs of [20, 400]) {
    it.effect(`nodes told of one seed only become a full mesh, one dial per pair (${latencyMs} ms)`, () =>
      onMesh(latencyMs, ({ network, start }) =>
        Effect.gen(function*() {
          const ips = Array.from({ length: 8 }, (_, i) => `10.0.0.${i + 1}`)
          const nodes = []
          for (const own of ips) nodes.push(yield* start(own, { peers: own === "10.0.0.4" ? [] : ["10.0.0.4"] }))
          yield* TestClock.adjust("10 seconds")
          let dials = 0
          for (const [i, a] of nodes.entries()) {
            dials += a.of("Dialling").length
            for (const [j, b] of nodes.entries()) {
              if (i < j) yield* assertConnected(a, ips[i] ?? "", b, ips[j] ?? "")
            }
          }
          assert.strictEqual(dials, 28)
          assert.strictEqual((yield* network.connections).length, 28)
        })))
  }

  it.effect("hearsay about loopback, private or special addresses is not believed from the public network", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const a = yield* start("203.0.113.1")
        yield* join(network.host(ip("203.0.113.2")), ip("203.0.113.1"), [{
          _tag: "Peers",
          peers: ["127.0.0.1", "10.0.0.1", "0.0.0.0", "224.0.0.1", "203.0.113.1", "203.0.113.77"].map((text) => ({
            ip: ip(text),
            port: 24200
          }))
        }])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* a.state.peers).map((peer) => `${peer.ip}`), ["203.0.113.2", "203.0.113.77"])
      })))
})

describe("limits", () => {
  it.effect("a full node says so, keeps what it has, and takes the next when a place is free", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const hub = yield* start("10.0.0.1", { tuning: { maxPeers: 2 } })
        const two = yield* start("10.0.0.2", { peers: ["10.0.0.1"], tuning: { maxPeers: 1 } })
        yield* start("10.0.0.3", { peers: ["10.0.0.1"], tuning: { maxPeers: 1 } })
        yield* TestClock.adjust("5 seconds")
        const four = yield* start("10.0.0.4", { peers: ["10.0.0.1"], tuning: { maxPeers: 1 } })
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* hub.up).length, 2)
        assert.isAtLeast(four.of("Refused", "10.0.0.1").filter((e) => e.reason.reject === "full").length, 1)
        assert.deepStrictEqual(downs(hub), [])
        yield* two.stop
        yield* TestClock.adjust("3 minutes")
        yield* assertConnected(hub, "10.0.0.1", four, "10.0.0.4")
      })))
})

describe("closing", () => {
  it.effect("tells every peer shutdown, leaves no connection, and the survivors come back when it does", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const a = yield* start("10.0.0.1", { peers: ["10.0.0.2"] })
        const b = yield* start("10.0.0.2")
        const c = yield* start("10.0.0.3", { peers: ["10.0.0.2"] })
        yield* TestClock.adjust("10 seconds")
        yield* b.stop
        assert.deepStrictEqual([downs(a), downs(c)], [["shutdown"], ["shutdown"]])
        assert.strictEqual((yield* network.connections).length, 1)
        const again = yield* start("10.0.0.2")
        yield* TestClock.adjust("30 seconds")
        yield* assertConnected(a, "10.0.0.1", again, "10.0.0.2")
        yield* assertConnected(c, "10.0.0.3", again, "10.0.0.2")
      })))
})
