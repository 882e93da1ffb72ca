import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Merkle from "../../../src/domain/chain/Merkle.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { BranchTooLarge, ChainStoreError } from "../../../src/services/ChainStore.ts"
import { hasher } from "../../harness/hasher.ts"
import { at, better, fork, halted, ip, type Made, node, range, shared, told } from "../../harness/storeBodiesHand.ts"
import * as harness from "../../harness/syncContext.ts"
import * as states from "../../harness/syncStates.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

describe("a branch too long for memory", () => {
  const long = Effect.runSync(make(Limits.stageBlocks + 20, "10.7.7.7", shared.slice(0, 15)))
  const deep = { chain: { height: 900, hash: "m" } }

  it.effect("is staged beside the chain, and adopted in one change when it is better", () =>
    Effect.gen(function*() {
      const { branch, changes, context, emitted, events, peers, store } = node(long.slice(0, Limits.stageBlocks))
      context.state = { ...context.state, ...deep }
      yield* store
      const top = 15 + Limits.stageBlocks
      assert.deepStrictEqual(changes(), [["stage", 15, range(16, top)]])
      assert.deepStrictEqual(events as ReadonlyArray<unknown>, [{ _tag: "Staged", branch: 1, base: top, heldBytes: 0 }])
      assert.deepStrictEqual([branch.stagedTo, branch.held.count, branch.fork, context.rewrites.version], [
        top,
        0,
        15,
        0
      ])
      assert.deepStrictEqual(peers.map(({ blocks }) => blocks), [Limits.stageBlocks / 2, Limits.stageBlocks / 2])
      // It is better than our chain now, and all of it is on the disk.
      context.state = {
        ...context.state,
        chain: harness.tipOf(shared),
        branches: [states.branch(1, top, { fork: 15, base: top, tip: branch.tipText })]
      }
      yield* store
      assert.deepStrictEqual(changes(), [["adopt"]])
      assert.deepStrictEqual([context.reorgs, context.rewrites.version, context.chain.height], [1, 1, top])
      assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [{ _tag: "Reorg", fork: 15, depth: 5, height: top }])
    }))

  it.effect("stages its last bodies before it is adopted", () =>
    Effect.gen(function*() {
      const { branch, changes, context, store } = node(fork)
      branch.stagedTo = 22
      branch.held.dropUpTo(22)
      const planned = states.branch(1, 24, { fork: 15, tip: branch.tipText, base: 22, held: [{ from: 23, to: 24 }] })
      context.state = { ...context.state, branches: [planned] }
      yield* store
      assert.deepStrictEqual(changes(), [["stage", 22, [23, 24]]])
    }))

  it.effect("is not adopted for headers whose bodies are not there", () =>
    Effect.gen(function*() {
      const { branch, changes, context, store } = node(fork, { base: 20, held: [] })
      branch.stagedTo = 20
      branch.held.dropUpTo(24)
      const [staged, [low, high]] = [at(fork, 20).hash, ["00".repeat(32), "ff".repeat(32)] as const]
      for (const hash of [low, staged]) {
        context.state = { ...context.state, chain: { height: 20, hash } }
        yield* store
        assert.deepStrictEqual(changes(), [], "our chain is as high, and no worse")
      }
      context.state = { ...context.state, chain: { height: 20, hash: high } }
      yield* store
      assert.deepStrictEqual(changes(), [["adopt"]], "what is staged is better")
    }))

  it.effect("that the store refuses waits alone: blocks on our chain are stored meanwhile", () =>
    Effect.gen(function*() {
      const { add, branch, changes, context, emitted, fail, hand, settle, store } = node(
        long.slice(0, Limits.stageBlocks)
      )
      const onTop = add(better, { held: [] })
      const tooLarge = new ChainStoreError({ reason: new BranchTooLarge({ bytes: 2, limit: 1 }) })
      context.state = { ...context.state, ...deep }
      fail(true, tooLarge)
      yield* store
      const detail = "the branch takes 2 bytes, over the limit of 1"
      assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [{ _tag: "StoreFailed", detail }])
      assert.deepStrictEqual([changes().length, context.halted, context.storeRetry, branch.waits], [
        1,
        undefined,
        undefined,
        true
      ])
      yield* store
      assert.deepStrictEqual(changes(), [])
      const trunk = context.state
      const planned = states.branch(onTop.id, 28, {
        fork: 20,
        base: 20,
        tip: onTop.tipText,
        held: [{ from: 21, to: 28 }]
      })
      context.state = { ...trunk, chain: harness.tipOf(shared), branches: [planned] }
      fail(false)
      yield* store
      assert.deepStrictEqual(changes(), [["append", 20, range(21, 28)]])
      context.state = trunk
      fail(true, tooLarge)
      hand.to(Limits.storeRetryMs)
      yield* settle
      assert.deepStrictEqual([changes().length, emitted.length], [1, 1], "tried again, and said once")
      fail(false)
      hand.to(2 * Limits.storeRetryMs)
      yield* settle
      assert.deepStrictEqual([changes().length, branch.stagedTo, branch.refused], [
        1,
        15 + Limits.stageBlocks,
        undefined
      ])
    }))

  it.effect("is the only one that is staged, until it is gone", () =>
    Effect.gen(function*() {
      const { add, changes, context, store } = node(long.slice(0, Limits.stageBlocks))
      const other = add(fork, { held: [] })
      context.state = { ...context.state, ...deep }
      other.stagedTo = 16
      yield* store
      assert.deepStrictEqual(changes(), [])
      other.stagedTo = 15
      yield* store
      assert.strictEqual(changes().length, 1)
    }))
})

describe("a store that fails", () => {
  it.effect("is reported once, and tried again after a while, until it works", () =>
    Effect.gen(function*() {
      const { changes, context, emitted, events, fail, hand, settle, store } = node(better)
      fail(true)
      yield* store
      const failed = { _tag: "StoreFailed", detail: told } as const
      assert.deepStrictEqual([emitted as ReadonlyArray<unknown>, context.halted], [[failed], halted])
      assert.deepStrictEqual([context.chain.height, events, context.storing], [20, [], false])
      yield* store
      hand.to(Limits.storeRetryMs - 1)
      yield* settle
      assert.strictEqual(changes().length, 1)
      hand.to(Limits.storeRetryMs)
      yield* settle
      assert.deepStrictEqual([changes().length, emitted.length], [1, 1])
      fail(false)
      hand.to(2 * Limits.storeRetryMs)
      yield* settle
      assert.deepStrictEqual([changes().length, context.halted, context.chain.height, events.length], [
        1,
        undefined,
        28,
        1
      ])
    }))

  it.effect("does not keep a rewrite open, and is no trouble any more when nothing is left to store", () =>
    Effect.gen(function*() {
      const { context, fail, hand, settle, store } = node(fork)
      fail(true)
      yield* store
      yield* context.rewrites.settled
      context.state = { ...context.state, branches: [] }
      hand.to(Limits.storeRetryMs)
      yield* settle
      assert.isUndefined(context.halted)
    }))
})

describe("a block with wrong fees", () => {
  const wrong = (block: Made): Made => {
    const decoded = Block.decode(block.bytes)
    assert(!Block.isMalformed(decoded))
    const [first = assert.fail()] = decoded.transactions
    const transactions = [...decoded.transactions, { ...first, inputs: [], outputs: [], lockTime: 7 }]
    const header = { ...decoded.header, blockReward: devnet.blockReward + 1 }
    return {
      ...block,
      bytes: Block.make({ ...decoded, header, transactions }).bytes,
      txids: Merkle.txids(hasher, transactions)
    }
  }

  it.effect("ends the batch before it is stored: it and those above it are dropped, and its sender is blamed", () =>
    Effect.gen(function*() {
      const { branch, changes, context, hold, posted, store } = node(better)
      // Block 21, which begins the batch, is another peer's.
      hold(branch, wrong(at(better, 22)))
      const rest = at(better, 21).bytes.length
      yield* store
      assert.deepStrictEqual([changes(), context.storing, branch.held.count], [[], false, 1])
      assert.deepStrictEqual(posted() as ReadonlyArray<unknown>, [
        { _tag: "Discarded", branch: 1, above: 21, heldBytes: rest },
        {
          _tag: "PeerLied",
          peer: ip(2),
          fault: "bad-block",
          detail: `block 22: block reward ${devnet.blockReward + 1}, expected ${devnet.blockReward}`
        }
      ])
      yield* store
      assert.deepStrictEqual(changes(), [["append", 20, [21]]])
    }))

  it.effect("that this node made blames no peer", () =>
    Effect.gen(function*() {
      const { branch, hold, posted, store } = node(better)
      hold(branch, wrong(at(better, 21)), { from: undefined })
      yield* store
      assert.deepStrictEqual(posted().map(({ _tag }) => _tag), ["Discarded"])
    }))
})
