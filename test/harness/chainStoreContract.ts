/** What every `ChainStore` must do. Run once per layer; nothing in here needs the clock to move. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import type { Scope } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as BlockHeader from "../../src/domain/chain/BlockHeader.ts"
import * as Limits from "../../src/domain/Limits.ts"
import * as AppendRules from "../../src/layers/chain/AppendRules.ts"
import type { ChainStore, ChainStoreError, Side, StoredBlock } from "../../src/services/ChainStore.ts"
import { after, block, genesis, heightIn, including, leastBytes, saltIn, txidsOf } from "./chainBlocks.ts"

export type Store = ChainStore["Service"]

/** One database (or none), fresh for each case. */
export interface Harness {
  /** Opens the same database again and again; closed with the scope. */
  readonly open: Effect.Effect<Store, ChainStoreError, Scope.Scope>
  /** Whether closing and opening again finds the same chain. */
  readonly keeps: boolean
}

const reasonOf = <A>(effect: Effect.Effect<A, ChainStoreError>) =>
  Effect.map(
    Effect.result(effect),
    (result) => Result.isFailure(result) ? result.failure.reason : { _tag: "Success" as const, value: result.success }
  )

const refused = (effect: Effect.Effect<unknown, ChainStoreError>, height: number) =>
  Effect.map(reasonOf(effect), (reason) => {
    assert.strictEqual(reason._tag, "NotLinked")
    if (reason._tag === "NotLinked") assert.strictEqual(reason.height, height)
  })

/** Lists of thousands: `assert.deepStrictEqual` takes most of a test's time, and is asked only for its words when they differ. */
const same = (actual: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(actual, expected)) assert.deepStrictEqual(actual, expected)
}

/** The store holds exactly genesis and these blocks, asked in every way. */
export const holds = (store: Store, blocks: ReadonlyArray<StoredBlock>) =>
  Effect.gen(function*() {
    const all = [genesis, ...blocks]
    const last = all.at(-1) ?? genesis
    assert.deepStrictEqual(yield* store.tip, { height: last.height, hash: last.hash })
    same(yield* store.hashes(0, all.length + 5), all.map(({ hash }) => hash))
    let height = 0
    while (height < all.length) {
      const some = yield* store.blocks(height, all.length, 2 ** 30)
      assert.isAbove(some.length, 0)
      for (const bytes of some) assert.isTrue(Buffer.compare(bytes, all[height++]?.bytes ?? new Uint8Array()) === 0)
    }
    assert.deepStrictEqual(yield* store.blocks(all.length, 5, 2 ** 20), [])
    same(
      yield* headersFrom(store, 0),
      all.map(({ bytes }) => Buffer.from(BlockHeader.encodedOf(bytes) ?? []))
    )
    for (const at of [0, last.height >> 1, last.height]) {
      const expected = all[at] ?? genesis
      assert.strictEqual(yield* store.heightOf(expected.hash), at)
      yield* finds(store, expected, "chain")
    }
  })

/** Both transactions of the block are found in it, each alone and both at once. */
const finds = (store: Store, block: StoredBlock, on: Side) =>
  Effect.gen(function*() {
    const places = txidsOf(block).map((txid, index) => ({ txid, index }))
    for (const wanted of [places, ...places.map((place) => [place])]) {
      const found: Array<readonly [bytes: string, places: unknown]> = []
      yield* store.findTransactions(new Set(wanted.map(({ txid }) => txid)), { on, upTo: 2 ** 31 }, (bytes, places) => {
        found.push([Buffer.from(bytes).toString("hex"), places])
      })
      assert.deepStrictEqual(found, [[Buffer.from(block.bytes).toString("hex"), wanted]], `block ${block.height}`)
    }
  })

const findsNone = (store: Store, block: StoredBlock, on: Side) =>
  store.findTransactions(
    new Set(txidsOf(block)),
    { on, upTo: 2 ** 31 },
    () => assert.fail(`block ${block.height} is found`)
  )

const headersFrom = (store: Store, from: number): Effect.Effect<Array<Buffer>, ChainStoreError> =>
  Effect.gen(function*() {
    const all: Array<Buffer> = []
    for (;;) {
      const some = yield* store.headers(from + all.length, 2 ** 30)
      if (some.length === 0) return all
      for (const header of some) all.push(Buffer.from(header))
    }
  })

/** The store holds this branch beside the chain. */
const branches = (store: Store, fork: number, blocks: ReadonlyArray<StoredBlock>) =>
  Effect.gen(function*() {
    const branch = yield* store.branch
    const last = tipOf(blocks)
    assert.deepStrictEqual(branch, {
      fork,
      tip: { height: last.height, hash: last.hash },
      bytes: AppendRules.branchBytes(blocks)
    })
    same(yield* store.branchHashes(fork + 1, 2 ** 20), blocks.map(({ hash }) => hash))
    assert.deepStrictEqual(yield* store.branchHashes(fork + 3, 2), blocks.slice(2, 4).map(({ hash }) => hash))
    for (const block of [blocks[0], blocks[blocks.length >> 1], last]) {
      if (block !== undefined) yield* finds(store, block, "branch")
    }
  })

const tipOf = (blocks: ReadonlyArray<StoredBlock>) => blocks.at(-1) ?? genesis

/** Of `cases`: those that take seconds. */
export const longCases: ReadonlySet<string> = new Set([
  "a branch takes bounded disk",
  "an interrupted append leaves a linked chain",
  "long branches are staged in batches, adopted at once, and survive interruption"
])

export const cases: Readonly<Record<string, (harness: Harness) => Effect.Effect<void, ChainStoreError, Scope.Scope>>> =
  {
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
        const main = after(genesis, 4 * Limits.storeBatchBlocks)
        for (let yields = 0; yields < 12; yields++) {
          const fiber = yield* Effect.forkChild(store.append(0, main), { startImmediately: true })
          for (let i = 0; i < yields * 10; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const { height } = yield* store.tip
          assert.isTrue(height % Limits.storeBatchBlocks === 0, `height ${height}`)
          yield* holds(store, main.slice(0, height))
          // It continues from there.
          const next = main.slice(height, height + 3)
          if (next.length > 0) yield* store.append(height, next)
          yield* store.append(0, [])
        }
        // A reorganisation is done or not.
        yield* store.append(0, main)
        const fork = after(main[9] ?? genesis, 3 * Limits.storeBatchBlocks, 1)
        for (let yields = 0; yields < 12; yields++) {
          const fiber = yield* Effect.forkChild(store.append(10, fork), { startImmediately: true })
          for (let i = 0; i < yields * 10; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const done = (yield* store.tip).hash === tipOf(fork).hash
          yield* holds(store, done ? [...main.slice(0, 10), ...fork] : main)
          yield* store.append(10, main.slice(10))
        }
      }),

    "keeps a branch beside the chain, and makes it the chain when it is better": ({ open }) =>
      Effect.gen(function*() {
        const store = yield* open
        const main = after(genesis, 60)
        yield* store.append(0, main)
        assert.isUndefined(yield* store.branch)
        yield* refused(store.adopt, 0)
        const branch = after(main[19] ?? genesis, 45, 1)
        yield* store.stage(20, branch.slice(0, 10))
        yield* branches(store, 20, branch.slice(0, 10))
        yield* holds(store, main)
        // What is on the branch only is not on the chain; what is on the chain above the fork is not on the branch.
        yield* findsNone(store, branch[5] ?? genesis, "chain")
        yield* findsNone(store, main[25] ?? genesis, "branch")
        yield* finds(store, main[19] ?? genesis, "branch")
        yield* store.findTransactions(new Set(txidsOf(branch[5] ?? genesis)), { on: "branch", upTo: 25 }, () =>
          assert.fail("block 26 is above height 25"))
        assert.strictEqual(yield* store.heightOf(branch[5]?.hash ?? ""), -1)
        // Not better yet: the chain stays.
        yield* store.stage(30, branch.slice(10, 35))
        yield* refused(store.adopt, 55)
        yield* holds(store, main)
        yield* store.stage(55, branch.slice(35))
        yield* branches(store, 20, branch)
        // The chain may grow meanwhile.
        const grown = after(tipOf(main), 3)
        yield* store.append(60, grown)
        yield* branches(store, 20, branch)
        assert.deepStrictEqual(yield* store.adopt, { height: 65, hash: tipOf(branch).hash })
        assert.isUndefined(yield* store.branch)
        assert.deepStrictEqual(yield* store.branchHashes(0, 100), [])
        yield* holds(store, [...main.slice(0, 20), ...branch])
        assert.strictEqual(yield* store.heightOf(main[30]?.hash ?? ""), -1)
        yield* findsNone(store, main[30] ?? genesis, "chain")
        for (const block of branch) {
          yield* finds(store, block, "chain")
        }
        // It continues from there, and back again.
        yield* store.append(65, after(tipOf(branch), 2, 1))
        yield* store.stage(20, [...main.slice(20), ...grown, ...after(tipOf(grown), 5)])
        yield* store.adopt
        yield* holds(store, [...main, ...grown, ...after(tipOf(grown), 5)])
      }),

    "of two branches as high as the chain takes the one with the lower hash only": ({ open }) =>
      Effect.gen(function*() {
        const store = yield* open
        const main = after(genesis, 5)
        const other = after(main[1] ?? genesis, 3, 9)
        const [low, high] = tipOf(main).hash < tipOf(other).hash ? [main, other] : [other, main]
        yield* store.append(0, main)
        yield* store.append(2, high === main ? main.slice(2) : other)
        yield* store.stage(2, low === main ? main.slice(2) : other)
        assert.strictEqual((yield* store.adopt).hash, tipOf(low).hash)
        yield* store.stage(2, high === main ? main.slice(2) : other)
        yield* refused(store.adopt, 5)
        assert.strictEqual((yield* store.tip).hash, tipOf(low).hash)
      }),

    "a branch is replaced, cut, or dropped, never mixed": ({ open }) =>
      Effect.gen(function*() {
        const store = yield* open
        const main = after(genesis, 40)
        yield* store.append(0, main)
        const one = after(main[9] ?? genesis, 20, 1)
        yield* store.stage(10, one)
        // What does not follow changes nothing.
        yield* refused(store.stage(15, after(genesis, 16, 7).slice(15)), 16)
        yield* refused(store.stage(50, after(genesis, 51, 7).slice(50)), 51)
        yield* refused(store.stage(30, []), 30)
        yield* refused(store.stage(30, [...after(tipOf(one), 2, 1), block(33, genesis.hash, 2)]), 33)
        yield* branches(store, 10, one)
        // Its end is another one from some height on.
        const cut = after(one[4] ?? genesis, 3, 2)
        yield* store.stage(15, cut)
        yield* branches(store, 10, [...one.slice(0, 5), ...cut])
        yield* findsNone(store, one[10] ?? genesis, "branch")
        // All of it, at the same fork.
        const anew = after(main[9] ?? genesis, 4, 3)
        yield* store.stage(10, anew)
        yield* branches(store, 10, anew)
        yield* findsNone(store, one[0] ?? genesis, "branch")
        // Another fork; even at the tip.
        const tip = after(tipOf(main), 2, 4)
        yield* store.stage(40, tip)
        yield* branches(store, 40, tip)
        // A branch whose fork is dropped goes with it; one below stays.
        yield* store.append(39, [])
        assert.isUndefined(yield* store.branch)
        yield* store.stage(10, anew)
        yield* store.append(10, main.slice(10))
        yield* branches(store, 10, anew)
        yield* store.unstage
        assert.isUndefined(yield* store.branch)
        assert.deepStrictEqual(yield* store.branchHashes(0, 99), [])
        yield* findsNone(store, anew[0] ?? genesis, "branch")
        yield* store.unstage
        yield* holds(store, main)
      }),

    "a branch takes bounded disk": ({ open }) =>
      Effect.gen(function*() {
        const store = yield* open
        const main = after(genesis, 5)
        yield* store.append(0, main)
        const big = block(3, main[1]?.hash ?? "", 1, 8 * 2 ** 20)
        // So long that it is refused before its bytes are looked at.
        const huge = (height: number, previous: string, bytes: number) => ({
          ...block(height, previous, 1),
          bytes: { length: bytes } as Uint8Array
        })
        const over = Limits.branchBytes + 1
        assert.strictEqual((yield* reasonOf(store.stage(2, [huge(3, big.previous, over)])))._tag, "BranchTooLarge")
        assert.isUndefined(yield* store.branch)
        yield* store.stage(2, [big])
        const reason = yield* reasonOf(store.stage(3, [huge(4, big.hash, over - big.bytes.length)]))
        assert.strictEqual(reason._tag, "BranchTooLarge")
        yield* branches(store, 2, [big])
      }),

    "long branches are staged in batches, adopted at once, and survive interruption": ({ open }) =>
      Effect.gen(function*() {
        const store = yield* open
        const main = after(genesis, 2 * Limits.storeBatchBlocks)
        const branch = after(main[99] ?? genesis, 2 * Limits.storeBatchBlocks + 700, 1)
        yield* store.append(0, main)
        for (let yields = 0; yields < 6; yields++) {
          const fiber = yield* Effect.forkChild(store.stage(100, branch), { startImmediately: true })
          for (let i = 0; i < yields * 10; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const staged = yield* store.branch
          const done = staged === undefined ? 0 : staged.tip.height - 100
          assert.isTrue(done % Limits.storeBatchBlocks === 0 || done === branch.length, `${done} blocks`)
          if (done > 0) yield* branches(store, 100, branch.slice(0, done))
          yield* holds(store, main)
        }
        yield* store.stage(100, branch)
        for (let yields = 0; yields < 6; yields++) {
          const fiber = yield* Effect.forkChild(store.adopt, { startImmediately: true })
          for (let i = 0; i < yields * 5; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const done = (yield* store.tip).hash === tipOf(branch).hash
          if (done) break
          yield* holds(store, main)
          yield* branches(store, 100, branch)
        }
        if ((yield* store.branch) !== undefined) yield* store.adopt
        yield* holds(store, [...main.slice(0, 100), ...branch])
      }),

    "history is settled once that is said, and until the chain is genesis alone": ({ open }) =>
      Effect.gen(function*() {
        const store = yield* open
        const main = after(genesis, 9)
        yield* store.append(0, main)
        assert.isFalse(yield* store.settled)
        yield* store.settle
        yield* store.settle
        assert.isTrue(yield* store.settled)
        yield* store.append(4, after(main[3] ?? genesis, 9, 1))
        assert.isTrue(yield* store.settled)
        yield* store.append(0, [])
        assert.isFalse(yield* store.settled)
        yield* store.append(0, main)
        assert.isFalse(yield* store.settled)
      }),

    "that history is not settled is found when opened again, also after it was": ({ keeps, open }) =>
      Effect.gen(function*() {
        if (!keeps) return
        const main = after(genesis, 9)
        const settled = Effect.scoped(Effect.flatMap(open, (store) => store.settled))
        yield* Effect.scoped(Effect.flatMap(open, (store) => Effect.andThen(store.append(0, main), store.settle)))
        assert.isTrue(yield* settled)
        yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(0, [])))
        assert.isFalse(yield* settled)
        yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(0, main)))
        assert.isFalse(yield* settled)
      }),

    "finds the same chain when opened again": ({ keeps, open }) =>
      Effect.gen(function*() {
        if (!keeps) return
        const main = after(genesis, 2_500)
        yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(0, main)))
        yield* Effect.scoped(Effect.flatMap(open, (store) => holds(store, main)))
        const fork = after(main[1_999] ?? genesis, 100, 1)
        yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(2_000, fork)))
        yield* Effect.scoped(Effect.flatMap(open, (store) => holds(store, [...main.slice(0, 2_000), ...fork])))
        // So are the branch and what is settled.
        const branch = after(main[999] ?? genesis, 1_200, 3)
        yield* Effect.scoped(Effect.flatMap(open, (store) =>
          Effect.andThen(
            store.stage(1_000, branch.slice(0, 1_100)),
            Effect.andThen(Effect.map(store.settled, assert.isFalse), store.settle)
          )))
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* open
          yield* branches(store, 1_000, branch.slice(0, 1_100))
          assert.isTrue(yield* store.settled)
          yield* store.stage(2_100, branch.slice(1_100))
          yield* store.adopt
        }))
        yield* Effect.scoped(Effect.flatMap(open, (store) => holds(store, [...main.slice(0, 1_000), ...branch])))
      })
  }
