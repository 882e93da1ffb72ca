/** The limit of peers holds at the moment it matters: a place is taken with the Hello, and given back when nothing comes of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import type { PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import { NodeRules, protocolRules } from "../../../src/services/NodeRules.ts"
import type { RawPeer } from "../../../src/testing/RawPeer.ts"
import { longEffect } from "../../harness/long.ts"
import { ip, onMesh, port } from "../../harness/mesh.ts"
import { dial, hello, join } from "../../harness/rawPeer.ts"

/** Higher than all others: it waits for their Commit. */
const node = "10.200.0.1"
/** Each of another netgroup than the next. */
const stranger = (i: number): PeerIp => ip(`10.${1 + i % 180}.0.${Math.floor(i / 180)}`)

/** What inbound peers may take of 125 places. */
const inbound = 125 - Limits.outboundPlaces

describe("places", () => {
  longEffect(
    "1,500 Hellos that wait with their Commit: never more peers than places, and the places come back",
    () =>
      onMesh(5, ({ network, start }) =>
        Effect.gen(function*() {
          const n = yield* start(node)
          const parked: Array<readonly [PeerIp, RawPeer]> = []
          const park = (from: number, count: number) =>
            Effect.gen(function*() {
              for (let i = from; i < from + count; i++) {
                const raw = yield* dial(network.host(stranger(i)), ip(node))
                yield* Effect.forkScoped(raw.say(hello(ip(node), { process: i.toString(16).padStart(16, "0") })))
                parked.push([stranger(i), raw])
              }
              yield* TestClock.adjust(200)
            })
          for (let i = 0; i < 1_500; i += 50) yield* park(i, 50)
          const full = n.of("Refused").filter((event) => event.reason.reject === "full").length
          assert.strictEqual(full, 1_500 - inbound)
          for (const [self, raw] of parked) {
            yield* Effect.forkScoped(raw.say({ _tag: "Commit", lower: self, higher: ip(node) }))
          }
          yield* TestClock.adjust("1 second")
          const up = yield* n.up
          assert.strictEqual(up.length, inbound)
          assert.strictEqual(n.of("Up").length, inbound)
          // They go, and others that park without ever committing hold the places for no longer than H waits.
          for (const [, raw] of parked) yield* raw.close
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* n.up).length, 0)
          for (let i = 2_000; i < 2_200; i += 50) yield* park(i, 50)
          yield* TestClock.adjust(Limits.waitMs + 1_000)
          const late = yield* start("10.200.0.2", { peers: [node] })
          yield* TestClock.adjust("3 seconds")
          assert.strictEqual((yield* late.up).length, 1)
        }))
  )

  it.effect("a configured peer gets into a node that strangers have filled, whichever of them dials", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const us = "10.100.0.1"
        const [lower, higher] = ["10.50.0.1", "10.200.0.9"]
        const n = yield* start(us, { peers: [lower, higher], tuning: { maxPeers: 4 } })
        for (let i = 0; i < 6; i++) {
          const process = i.toString(16).padStart(16, "0")
          yield* join(network.host(ip(`10.101.0.${i}`)), ip(us), [], { process, nonce: BigInt(i + 2) })
            .pipe(Effect.timeoutOption(2_000), Effect.forkScoped)
          yield* TestClock.adjust(1_200)
        }
        assert.strictEqual((yield* n.up).length, 4, "full")
        // It dials us, or we dial it: neither knows more than the other's address.
        yield* start(lower, { peers: [us] })
        yield* start(higher)
        yield* TestClock.adjust("25 seconds")
        const up = (yield* n.up).map(([peer]) => peer)
        assert.includeMembers(up, [lower, higher])
        assert.isAtMost(up.length, 6)
        const late = yield* start("10.102.0.1", { peers: [us] })
        yield* TestClock.adjust("5 seconds")
        assert.isFalse((yield* late.up).some(([peer]) => peer === us), "a stranger does not")
      })))

  it.effect("inbound peers never fill the places of those that the node dials, however many they are", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const us = "10.100.0.1"
        const n = yield* start(us, { tuning: { maxPeers: 16 } })
        const crowd = (from: number, count: number) =>
          Effect.forEach(Array.from({ length: count }, (_, i) => from + i), (i) =>
            join(network.host(stranger(i)), ip(us), [], {
              process: i.toString(16).padStart(16, "0"),
              nonce: BigInt(i + 2)
            }, stranger(i)).pipe(Effect.timeoutOption(2_000), Effect.forkScoped))
        yield* crowd(0, 20)
        yield* TestClock.adjust("3 seconds")
        const ups = Effect.map(n.state.connected, (rows) => ({
          inbound: rows.filter(({ connection }) =>
            connection?.direction === "inbound"
          ).length,
          outbound: rows.filter(({ connection }) => connection?.direction === "outbound").length
        }))
        assert.deepStrictEqual(yield* ups, { inbound: 14, outbound: 0 })
        assert.deepStrictEqual(
          new Set(n.of("Refused").map(({ reason }) => reason.detail)),
          new Set(["peer limit reached (14)"])
        )
        // Addresses that the node learns, and seeks by itself: both find a place.
        for (const other of ["10.150.0.1", "10.151.0.1"]) yield* start(other)
        const known = yield* join(
          network.host(stranger(0)),
          ip(us),
          [
            { _tag: "Peers", peers: ["10.150.0.1", "10.151.0.1"].map((at) => ({ ip: ip(at), port })) }
          ],
          { process: "ee".repeat(8), nonce: 99n },
          stranger(0)
        )
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(yield* ups, { inbound: 14, outbound: 2 })
        yield* crowd(100, 10)
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(yield* ups, { inbound: 14, outbound: 2 })
        yield* known.close
      })))

  longEffect(
    "in a mesh as large as its places every node has all others, whatever their ranks",
    () =>
      onMesh(5, ({ start }) =>
        Effect.gen(function*() {
          const nodes = yield* Effect.forEach(
            Array.from({ length: 17 }, (_, i) => i + 1),
            (i) => start(`10.${i}.0.1`, { peers: i === 9 ? [] : ["10.9.0.1"], tuning: { maxPeers: 16 } })
          )
          yield* TestClock.adjust("10 minutes")
          for (const n of nodes) {
            assert.strictEqual((yield* n.up).length, 16)
          }
        }))
  )

  it.effect("a count of places that is wrong lets no more peers up: the limit is looked at again at Up", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        // Whatever the count says, there is room.
        const checkHello: typeof Handshake.check = (hello, context) =>
          Handshake.check(hello, { ...context, placesTaken: 0 })
        const n = yield* Effect.provideService(start(node, { tuning: { maxPeers: 2 } }), NodeRules, {
          ...protocolRules,
          checkHello
        })
        const raws: Array<RawPeer> = []
        for (const i of [1, 2, 3]) {
          const raw = yield* dial(network.host(stranger(i)), ip(node))
          yield* Effect.forkScoped(Effect.gen(function*() {
            yield* raw.say(hello(ip(node), { process: `${i}`.padStart(16, "0") }))
            yield* raw.say({ _tag: "Commit", lower: stranger(i), higher: ip(node) })
          }))
          raws.push(raw)
          yield* TestClock.adjust("1 second")
        }
        assert.deepStrictEqual((yield* n.up).map(([peer]) => peer), [stranger(1), stranger(2)])
        assert.deepStrictEqual(n.of("Up").map((event) => event.ip), [stranger(1), stranger(2)])
        assert.deepStrictEqual(n.of("Refused").map(({ ip, reason }) => [ip, reason.reject]), [[stranger(3), "full"]])
        assert.deepStrictEqual(n.of("Down"), [])
        const [first, , third] = raws
        assert(first !== undefined && third !== undefined)
        const told = yield* Effect.forkChild(third.until("Reject"))
        yield* TestClock.adjust("1 second")
        const { reason, retryAfterMs, text } = yield* Fiber.join(told)
        assert.deepStrictEqual([reason, text, retryAfterMs], ["full", "peer limit reached (2)", Limits.retryFullMs])
        // The refused one left nothing behind: one that goes makes room for it.
        yield* first.close
        yield* TestClock.adjust("1 second")
        yield* join(network.host(stranger(3)), ip(node), [], {}, stranger(3))
        assert.deepStrictEqual((yield* n.up).map(([peer]) => peer), [stranger(2), stranger(3)])
      })))

  it.effect("a challenger of a peer that has its place never meets full", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node, { tuning: { maxPeers: 1 } })
        const host = network.host(stranger(1))
        for (const nonce of [1n, 2n]) {
          const raw = yield* dial(host, ip(node))
          yield* Effect.forkScoped(Effect.gen(function*() {
            yield* raw.say(hello(ip(node), { nonce }))
            yield* raw.say({ _tag: "Commit", lower: stranger(1), higher: ip(node) })
          }))
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual((yield* n.up).length, 1)
        assert.deepStrictEqual(n.of("Refused").map((event) => event.reason.reject), [])
        assert.deepStrictEqual(n.of("Down").map((event) => event.reason.kind), ["replaced"])
      })))

  it.effect("a Hello that gives us an address no peer can have is refused", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const bad = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "ff02::1"]
        for (const [i, address] of bad.entries()) {
          const raw = yield* dial(network.host(stranger(i)), ip(node))
          yield* Effect.forkScoped(raw.say(hello(ip(address))))
        }
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(n.of("Refused").map((event) => event.reason.kind), bad.map(() => "protocol"))
        assert.deepStrictEqual(n.of("Up"), [])
      })))

  it.effect("sockets that never said Hello leave no row", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const raws: Array<RawPeer> = []
        for (let i = 0; i < 1_400; i++) {
          const raw = yield* dial(network.host(stranger(i)), ip(node))
          raws.push(raw)
          // Some say something that is no Hello, some hang up at once, most say nothing; several come at once.
          if (i % 7 === 0) yield* Effect.forkScoped(raw.say({ _tag: "Ping", nonce: 1n }))
          if (i % 11 === 0) yield* raw.close
          if (i % 13 === 0) yield* dial(network.host(stranger(i)), ip(node))
          if (i % 20 === 0) yield* TestClock.adjust(50)
        }
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual((yield* n.state.peers).map((row) => row.ip), [])
      })))
})
