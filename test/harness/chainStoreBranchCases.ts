/** Of the contract of every `ChainStore`: the branch beside the chain. */
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import { after, block, genesis, txidsOf } from "./chainBlocks.ts"
import { branches, type Cases, finds, findsNone, holds, reasonOf, refused, tipOf } from "./chainStoreChecks.ts"

export const branchCases: Cases = {
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
      for (const yields of [0, 10, 50]) {
        const fiber = yield* Effect.forkChild(store.stage(100, branch), { startImmediately: true })
        for (let i = 0; i < yields; i++) yield* Effect.yieldNow
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
    })
}
