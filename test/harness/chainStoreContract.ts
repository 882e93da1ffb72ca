/** What every `ChainStore` must do. Run once per layer; nothing in here needs the clock to move. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"
import { after, block, genesis, heightIn, including, leastBytes, saltIn, txidsOf } from "./chainBlocks.ts"
import { branchCases } from "./chainStoreBranchCases.ts"
import { type Cases, holds, refused, tipOf } from "./chainStoreChecks.ts"
import { reopenCases } from "./chainStoreReopenCases.ts"

/** Turns of the event loop after which an append is interrupted: before it begins, during its first batch, and later. */
const interruptions = [0, 1, 10, 40, 110]

/** Of `cases`: those that take seconds. */
export const longCases: ReadonlySet<string> = new Set([
  "a branch takes bounded disk",
  "an interrupted append leaves a linked chain",
  "long branches are staged in batches, adopted at once, and survive interruption"
])

const chainCases: Cases = {
  "begins with the genesis block": ({ open }) => Effect.flatMap(open, (store) => holds(store, [])),

  "appends, rewinds and reorganises": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 20)
      assert.deepStrictEqual(yield* store.append(0, main), { height: 20, hash: tipOf(main).hash })
      yield* holds(store, main)
      assert.deepStrictEqual(yield* store.append(15, []), { height: 15, hash: main[14]?.hash })
      yield* holds(store, main.slice(0, 15))
      assert.strictEqual(yield* store.heightOf(tipOf(main).hash), -1)
      const fork = after(main[9] ?? genesis, 8, 1)
      assert.deepStrictEqual(yield* store.append(10, fork), { height: 18, hash: tipOf(fork).hash })
      yield* holds(store, [...main.slice(0, 10), ...fork])
      assert.strictEqual(yield* store.heightOf(main[10]?.hash ?? ""), -1)
      // And back: the same hashes at the same heights as before.
      yield* store.append(10, main.slice(10))
      yield* holds(store, main)
      assert.deepStrictEqual(yield* store.append(20, []), { height: 20, hash: tipOf(main).hash })
      yield* store.append(0, [])
      yield* holds(store, [])
    }),

  "refuses what does not continue the chain, and changes nothing": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 10)
      const other = after(genesis, 12, 1)
      yield* store.append(0, main)
      yield* refused(store.append(10, other.slice(10)), 11)
      yield* refused(store.append(10, other.slice(11)), 11)
      yield* refused(store.append(4, other.slice(4)), 5)
      yield* refused(store.append(11, after(other[10] ?? genesis, 1)), 11)
      yield* refused(store.append(11, []), 11)
      yield* refused(store.append(-1, []), -1)
      yield* refused(store.append(-1, [block(0, genesis.previous, 1)]), -1)
      const next = after(tipOf(main), 5)
      yield* refused(store.append(10, [...next.slice(0, 2), ...next.slice(3)]), 13)
      yield* refused(store.append(10, [...next.slice(0, 2), block(13, genesis.hash), ...next.slice(3)]), 13)
      yield* refused(store.append(10, [{ ...block(11, tipOf(main).hash), hash: "AB".repeat(32) }]), 11)
      // In the middle of a reorganisation.
      const fork = after(main[4] ?? genesis, 9, 2)
      yield* refused(store.append(5, [...fork.slice(0, 6), block(12, genesis.hash), ...fork.slice(7)]), 12)
      // In a later batch of a long list.
      const long = after(tipOf(main), Limits.storeBatchBlocks + 10)
      const bad = block(10 + Limits.storeBatchBlocks + 5, genesis.hash)
      yield* refused(store.append(10, long.with(Limits.storeBatchBlocks + 4, bad)), bad.height)
      yield* holds(store, main)
    }),

  "gives ranges within count and bytes": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 30, 0, 500)
      const big = block(31, tipOf(main).hash, 0, 5_000)
      const all = [genesis, ...main, big, ...after(big, 3, 0, 500)]
      yield* store.append(0, all.slice(1))
      const lengths = (from: number, count: number, maxBytes: number) =>
        Effect.map(store.blocks(from, count, maxBytes), (found) => {
          for (const [i, bytes] of found.entries()) assert.deepStrictEqual(bytes, all[from + i]?.bytes)
          return found.length
        })
      assert.strictEqual(yield* lengths(1, 5, 5_000), 5)
      assert.strictEqual(yield* lengths(1, 20, 5_000), 10)
      assert.strictEqual(yield* lengths(1, 20, 4_999), 9)
      assert.strictEqual(yield* lengths(1, 20, 0), 1)
      assert.strictEqual(yield* lengths(31, 20, 500), 1)
      assert.strictEqual(yield* lengths(30, 20, 5_499), 1)
      assert.strictEqual(yield* lengths(30, 20, 5_500), 2)
      assert.strictEqual(yield* lengths(33, 20, 2 ** 20), 2)
      assert.strictEqual(yield* lengths(1, 0, 5_000), 0)
      assert.strictEqual(yield* lengths(500, 5, 1_000), 0)
      assert.deepStrictEqual(yield* store.hashes(33, 5), all.slice(33).map(({ hash }) => hash))
      assert.deepStrictEqual(yield* store.hashes(2, 3), all.slice(2, 5).map(({ hash }) => hash))
      assert.deepStrictEqual(yield* store.hashes(500, 5), [])
      assert.deepStrictEqual(yield* store.hashes(0, 0), [])
    }),

  "finds heights by hash, before and after appends": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 300)
      yield* store.append(0, main.slice(0, 150))
      assert.strictEqual(yield* store.heightOf("ff".repeat(32)), -1)
      assert.strictEqual(yield* store.heightOf("no hash"), -1)
      assert.strictEqual(yield* store.heightOf(main[200]?.hash ?? ""), -1)
      yield* store.append(150, main.slice(150))
      for (const { hash, height } of main) assert.strictEqual(yield* store.heightOf(hash), height)
    }),

  "finds transactions of many blocks at once, ascending, in the first block that has them": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const before = after(genesis, 14)
      const [three, seven] = [before[2], before[6]]
      if (three === undefined || seven === undefined) return assert.fail("14 blocks")
      // Block 15 has the transactions of block 3 as well, as old chains of the network do; block 16 too, and is large.
      const again = block(15, tipOf(before).hash)
      const twice = including(again, three)
      const large = including(block(16, twice.hash), three, 2 * Limits.indexedBlockBytes)
      yield* store.append(0, [...before, twice, large, ...after(large, 4)])
      const [a = "", b = ""] = txidsOf(three)
      const [c = "", d = ""] = txidsOf(again)
      const [e = ""] = txidsOf(seven)
      const [f = ""] = txidsOf(large)
      const found: Array<unknown> = []
      const wanted = new Set([d, b, f, e, a, c, "ff".repeat(32), "no id"])
      yield* store.findTransactions(wanted, { on: "chain", upTo: 20 }, (bytes, places) => {
        found.push([heightIn(bytes), ...places])
      })
      assert.deepStrictEqual(found, [
        [3, { txid: a, index: 0 }, { txid: b, index: 1 }],
        [7, { txid: e, index: 0 }],
        [15, { txid: c, index: 0 }, { txid: d, index: 1 }],
        [16, { txid: f, index: 0 }]
      ])
      // Only up to a height.
      const heights: Array<number> = []
      const look = (upTo: number) =>
        store.findTransactions(wanted, { on: "chain", upTo }, (bytes) => {
          heights.push(heightIn(bytes))
        })
      yield* look(14)
      yield* look(2)
      yield* look(7)
      assert.deepStrictEqual(heights, [3, 7, 3, 7])
      yield* store.findTransactions(new Set(), { on: "branch", upTo: 20 }, () => assert.fail("nothing was asked for"))
    }),

  "keeps blocks of every size": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const blocks: Array<StoredBlock> = []
      for (const size of [leastBytes, leastBytes + 1, 484, 4_096, 4_097, 65_537, 3_000_000, 400]) {
        const last = tipOf(blocks)
        blocks.push(block(last.height + 1, last.hash, 0, size))
      }
      // A view of a larger buffer, as a frame's payload is.
      const frame = new Uint8Array(10_000)
      const view = block(9, tipOf(blocks).hash, 7, 500)
      frame.set(view.bytes, 1_234)
      blocks.push({ ...view, bytes: frame.subarray(1_234, 1_734) })
      yield* store.append(0, blocks)
      yield* holds(store, blocks)
    }),

  "takes long lists in batches, and long reorganisations at once": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 2 * Limits.storeBatchBlocks + 500)
      yield* store.append(0, main)
      yield* holds(store, main)
      const fork = after(main[99] ?? genesis, 2 * Limits.storeBatchBlocks + 700, 1)
      yield* store.append(100, fork)
      yield* holds(store, [...main.slice(0, 100), ...fork])
    }),

  "readers see one chain or the other while it is reorganised": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      // More than one read's worth of hashes.
      const shared = after(genesis, 100)
      const left = after(tipOf(shared), Limits.storeReadRows + 200, 1)
      const right = after(tipOf(shared), Limits.storeReadRows + 300, 2)
      yield* store.append(0, [...shared, ...left])
      const chains = [left, right].map((fork) => [genesis, ...shared, ...fork].map(({ hash }) => hash).join())
      const flips = Effect.gen(function*() {
        for (let i = 0; i < 4; i++) yield* store.append(100, i % 2 === 0 ? right : left)
      })
      const writer = yield* Effect.forkChild(flips, { startImmediately: true })
      let reads = 0
      while (writer.pollUnsafe() === undefined) {
        assert.include(chains, (yield* store.hashes(0, 2 ** 30)).join(), `read ${reads}`)
        const [first, ...rest] = yield* store.blocks(101, 50, 2 ** 20)
        const salt = saltIn(first ?? assert.fail("no block"))
        for (const bytes of rest) assert.strictEqual(saltIn(bytes), salt)
        reads += 1
        yield* Effect.yieldNow
      }
      yield* Fiber.join(writer)
      yield* holds(store, [...shared, ...left])
    }),

  "appends from several fibers come one after the other": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 50)
      const results = yield* Effect.forEach([main, main, main], (blocks) => Effect.result(store.append(0, blocks)), {
        concurrency: "unbounded"
      })
      assert.isTrue(results.every(Result.isSuccess))
      yield* holds(store, main)
      const next = after(tipOf(main), 9)
      yield* Effect.forEach([0, 3, 6], (from) => store.append(50 + from, next.slice(from, from + 3)), {
        concurrency: "unbounded"
      })
      yield* holds(store, [...main, ...next])
    }),

  "an interrupted append leaves a linked chain": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 2 * Limits.storeBatchBlocks + 700)
      for (const yields of interruptions) {
        const fiber = yield* Effect.forkChild(store.append(0, main), { startImmediately: true })
        for (let i = 0; i < yields; i++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        const { height } = yield* store.tip
        assert.isTrue(height % Limits.storeBatchBlocks === 0 || height === main.length, `height ${height}`)
        yield* holds(store, main.slice(0, height))
        // It continues from there.
        const next = main.slice(height, height + 3)
        if (next.length > 0) yield* store.append(height, next)
        yield* store.append(0, [])
      }
      // A reorganisation is done or not.
      yield* store.append(0, main)
      const fork = after(main[9] ?? genesis, 2 * Limits.storeBatchBlocks + 1, 1)
      for (const yields of interruptions) {
        const fiber = yield* Effect.forkChild(store.append(10, fork), { startImmediately: true })
        for (let i = 0; i < yields; i++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        const done = (yield* store.tip).hash === tipOf(fork).hash
        yield* holds(store, done ? [...main.slice(0, 10), ...fork] : main)
        yield* store.append(10, main.slice(10))
      }
    })
}

export const cases: Cases = { ...chainCases, ...branchCases, ...reopenCases }
