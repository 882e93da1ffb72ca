/** A full node makes room: for whom, and who keeps its place. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import { ip, onMesh } from "../../harness/mesh.ts"
import { dial, hello, join } from "../../harness/rawPeer.ts"

/** Higher than all others: it waits for their Commit. */
const node = "10.200.0.1"
const places = 40

describe("a full node", () => {
  it.effect("lets in a newcomer without peers, in place of the youngest polite stranger, who reads evicted; it keeps the others", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const friend = "10.100.0.1"
        const n = yield* start(node, { peers: [friend], tuning: { maxPeers: places, deadMs: 3_600_000 } })
        yield* start(friend)
        const at = (i: number) => ip(`10.1.0.${i + 1}`)
        const strangers = yield* Effect.forEach(Array.from({ length: places - 1 }, (_, i) => i), (i) =>
          join(network.host(at(i)), ip(node), [], { process: `${i}`.padStart(16, "0"), nonce: BigInt(100 + i) }, at(i)))
        assert.strictEqual((yield* n.up).length, places)
        const youngest = strangers.at(-1)
        assert(youngest !== undefined)
        // Those that no rule protects have only just come: none of them goes yet.
        const tooSoon = yield* start("10.2.0.1", { peers: [node] })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(n.of("Evicted"), [])
        yield* tooSoon.stop
        yield* TestClock.adjust(Limits.evictionGraceMs)
        const told = yield* Effect.forkChild(youngest.until("Reject"))
        const late = yield* start("10.2.0.2", { peers: [node] })
        yield* TestClock.adjust("5 seconds")
        assert.isTrue((yield* late.up).some(([peer]) =>
          peer === node
        ))
        assert.deepStrictEqual(n.of("Evicted").map(({ ip, other }) => [ip, other]), [[at(places - 2), "10.2.0.2"]])
        const { reason, retryAfterMs } = yield* Fiber.join(told)
        assert.deepStrictEqual([reason, retryAfterMs], ["evicted", Limits.retryEvictedMs])
        assert.isTrue((yield* n.up).some(([peer]) => peer === friend))
        assert.strictEqual((yield* n.up).length, places)
      })))

  it.effect("does not for one that has peers enough, or does not say", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node, { tuning: { maxPeers: places, deadMs: 3_600_000 } })
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
})
