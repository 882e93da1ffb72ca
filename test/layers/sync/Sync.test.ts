/** Chains on the in-memory network: from height 0 to the tip, new blocks, branches. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import type { Sync } from "../../../src/services/Sync.ts"
import { ip, onMesh } from "../../harness/mesh.ts"
import { devnet, make, startOfTime } from "../../harness/syntheticChain.ts"

const tips = (nodes: ReadonlyArray<{ readonly sync: Sync["Service"] }>) =>
  Effect.forEach(nodes, (node) => Effect.map(node.sync.report, (report) => report.tip))

describe("sync", () => {
  it.effect("a node at height 0 catches up from one peer, and says so", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(2_480)
        const a = yield* start("10.0.0.1", { chain })
        const b = yield* start("10.0.0.2", { peers: ["10.0.0.1"], chain: [] })
        yield* TestClock.adjust("30 seconds")
        const [tipA, tipB] = yield* tips([a, b])
        assert.deepStrictEqual(tipB, tipA)
        const report = yield* b.sync.report
        assert.strictEqual(report.tip.height, 2_480)
        assert.match(report.line, /in sync/)
        assert.deepStrictEqual(report.peers.map((peer) => peer.blocks), [2_480])
      })))

  it.effect("blocks that are in the future by our clock are taken when their time has come, and nobody announces them again", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        // The clock is eight seconds slow: five are forgiven.
        yield* TestClock.setTime(ChainParams.dueAt(devnet, 20) * 1_000 - 8_000)
        const chain = yield* make(20)
        yield* start("10.0.0.1", { chain })
        const b = yield* start("10.0.0.2", { peers: ["10.0.0.1"], chain: [] })
        yield* TestClock.adjust("2 seconds")
        assert.isBelow((yield* b.sync.report).tip.height, 20)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* b.sync.report).tip.height, 20)
        assert.deepStrictEqual(b.of("SyncBlamed"), [])
      })))

  it.effect("several sources share the work", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(5_000)
        const sources = []
        for (let i = 1; i <= 4; i++) {
          sources.push(yield* start(`10.0.0.${i}`, { chain, peers: ["10.0.0.1"].slice(i === 1 ? 1 : 0) }))
        }
        yield* TestClock.adjust("10 seconds")
        const b = yield* start("10.0.0.9", { peers: ["10.0.0.1"], chain: [] })
        yield* TestClock.adjust("60 seconds")
        const report = yield* b.sync.report
        assert.strictEqual(report.tip.height, 5_000)
        assert.isAtLeast(report.peers.filter((peer) => peer.blocks > 0).length, 2)
      })))

  it.effect("a new block reaches everybody within a hop's time", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(11)
        const nodes = []
        for (let i = 1; i <= 5; i++) {
          nodes.push(yield* start(`10.0.0.${i}`, { chain: chain.slice(0, 10), peers: i === 3 ? [] : ["10.0.0.3"] }))
        }
        yield* TestClock.adjust("30 seconds")
        const block = Block.decode(chain[10]?.bytes ?? new Uint8Array())
        assert(!Block.isMalformed(block))
        yield* nodes[0]?.sync.add(block) ?? Effect.void
        yield* TestClock.adjust("70 millis")
        assert.deepStrictEqual((yield* tips(nodes)).map((tip) => tip.height), [11, 11, 11, 11, 11])
      })))

  it.effect("after a partition the better branch wins at both sides", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const common = yield* make(50)
        const left = yield* make(10, "10.1.1.1", common)
        const right = yield* make(12, "10.2.2.2", common)
        const a = yield* start("10.0.0.1", { chain: [...common, ...left] })
        const b = yield* start("10.0.0.2", { chain: [...common, ...right], peers: ["10.0.0.1"] })
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* a.sync.report).tip.height, 62)
        const [tipA, tipB] = yield* tips([a, b])
        assert.deepStrictEqual(tipA, tipB)
        assert.deepStrictEqual(a.of("Reorg").map(({ depth, fork }) => [fork, depth]), [[50, 10]])
        assert.strictEqual(b.of("Reorg").length, 0)
        assert.strictEqual((yield* network.connections).length, 1)
        assert.strictEqual((yield* a.state.why(ip("10.0.0.2"))).state, "connected")
      })))
})
