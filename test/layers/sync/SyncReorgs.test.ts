/**
 * Reorganisations: our chain is given up only for a better one that is whole, in one change, and never deeper than the limit once history
 * is settled, however the chain grew. And nothing that is not stored stays in memory.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import type { StoredBlock, Tip } from "../../../src/services/ChainStore.ts"
import { blocksOf, connect, type Liar } from "../../harness/chainLiars.ts"
import { ip, onMesh, type Running } from "../../harness/mesh.ts"
import { make, startOfTime } from "../../harness/syntheticChain.ts"

const us = "10.0.0.1"
const honestly: Liar = { lie: () => undefined, faults: [], unused: true }
const last = <A>(list: ReadonlyArray<A>): A => list.at(-1) ?? assert.fail("empty")

const decoded = ({ bytes }: StoredBlock): Block.Block => {
  const block = Block.decode(bytes)
  assert(!Block.isMalformed(block))
  return block
}

/** Each change of the store left a better chain than the one before: a kill between two loses nothing. */
const onlyBetter = (tips: ReadonlyArray<Tip>) => {
  for (const [i, tip] of tips.entries()) {
    const before = tips[i - 1]
    // A staged branch is beside the chain: the tip stays.
    if (before === undefined || before.hash === tip.hash) continue
    assert.isTrue(SyncState.isBetter(tip, before), `change ${i}: height ${before.height} → ${tip.height}`)
  }
}

const nothingWaits = (node: Running) =>
  Effect.map(node.sync.report, ({ waiting }) => assert.deepStrictEqual(waiting, { blocks: 0, bytes: 0 }))

describe("reorganisations", () => {
  for (const depth of [1, 90, 100]) {
    it.effect(`${depth} deep: one change, to a better chain`, () =>
      onMesh(20, ({ start }) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const common = yield* make(150)
          const ours = [...common, ...yield* make(depth, "10.6.6.6", common)]
          const theirs = [...common, ...yield* make(depth + 20, "10.7.7.7", common)]
          const tips: Array<Tip> = [{ height: ours.length, hash: last(ours).hash }]
          const node = yield* start(us, { chain: ours, settled: true, tips, storeMs: 100 })
          yield* start("10.0.1.1", { chain: theirs, peers: [us] })
          yield* TestClock.adjust("20 seconds")
          assert.strictEqual((yield* node.sync.report).tip.hash, last(theirs).hash)
          assert.deepStrictEqual(node.of("Reorg").map(({ depth, fork }) => [fork, depth]), [[150, depth]])
          onlyBetter(tips)
          yield* nothingWaits(node)
        })))
  }

  for (const depth of [300, Limits.syncWindowBlocks + 900]) {
    it.effect(
      `${depth} deep, before history is settled: ours stays until the other is whole and better`,
      () =>
        onMesh(20, ({ network, start }) =>
          Effect.gen(function*() {
            yield* TestClock.setTime(startOfTime)
            const ours = yield* make(depth, "10.6.6.6")
            const theirs = yield* make(depth + 50, "10.7.7.7")
            const tips: Array<Tip> = [{ height: ours.length, hash: last(ours).hash }]
            const node = yield* start(us, { chain: ours, tips })
            // The first peer gives nine tenths of it and then says that it has no more.
            const most = Math.floor(0.9 * depth)
            yield* connect(network.host(ip("10.0.9.1")), ip("10.0.9.1"), ip(us), theirs, {
              ...honestly,
              lie: (message) => {
                if (message._tag === "GetHeaders") return undefined
                const answer = blocksOf(theirs, message)
                return [{ ...answer, blocks: answer.blocks.slice(0, Math.max(0, most - message.from + 1)) }]
              }
            })
            yield* TestClock.adjust("20 seconds")
            assert.deepStrictEqual((yield* node.sync.report).tip, { height: depth, hash: last(ours).hash })
            yield* start("10.0.1.1", { chain: theirs, peers: [us] })
            yield* TestClock.adjust("1 minute")
            assert.strictEqual((yield* node.sync.report).tip.hash, last(theirs).hash)
            assert.deepStrictEqual(node.of("Reorg").map(({ depth, fork }) => [fork, depth]), [[0, depth]])
            onlyBetter(tips)
            yield* nothingWaits(node)
          })),
      60_000
    )
  }

  it.effect(
    "the limit counts from the tip, also of a chain that grew by pushed blocks",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(350)
          const node = yield* start(us, { chain: chain.slice(0, 200), settled: true })
          const source = yield* start("10.0.1.1", { chain: chain.slice(0, 200), peers: [us] })
          yield* TestClock.adjust("5 seconds")
          for (const block of chain.slice(200)) {
            yield* source.sync.add(decoded(block))
            yield* TestClock.adjust("1 second")
          }
          assert.strictEqual((yield* node.sync.report).tip.height, 350)
          // It leaves the chain above what was settled at the start, and more than the limit below the tip.
          const deep = [...chain.slice(0, 240), ...yield* make(200, "10.6.6.6", chain.slice(0, 240))]
          yield* connect(network.host(ip("10.0.9.1")), ip("10.0.9.1"), ip(us), deep, honestly)
          yield* TestClock.adjust("20 seconds")
          assert.strictEqual((yield* node.sync.report).tip.height, 350)
          assert.deepStrictEqual(node.of("Reorg"), [])
          assert.deepStrictEqual(node.of("LeftBehind").map(({ depth, fork, ip }) => [ip, fork, depth]), [[
            "10.0.9.1",
            240,
            110
          ]])
          // One that is just within it is followed.
          const near = [...chain.slice(0, 250), ...yield* make(200, "10.7.7.7", chain.slice(0, 250))]
          yield* connect(network.host(ip("10.0.9.2")), ip("10.0.9.2"), ip(us), near, honestly)
          yield* TestClock.adjust("20 seconds")
          assert.strictEqual((yield* node.sync.report).tip.hash, last(near).hash)
        })),
    60_000
  )

  it.effect("a node that restarts before its first chain is settled is not settled; one that is, is", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const ours = yield* make(150, "10.6.6.6")
        const theirs = yield* make(200, "10.7.7.7")
        const open = yield* start("10.0.0.2", { chain: ours })
        const settled = yield* start("10.0.0.3", { chain: ours, settled: true })
        yield* start("10.0.1.1", { chain: theirs, peers: ["10.0.0.2", "10.0.0.3"] })
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* open.sync.report).tip.hash, last(theirs).hash)
        assert.strictEqual((yield* settled.sync.report).tip.hash, last(ours).hash)
      })))

  it.effect("bodies leave the memory as they are stored, in the middle of a long sync", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        yield* network.setLink(ip("10.0.1.1"), ip(us), { bandwidth: 200_000 })
        const node = yield* start(us, { chain: [] })
        yield* start("10.0.1.1", { chain: yield* make(4_000), peers: [us] })
        let most = 0
        while ((yield* node.sync.report).tip.height < 4_000) {
          yield* TestClock.adjust(100)
          most = Math.max(most, (yield* node.sync.report).waiting.blocks)
        }
        // They come in order: no more than a piece of an answer, and what comes while the disk works.
        assert.isAtMost(most, 500)
        yield* nothingWaits(node)
      })))

  it.effect("bodies of a branch that comes to nothing leave the memory with it", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(300)
        const made = [...chain.slice(0, 270), ...yield* make(100, "10.6.6.6", chain.slice(0, 270))]
        const node = yield* start(us, { chain })
        const source = yield* start("10.0.1.1", { chain, peers: [us] })
        yield* connect(network.host(ip("10.0.9.1")), ip("10.0.9.1"), ip(us), made, {
          ...honestly,
          // Some of it, out of order; then nothing.
          lie: (message) => message._tag === "GetBlocks" && message.from < 280 ? [] : undefined
        })
        yield* TestClock.adjust("2 seconds")
        assert.isAbove((yield* node.sync.report).waiting.blocks, 0)
        yield* TestClock.adjust("4 minutes")
        assert.isNotEmpty(node.of("SyncBlamed", "10.0.9.1"))
        yield* nothingWaits(node)
        // And those that are stored.
        const [next] = yield* make(1, "10.9.9.9", chain)
        assert(next !== undefined)
        yield* source.sync.add(decoded(next))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* node.sync.report).tip.hash, next.hash)
        yield* nothingWaits(node)
      })))
})
