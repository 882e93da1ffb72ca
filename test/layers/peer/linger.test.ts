/** The reason of a close arrives although the peer keeps sending: a closing end reads on for a while, and no longer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import type { RawPeer } from "../../../src/testing/RawPeer.ts"
import { ip, onMesh } from "../../harness/mesh.ts"
import { dial, hello, join } from "../../harness/rawPeer.ts"

const node = "10.0.0.1"
const host = ip("10.0.0.2")

/** Sends a ping every 20 ms until the connection fails. */
const chatter = (raw: RawPeer) =>
  Effect.forkScoped(Effect.forever(Effect.andThen(raw.say({ _tag: "Ping", nonce: 7n }), Effect.sleep(20))))

describe("linger after a Reject", () => {
  it.effect("a peer that is rejected while it sends reads why", () =>
    onMesh(150, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const raw = yield* join(network.host(host), ip(node))
        yield* chatter(raw)
        const read = yield* Effect.forkChild(raw.until("Reject"))
        yield* TestClock.adjust("1 second")
        yield* n.manager.disconnect(host)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Fiber.join(read)).reason, "operator")
      })))

  it.effect("so does one whose Hello is refused", () =>
    onMesh(150, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(node)
        const raw = yield* dial(network.host(host), ip(node))
        const read = yield* Effect.forkChild(raw.until("Reject"))
        yield* Effect.forkScoped(raw.say(hello(ip(node), { network: "elsewhere" })))
        yield* chatter(raw)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Fiber.join(read)).reason, "incompatible")
      })))

  it.effect("a peer that never stops sending is not read for longer", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const raw = yield* join(network.host(host), ip(node))
        yield* chatter(raw)
        yield* n.manager.disconnect(host)
        yield* TestClock.adjust(Limits.lingerMs / 2)
        assert.strictEqual((yield* network.connections).filter(({ acceptorOpen }) => acceptorOpen).length, 1)
        yield* TestClock.adjust(Limits.lingerMs)
        assert.strictEqual((yield* network.connections).filter(({ acceptorOpen }) => acceptorOpen).length, 0)
      })))

  it.effect("of peers that were never up so many linger at once, whoever knocks; each has read why", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(node)
        const count = Limits.lingeringEnds + 40
        const reads: Array<Fiber.Fiber<string, unknown>> = []
        for (let i = 0; i < count; i++) {
          const raw = yield* dial(network.host(ip(`${11 + i % 90}.${i >> 4}.0.${1 + i % 16}`)), ip(node))
          yield* raw.say(hello(ip(node), { network: "elsewhere" })).pipe(Effect.forkScoped)
          reads.push(yield* Effect.forkScoped(Effect.map(raw.until("Reject"), ({ reason }) => reason)))
          yield* TestClock.adjust(1)
        }
        yield* TestClock.adjust(100)
        const open = (yield* network.connections).filter(({ acceptorOpen }) => acceptorOpen)
        assert.strictEqual(open.length, Limits.lingeringEnds)
        assert.deepStrictEqual(new Set(yield* Effect.forEach(reads, Fiber.join)), new Set(["incompatible"]))
        yield* TestClock.adjust(Limits.lingerMs)
        assert.strictEqual((yield* network.connections).filter(({ acceptorOpen }) => acceptorOpen).length, 0)
      })))
})
