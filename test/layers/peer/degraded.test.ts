/** A network at a fifth of its bandwidth for hours, with more to say than it carries: nobody is accused or banned, and it comes together again. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { assertConnected, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { make as makeChain, startOfTime } from "../../harness/syntheticChain.ts"

/** bytes per second that each link carries, and what each node says to each other one in the same time: within it, and four times what is left. */
const bandwidth = 10_000
const said = 8_000
const hours = 2
const everyMs = 30_000

describe("a network at 20 % of its bandwidth", () => {
  it.effect(`for ${hours} hours: no offence, no ban, no eviction; every pair is together within a minute of healing`, () =>
    onMesh(40, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const at = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
        const blocks = yield* makeChain(200)
        yield* network.setDefaults({ latency: 40, bandwidth })
        const nodes = yield* Effect.forEach(at, (own, i) =>
          // Each knows one, so none of the others is spared because it was named; two have the chain, one fetches it meanwhile.
          start(own, { chain: i < 2 ? blocks : [], peers: i === 0 ? [] : [at[0] ?? ""], tuning: { maxPeers: 50 } }))
        yield* TestClock.adjust("2 minutes")
        const pairs = at.flatMap((a, i) => at.slice(i + 1).map((b, j) => [i, a, i + 1 + j, b] as const))
        const together = Effect.forEach(pairs, ([i, a, j, b]) =>
          assertConnected(nodes[i] as Running, a, nodes[j] as Running, b))
        yield* together
        yield* network.setDefaults({ latency: 40, bandwidth: bandwidth / 5 })
        const payload = new Uint8Array(said * everyMs / 1_000)
        for (let ms = 0; ms < hours * 3_600_000; ms += everyMs) {
          for (const { manager } of nodes) {
            yield* Effect.ignore(manager.broadcast(7, payload))
          }
          yield* TestClock.adjust(everyMs)
        }
        yield* network.setDefaults({ latency: 40, bandwidth })
        yield* TestClock.adjust("1 minute")
        for (const node of nodes) {
          assert.deepStrictEqual(node.of("Offence"), [])
          assert.deepStrictEqual(node.of("Banned"), [])
          assert.deepStrictEqual(node.of("Evicted"), [])
        }
        // It was no holiday: some connections did not bear it.
        assert.isAbove(
          nodes.reduce((sum, node) =>
            sum + node.of("Down").length, 0),
          0
        )
        yield* together
        assert.strictEqual((yield* (nodes[2] as Running).state.peer(ip(at[0] ?? "")))._tag, "Some")
      })))
})
