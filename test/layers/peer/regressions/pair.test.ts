/** Named regressions of the pair protocol: what went wrong in real networks of this family, on the in-memory network. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { assertConnected, downs, ip, onMesh } from "../../../harness/mesh.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"

describe("pair", () => {
  it.effect("both restart at once (besu#10040): one connection, no flap", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H, { peers: [L] })
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(l, L, h, H, L)
        yield* Effect.all([network.crash(ip(L)), network.crash(ip(H))])
        const l2 = yield* start(L, { peers: [H] })
        const h2 = yield* start(H, { peers: [L] })
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(l2, L, h2, H)
        assert.deepStrictEqual([downs(l2), downs(h2)], [[], []])
      })))

  for (const [name, dead, other] of [["higher", H, L], ["lower", L, H]] as const) {
    it.effect(`the ${name} is killed and back before keepalive (lnd#1337): accepted again in seconds`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const survivor = yield* start(other, { peers: [dead] })
          yield* start(dead, { peers: [other] })
          yield* TestClock.adjust("10 seconds")
          // The machine loses power and comes back: the survivor's end of the old socket is a corpse.
          yield* network.drop(ip(dead))
          yield* TestClock.adjust("2 seconds")
          yield* network.restore(ip(dead))
          const back = yield* start(dead, { peers: [other] })
          yield* TestClock.adjust("15 seconds")
          yield* assertConnected(survivor, other, back, dead)
          assert.strictEqual(survivor.of("Down").length, 1)
          assert.deepStrictEqual(downs(back), [])
        })))
  }

  it.effect("H knows L only: H dials after the fallback, and L never heard of it before", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const l = yield* start(L)
        const h = yield* start(H, { peers: [L] })
        yield* TestClock.adjust("3 seconds")
        yield* assertConnected(l, L, h, H, H)
      })))

  it.effect("L unreachable (NAT): L dials out, H never succeeds and never flaps", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* network.block(ip(L))
        const h = yield* start(H, { peers: [L] })
        yield* TestClock.adjust("20 seconds")
        const l = yield* start(L, { peers: [H] })
        yield* TestClock.adjust("20 seconds")
        yield* assertConnected(l, L, h, H, L)
        assert.deepStrictEqual([downs(l), downs(h)], [[], []])
      })))

  it.effect("H unreachable: H's own dial is the connection, learnt for the next time", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* network.block(ip(H))
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H, { peers: [L] })
        yield* TestClock.adjust("20 seconds")
        yield* assertConnected(l, L, h, H, H)
        yield* network.reset(ip(L), ip(H))
        yield* TestClock.adjust("2 seconds")
        yield* assertConnected(l, L, h, H, H)
        assert.strictEqual(h.of("Up").length, 2)
      })))

  it.effect("own IP unknown: rank comes from the connection", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const a = yield* start(L, { listen: "any", peers: [H] })
        const b = yield* start(H, { listen: "any", peers: [L] })
        yield* TestClock.adjust("20 seconds")
        yield* assertConnected(a, L, b, H)
        assert.strictEqual((yield* a.state.connected)[0]?.connection?.role, "lower")
        assert.strictEqual((yield* b.state.connected)[0]?.connection?.role, "higher")
        assert.deepStrictEqual([downs(a), downs(b)], [[], []])
      })))

  it.effect("two processes behind the higher IP: the first stays, the second is told in-use", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const l = yield* start(L)
        const first = yield* start(H, { peers: [L] })
        yield* TestClock.adjust("5 seconds")
        const second = yield* start(H, { listen: `${H}:9999`, peers: [L] })
        yield* TestClock.adjust("10 minutes")
        yield* assertConnected(l, L, first, H)
        assert.deepStrictEqual(downs(l), [])
        assert.strictEqual(second.of("Up").length, 0)
        const refusals = second.of("Refused").filter((event) => event.reason.reject === "in-use")
        // 5 s doubling to 5 min: a handful in ten minutes, not a hundred.
        assert.isAtLeast(refusals.length, 2)
        assert.isAtMost(refusals.length, 9)
        assert.include((yield* second.state.why(ip(L))).text, "in-use")
      })))

  it.effect("two processes behind the lower IP: H keeps the one that answers", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const h = yield* start(H)
        const first = yield* start(L, { peers: [H] })
        yield* TestClock.adjust("5 seconds")
        const second = yield* start(L, { listen: `${L}:9999`, peers: [H] })
        yield* TestClock.adjust("10 minutes")
        yield* assertConnected(first, L, h, H)
        assert.deepStrictEqual(downs(h), [])
        assert.strictEqual(second.of("Up").length, 0)
        assert.isAtLeast(second.of("Refused").filter((event) => event.reason.reject === "in-use").length, 2)
      })))

  it.effect("one process by IPv4 and IPv6: one connection kept, the alias reported", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const b = yield* start([H, "fd00::2"], { listen: "any" })
        const a = yield* start(L, { peers: [H, "[fd00::2]:24200"] })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* a.up).length, 1)
        assert.strictEqual((yield* b.up).length, 1)
        const up = (yield* a.up)[0]?.[0]
        const other = up === H ? "fd00::2" : H
        assert.isAtLeast(a.of("Aliased", other).length, 1)
        assert.strictEqual((yield* a.state.why(ip(other))).state, "alias")
        assert.deepStrictEqual([downs(a), downs(b)], [[], []])
        // While that one is up there is no dialling the other.
        const dials = a.of("Dialling", other).length
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(a.of("Dialling", other).length, dials)
      })))

  it.effect("::ffff: mapped address: the same peer", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const a = yield* start(L, { peers: [H, `[::ffff:${H}]:24200`] })
        const b = yield* start(H, { listen: "any" })
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(a, L, b, H)
        assert.strictEqual((yield* a.state.peers).length, 1)
      })))

  it.effect("self-dial through the public address: found out once, then left alone", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const a = yield* start([L, "203.0.113.9"], {
          listen: "any",
          inside: "192.168.0.2",
          peers: ["203.0.113.9"]
        })
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(a.of("Up").length, 0)
        assert.strictEqual(a.of("OwnAddress").length, 1)
        assert.strictEqual(a.of("Dialling").length, 1)
        assert.strictEqual((yield* a.state.why(ip("203.0.113.9"))).state, "own-address")
      })))

  it.effect("the reason survives the close", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H)
        yield* TestClock.adjust("5 seconds")
        yield* h.manager.disconnect(ip(L))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(l.of("Down").map((event) => event.reason.kind), ["operator"])
        assert.deepStrictEqual(l.of("Down").map((event) => event.reason.by), ["remote"])
        const l2 = yield* start("10.0.0.3", { peers: [H] })
        yield* TestClock.adjust("5 seconds")
        yield* h.stop
        assert.deepStrictEqual(downs(l2), ["shutdown"])
      })))

  it.effect("two hours idle: nobody disconnects, pings answered on both directions (the 90-second cycle)", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const nodes = [
          yield* start("10.0.0.1", { peers: ["10.0.0.2"] }),
          yield* start("10.0.0.2"),
          yield* start("10.0.0.3", { peers: ["10.0.0.2"] })
        ]
        yield* TestClock.adjust("2 hours")
        for (const node of nodes) {
          assert.deepStrictEqual(downs(node), [])
          assert.strictEqual((yield* node.up).length, 2)
          for (const direction of ["inbound", "outbound"] as const) {
            const of = (tag: "PingSent" | "PongReceived") =>
              node.of(tag).filter((event) => event.direction === direction).length
            const connections = (yield* node.state.connected).filter((r) =>
              r.connection?.direction === direction
            ).length
            // Every 15 s for two hours, on every connection, and every one answered.
            assert.isAtLeast(of("PingSent"), connections * 479)
            assert.isAtLeast(of("PongReceived"), of("PingSent") - connections)
          }
        }
      })))
})
