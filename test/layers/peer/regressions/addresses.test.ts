/** Named regressions of what peers tell of addresses: who lies, and what a second process behind one IP says of its port. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../../src/domain/Limits.ts"
import { longEffect } from "../../../harness/long.ts"
import { assertConnected, downs, ip, onMesh, port } from "../../../harness/mesh.ts"
import { dial, join, nowhere } from "../../../harness/rawPeer.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"
const liar = ip("10.0.0.9")
const other = 9_999

describe("addresses", () => {
  for (const again of [false, true]) {
    it.effect(`an address that peers gossip${again ? " twice" : ""} while its host says nothing is one peer`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const node = yield* start(L)
          yield* Effect.forkScoped(Effect.andThen(dial(network.host(ip(H)), ip(L)), Effect.never))
          const told = { _tag: "Peers", peers: [{ ip: ip(H), port }] } as const
          const raw = yield* join(network.host(liar), ip(L), [told])
          // The silent socket is given up, a dial fails, they gossip it again or not, and then a peer listens there.
          while (node.of("DialFailed", H).length === 0) yield* TestClock.adjust(10)
          assert.deepStrictEqual(node.of("Refused", H).map(({ reason }) => reason.kind), ["hello-timeout"])
          if (again) yield* raw.say(told)
          yield* start(H)
          // No address that others tell of is dialled twice in a minute.
          yield* TestClock.adjust("80 seconds")
          assert.strictEqual(node.of("Up", H).length, 1)
          assert.deepStrictEqual(downs(node, H), [])
          assert.strictEqual((yield* node.state.peers).filter((row) => row.ip === H).length, 1)
        })))
  }

  longEffect(
    "address spam: thousands of dead ones fill neither the table nor the dials, and a real peer is reached",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const node = yield* start(L)
          const real = yield* start(H)
          const told = Array.from({ length: 16 }, (_, i) => ({
            _tag: "Peers" as const,
            peers: nowhere(Limits.peersPerMessage, i * Limits.peersPerMessage)
          }))
          const raw = yield* join(network.host(liar), ip(L), told)
          yield* TestClock.adjust("1 second")
          const learned = () => node.of("PeerLearned").filter((event) => event.ip.startsWith("10.7."))
          assert.strictEqual(learned().length, Limits.newAddresses, "a bucket full at once")
          assert.isAbove(node.of("Dialling").length, 0)
          // Every dial to them hangs. An address that another peer names is dialled nevertheless.
          const friend = yield* start("10.0.0.3", { peers: [L] })
          yield* TestClock.adjust("4 seconds")
          yield* assertConnected(node, L, friend, "10.0.0.3")
          const hearsay = new Set(node.of("Dialling").map((event) => event.ip)).size
          assert.isAtMost(
            hearsay,
            2 * Math.ceil(Limits.maxDials * (Limits.gossipDials + Limits.needyDials)) + 2,
            "some places stay free"
          )
          yield* node.manager.connect({ ip: ip(H), port })
          yield* TestClock.adjust("3 seconds")
          yield* assertConnected(node, L, real, H, L)
          // Nor is one whom an honest peer names kept out by the dead ones that were named before.
          const newcomer = yield* start("10.0.0.4", { peers: ["10.0.0.3"] })
          yield* TestClock.adjust("10 seconds")
          yield* assertConnected(node, L, newcomer, "10.0.0.4")
          // The liar keeps on for ten minutes: it is heard at the bucket's rate.
          const minutes = 10
          const talk = yield* Effect.forkChild(Effect.forEach(Array.from({ length: minutes * 6 }, (_, i) => i), (i) =>
            Effect.andThen(
              raw.say({ _tag: "Peers", peers: nowhere(Limits.peersPerMessage, 10_000 + i * Limits.peersPerMessage) }),
              Effect.andThen(raw.say({ _tag: "Ping", nonce: 1n }), Effect.sleep("10 seconds"))
            ), { discard: true }))
          yield* TestClock.adjust(`${minutes} minutes`)
          yield* Fiber.join(talk)
          const more = learned().length - Limits.newAddresses
          assert.isAtLeast(
            more,
            minutes * 60 * Limits.newAddressesPerSecond * 0.9,
            "what it tells is not ignored for ever"
          )
          assert.isAtMost(more, (minutes * 60 + 20) * Limits.newAddressesPerSecond + 1)
          const rows = yield* node.state.peers
          assert.isAtMost(rows.length, 4 + Limits.newAddresses + more)
          yield* assertConnected(node, L, real, H)
          assert.deepStrictEqual([downs(node, H), downs(node, "10.0.0.3")], [[], []])
        }))
  )

  it.effect("address spam: known addresses told again cost nothing of the bucket", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        const few = { _tag: "Peers" as const, peers: nowhere(200) }
        yield* join(network.host(liar), ip(L), [few, few, few, few, { _tag: "Peers", peers: nowhere(56, 200) }])
        yield* TestClock.adjust("1 second")
        const learned = node.of("PeerLearned").filter((event) => event.ip.startsWith("10.7."))
        assert.strictEqual(learned.length, 256)
      })))

  it.effect("address spam: of a peer that is known already, the address is learnt although the bucket is empty", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        // It says that it does not listen.
        yield* join(network.host(ip(H)), ip(L), [], { listens: 0 })
        const raw = yield* join(network.host(liar), ip(L), [{ _tag: "Peers", peers: nowhere(256) }], { nonce: 2n })
        yield* raw.say({ _tag: "Peers", peers: [{ ip: ip("10.6.0.1"), port }, { ip: ip(H), port: other }] })
        yield* TestClock.adjust("1 second")
        const rows = yield* node.state.peers
        assert.strictEqual(rows.find((row) => row.ip === H)?.port, other)
        assert.isUndefined(rows.find((row) => row.ip === "10.6.0.1"), "there is no room for a new one")
      })))

  it.effect("wrong port: a refused second process behind a peer's IP does not change where we dial", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H)
        yield* TestClock.adjust("5 seconds")
        yield* assertConnected(l, L, h, H, L)
        const second = yield* start(H, { listen: `${H}:${other}`, peers: [L] })
        yield* TestClock.adjust("10 seconds")
        assert.isAtLeast(second.of("Refused").length, 1)
        assert.strictEqual(second.of("Up").length, 0)
        const before = l.of("Dialling", H).length
        yield* network.reset(ip(L), ip(H))
        yield* TestClock.adjust("20 seconds")
        yield* assertConnected(l, L, h, H)
        const ports = l.of("Dialling", H).slice(before).map((event) => event.port)
        assert.isNotEmpty(ports)
        assert.deepStrictEqual([...new Set(ports)], [port])
        assert.strictEqual(second.of("Up").length, 0)
      })))

  it.effect("wrong port: both ends have the port of a process that is gone; they find each other in seconds", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const wrong = { l: `${L}:${other}`, h: `${H}:${other}` }
        const l = yield* start(L, { peers: [wrong.h] })
        const h = yield* start(H, { peers: [wrong.l] })
        yield* TestClock.adjust("8 seconds")
        yield* assertConnected(l, L, h, H)
        const tried = [...l.of("Dialling", H), ...h.of("Dialling", L)].map((event) => event.port)
        assert.include(tried, other, "the port that was told")
        assert.include(tried, port, "and the network's")
        // The refusals on the way are no failures: the next dial is not put off.
        const before = [l.of("Dialling").length, h.of("Dialling").length]
        yield* network.reset(ip(L), ip(H))
        yield* TestClock.adjust("5 seconds")
        yield* assertConnected(l, L, h, H)
        const next = [...l.of("Dialling").slice(before[0]), ...h.of("Dialling").slice(before[1])]
        assert.deepStrictEqual(next.map((event) => event.port), [port], "what the peer itself told goes first")
      })))

  it.effect("wrong port: a peer's old port, and the network's, are tried where its latest refuses", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L)
        for (const listens of [other, 7_777]) {
          const h = yield* start(H, { listen: `${H}:${listens}`, peers: [L] })
          yield* TestClock.adjust("20 seconds")
          yield* assertConnected(l, L, h, H)
          yield* network.crash(ip(H))
        }
        // The next ones know nobody: only L can dial.
        for (const listens of [other, port]) {
          const before = l.of("Dialling", H).length
          const back = yield* start(H, { listen: `${H}:${listens}` })
          yield* TestClock.adjust("1 minute")
          yield* assertConnected(l, L, back, H, L)
          assert.strictEqual(l.of("Dialling", H).slice(before).at(-1)?.port, listens)
          yield* network.crash(ip(H))
        }
      })))

  it.effect("wrong port: the port a peer tells itself goes first, whichever reached it before", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L, { peers: [`${H}:${other}`] })
        yield* start(H)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(l.of("Dialling", H).map((event) => event.port), [other, port])
        yield* network.block(ip(H))
        yield* network.crash(ip(H))
        const moved = yield* start(H, { listen: `${H}:7777`, peers: [L] })
        yield* TestClock.adjust("20 seconds")
        yield* assertConnected(l, L, moved, H, H)
        yield* network.allow(ip(H))
        const before = l.of("Dialling", H).length
        yield* network.reset(ip(L), ip(H))
        yield* TestClock.adjust("20 seconds")
        yield* assertConnected(l, L, moved, H)
        assert.deepStrictEqual([...new Set(l.of("Dialling", H).slice(before).map((event) => event.port))], [7_777])
      })))
})
