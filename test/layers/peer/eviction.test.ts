/** A full node makes room: for whom, and who keeps its place. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import { longEffect } from "../../harness/long.ts"
import { ip, onMesh } from "../../harness/mesh.ts"
import { dial, hello, join } from "../../harness/rawPeer.ts"

/** Higher than all others: it waits for their Commit. */
const node = "10.200.0.1"
/** Those that inbound peers may take, and of the whole an eighth that they may not. */
const places = 40
const maxPeers = 45
/** Of the youngest so many one goes: all but one of them may be of a netgroup that the secret order protects. */
const mayGo = Limits.evictionGroups + 1

describe("a full node", () => {
  it.effect("lets in a newcomer without peers, in place of the youngest polite stranger, who reads evicted; it keeps the others", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const friend = "10.100.0.1"
        const n = yield* start(node, { peers: [friend], tuning: { maxPeers, deadMs: 3_600_000 } })
        yield* start(friend)
        const at = (i: number) => ip(`10.1.0.${i + 1}`)
        const strangers = yield* Effect.forEach(Array.from({ length: places - 1 }, (_, i) => i), (i) =>
          join(network.host(at(i)), ip(node), [], { process: `${i}`.padStart(16, "0"), nonce: BigInt(100 + i) }, at(i)))
        assert.strictEqual((yield* n.up).length, places)
        // Those that no rule protects have only just come: none of them goes yet.
        const tooSoon = yield* start("10.2.0.1", { peers: [node] })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(n.of("Evicted"), [])
        yield* tooSoon.stop
        yield* TestClock.adjust(Limits.evictionGraceMs)
        const told = yield* Effect.forEach(strangers.slice(-mayGo), (raw) =>
          Effect.forkChild(raw.until("Reject")))
        const late = yield* start("10.2.0.2", { peers: [node] })
        yield* TestClock.adjust("5 seconds")
        assert.isTrue((yield* late.up).some(([peer]) =>
          peer === node
        ))
        const evicted = n.of("Evicted")
        assert.deepStrictEqual(evicted.map(({ other }) => other), [ip("10.2.0.2")])
        const which = Array.from({ length: mayGo }, (_, i) => at(places - 1 - mayGo + i)).indexOf(
          evicted[0]?.ip ?? at(0)
        )
        const reader = told[which]
        assert(reader !== undefined, "one of the youngest")
        const { reason, retryAfterMs } = yield* Fiber.join(reader)
        assert.deepStrictEqual([reason, retryAfterMs], ["evicted", Limits.retryEvictedMs])
        assert.isTrue((yield* n.up).some(([peer]) => peer === friend))
        assert.strictEqual((yield* n.up).length, places)
      })))

  it.effect("lets one in where a configured peer has come in beyond the limit, for the two that go, and nobody goes in vain", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const friend = "10.100.0.1"
        const n = yield* start(node, { peers: [friend], tuning: { maxPeers, deadMs: 3_600_000 } })
        const at = (i: number) => ip(`10.1.0.${i + 1}`)
        yield* Effect.forEach(Array.from({ length: places }, (_, i) => i), (i) =>
          join(network.host(at(i)), ip(node), [], { process: `${i}`.padStart(16, "0"), nonce: BigInt(100 + i) }, at(i)))
        yield* start(friend)
        yield* TestClock.adjust(2 * Limits.evictionGraceMs)
        assert.strictEqual((yield* n.up).length, places + 1)
        const late = yield* start("10.2.0.2", { peers: [node] })
        yield* TestClock.adjust("5 seconds")
        assert.isTrue((yield* late.up).some(([peer]) =>
          peer === node
        ))
        assert.deepStrictEqual(n.of("Evicted").map(({ other }) => other), [ip("10.2.0.2"), ip("10.2.0.2")])
        assert.strictEqual((yield* n.up).length, places)
      })))

  it.effect("does not for one that has peers enough, or does not say", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node, { tuning: { maxPeers, deadMs: 3_600_000 } })
        const at = (i: number) => ip(`10.1.0.${i + 1}`)
        yield* Effect.forEach(Array.from({ length: places }, (_, i) => i), (i) =>
          join(network.host(at(i)), ip(node), [], { process: `${i}`.padStart(16, "0"), nonce: BigInt(100 + i) }, at(i)))
        yield* TestClock.adjust(2 * Limits.evictionGraceMs)
        const verdict = (from: string, extensions: ReturnType<typeof Handshake.extensions>) =>
          Effect.gen(function*() {
            const told = yield* Effect.forkScoped(Effect.gen(function*() {
              const raw = yield* dial(network.host(ip(from)), ip(node))
              yield* raw.say(hello(ip(node), { extensions }))
              return yield* raw.until("Reject")
            }))
            yield* TestClock.adjust("1 second")
            const exit = told.pollUnsafe()
            return exit !== undefined && Exit.isSuccess(exit) ? exit.value.reason : "none"
          })
        assert.strictEqual(yield* verdict("10.2.0.1", []), "full")
        assert.strictEqual(yield* verdict("10.2.0.2", Handshake.extensions(1, Limits.enoughPeers)), "full")
        assert.deepStrictEqual(n.of("Evicted"), [])
        assert.strictEqual(yield* verdict("10.2.0.3", Handshake.extensions(1, 0)), "none")
        assert.strictEqual(n.of("Evicted").length, 1)
        assert.deepStrictEqual(
          n.of("Down").map(({ reason }) =>
            reason.kind
          ),
          ["evicted"]
        )
      })))

  longEffect(
    "never lets go of a peer that the operator named, nor of one that it dialled, though they came last",
    () =>
      onMesh(5, ({ network, start }) =>
        Effect.gen(function*() {
          const [friend, higher] = ["10.100.0.1", "10.250.0.1"]
          const n = yield* start(node, { peers: [friend], tuning: { maxPeers, deadMs: 3_600_000 } })
          // So many are nearer than those two.
          const near = Array.from(
            { length: Limits.evictionNearest + Limits.evictionGroups },
            (_, i) => `10.3.0.${i + 1}`
          )
          for (const peer of near) {
            yield* start(peer, { peers: [node] })
          }
          yield* TestClock.adjust("20 seconds")
          const at = (i: number) => ip(`10.1.0.${i + 1}`)
          yield* Effect.forEach(Array.from({ length: places - near.length - 1 }, (_, i) => i), (i) =>
            join(
              network.host(at(i)),
              ip(node),
              [],
              { process: `${i}`.padStart(16, "0"), nonce: BigInt(100 + i) },
              at(i)
            ))
          for (const far of [friend, higher]) {
            yield* network.setLink(ip(far), ip(node), { latency: 200 })
            yield* network.setLink(ip(node), ip(far), { latency: 200 })
          }
          yield* start(higher)
          // It is the lower and dials; it names the other one, which this node dials.
          yield* start(friend, { peers: [node, higher] })
          yield* TestClock.adjust("90 seconds")
          const directions = (yield* n.state.connected).flatMap(({ connection, ip }) =>
            ip === friend || ip === higher ? [`${ip} ${connection?.direction}`] : []
          )
          assert.deepStrictEqual(directions, [`${friend} inbound`, `${higher} outbound`])
          yield* start("10.2.0.2", { peers: [node] })
          yield* TestClock.adjust("5 seconds")
          const raws = places - near.length - 1
          const youngest = Array.from({ length: mayGo }, (_, i) => at(raws - mayGo + i))
          assert.strictEqual(n.of("Evicted").length, 1)
          assert.include(youngest, n.of("Evicted")[0]?.ip)
        }))
  )

  it.effect("keeps a place that comes free for the newcomer whose turn it is, and not for longer than it may be there", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node, { tuning: { maxPeers, deadMs: 3_600_000 } })
        const at = (i: number) => ip(`10.1.0.${i + 1}`)
        const strangers = yield* Effect.forEach(Array.from({ length: places }, (_, i) => i), (i) =>
          join(network.host(at(i)), ip(node), [], { process: `${i}`.padStart(16, "0"), nonce: BigInt(100 + i) }, at(i)))
        const knock = (from: string, nonce: number, peers = 0) =>
          Effect.gen(function*() {
            const raw = yield* dial(network.host(ip(from)), ip(node))
            const told = yield* Effect.forkScoped(Effect.gen(function*() {
              const extensions = Handshake.extensions(nonce, peers)
              const process = `${nonce}`.padStart(16, "0")
              yield* raw.say(hello(ip(node), { process, nonce: BigInt(nonce), extensions }))
              yield* raw.say({ _tag: "Commit", lower: ip(from), higher: ip(node) })
              return yield* raw.until("Reject")
            }))
            yield* TestClock.adjust(500)
            const exit = told.pollUnsafe()
            return exit !== undefined && Exit.isSuccess(exit) ? exit.value.text : "in"
          })
        const gives = (i: number) =>
          Effect.andThen(strangers[i]?.close ?? Effect.void, TestClock.adjust(500))
        assert.match(yield* knock("10.2.0.1", 201), /peer limit reached/, "no peer is old enough to go")
        yield* gives(0)
        assert.match(yield* knock("10.1.9.9", 202), /kept/, "its netgroup has come in")
        assert.match(yield* knock("10.3.0.1", 203, Limits.enoughPeers), /kept/, "it has peers enough")
        assert.strictEqual(yield* knock("10.2.0.1", 204), "in")
        yield* gives(1)
        assert.strictEqual(yield* knock("10.1.9.9", 205), "in", "no other is there")
        assert.match(yield* knock("10.4.0.1", 206), /peer limit reached/)
        yield* gives(2)
        yield* TestClock.adjust(Limits.newcomerWaitMs)
        assert.strictEqual(
          yield* knock("10.3.0.1", 207, Limits.enoughPeers),
          "in",
          "the one that asked has not come back"
        )
        assert.deepStrictEqual(n.of("Evicted"), [])
      })))
})
