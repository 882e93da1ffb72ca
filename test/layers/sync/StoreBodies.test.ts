/** How held bodies become our chain: in which changes of the store, in which order, and what is reported of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Merkle from "../../../src/domain/chain/Merkle.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { SyncBranch } from "../../../src/domain/sync/SyncState.ts"
import type { Held } from "../../../src/layers/sync/HeldBodies.ts"
import type { ShownBranch } from "../../../src/layers/sync/ShownBranch.ts"
import * as StoreBodies from "../../../src/layers/sync/StoreBodies.ts"
import { BranchTooLarge, ChainStoreError, type StoredBlock, Unavailable } from "../../../src/services/ChainStore.ts"
import { hasher } from "../../harness/hasher.ts"
import * as harness from "../../harness/syncContext.ts"
import * as states from "../../harness/syncStates.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

const { ip } = states
type Made = harness.Made

const shared = Effect.runSync(make(20))
const better = Effect.runSync(make(8, "10.8.8.8", shared))
/** Leaves ours at height 15, and is 24 high. */
const fork = Effect.runSync(make(9, "10.7.7.7", shared.slice(0, 15)))

const disk = new ChainStoreError({ reason: new Unavailable({ where: "chain.db", detail: "disk", cause: undefined }) })
const told = "chain.db cannot be used: disk"

/** A store that writes down what it is asked to change, and does it at once, or fails. */
const spy = () => {
  const changes: Array<readonly unknown[]> = []
  let fails = false
  let failure = disk
  let staged: StoredBlock | undefined
  const done = <A>(change: readonly unknown[], result: A): Effect.Effect<A, ChainStoreError> =>
    Effect.suspend(() => {
      changes.push(change)
      return fails ? Effect.fail(failure) : Effect.succeed(result)
    })
  const lastOf = (blocks: ReadonlyArray<StoredBlock>) => blocks.at(-1) ?? assert.fail("an empty change")
  const heights = (blocks: ReadonlyArray<StoredBlock>) => blocks.map(({ height }) => height)
  return {
    /** Changes since the last call. */
    changes: () => changes.splice(0),
    fail: (now: boolean, how = disk) => {
      fails = now
      failure = how
    },
    store: {
      append: (after: number, blocks: ReadonlyArray<StoredBlock>) => {
        const { hash, height } = lastOf(blocks)
        return done(["append", after, heights(blocks)], { height, hash })
      },
      stage: (after: number, blocks: ReadonlyArray<StoredBlock>) => {
        staged = lastOf(blocks)
        return done(["stage", after, heights(blocks)], { fork: after, tip: staged, bytes: 0 })
      },
      adopt: Effect.suspend(() => done(["adopt"], { height: staged?.height ?? 0, hash: staged?.hash ?? "" })),
      findTransactions: () => Effect.void
    }
  }
}

/** A node of 20 blocks, and a branch of which it holds all bodies. */
const node = (blocks: ReadonlyArray<Made>, plan: Partial<SyncBranch> = {}) => {
  const { changes, fail, store } = spy()
  const made = harness.make(shared, { store: store as never })
  const peers = [made.connect(2), made.connect(3)]
  const add = (more: ReadonlyArray<Made>, change: Partial<SyncBranch> = {}): ShownBranch => {
    const branch = made.shown(more)
    for (const block of more) hold(branch, block)
    const { fork, height } = branch
    const planned = states.branch(branch.id, height, {
      fork,
      tip: branch.tipText,
      base: fork,
      held: [{ from: fork + 1, to: height }],
      ...change
    })
    made.context.state = { ...made.context.state, branches: [...made.context.state.branches, planned] }
    return branch
  }
  const hold = (branch: ShownBranch, block: Made, change: Partial<Held> = {}): void =>
    branch.held.put(block.height, {
      block,
      from: block.height % 2 === 0 ? ip(2) : ip(3),
      ...change
    })
  return {
    ...made,
    peers,
    changes,
    fail,
    hold,
    add,
    branch: add(blocks, plan),
    /** Begins what is ready, and waits for the store. */
    store: Effect.suspend(() => {
      StoreBodies.storeReady(made.context)
      return made.settle
    })
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const stored = (blocks: ReadonlyArray<Made>, branches: ReadonlyArray<object>, branch = 1, oldestFork = 0) => ({
  _tag: "Stored",
  tip: harness.tipOf(blocks),
  branch,
  oldestFork,
  branches
})
const at = (chain: ReadonlyArray<Made>, height: number): Made =>
  chain.find((block) => block.height === height) ?? assert.fail(`no block ${height}`)
const huge = (block: Made): Made => ({ ...block, bytes: new Uint8Array(Limits.storeBatchBytes / 2) })

describe("bodies that extend our chain", () => {
  it.effect("are appended, and the planner, the peers that sent them and the node's tip follow", () =>
    Effect.gen(function*() {
      const { branch, calls, changes, context, emitted, events, peers, store } = node(better)
      StoreBodies.storeReady(context)
      assert.deepStrictEqual([context.storing, changes()], [true, []], "not within the planner's step")
      yield* store
      assert.deepStrictEqual(changes(), [["append", 20, range(21, 28)]])
      assert.deepStrictEqual(events as ReadonlyArray<unknown>, [
        stored(better, [{ id: 1, fork: 28, base: 28, heldBytes: 0 }])
      ])
      assert.deepStrictEqual(peers.map(({ blocks }) => blocks), [4, 4])
      assert.deepStrictEqual(calls, [["tip", harness.tipOf(better)]])
      assert.deepStrictEqual([context.chain.height, Hash.toHex(context.chain.tip.hash)], [28, at(better, 28).hash])
      assert.strictEqual(context.chain.tip.treasuryBalance, at(better, 28).parent.treasuryBalance)
      assert.deepStrictEqual([branch.held.count, branch.fork, context.storing], [0, 28, false])
      assert.deepStrictEqual([emitted, context.reorgs, context.rewrites.version], [[], 0, 0])
      StoreBodies.tellStored(context)
      assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [
        { _tag: "TipChanged", ...harness.tipOf(better), added: 8, from: ip(2) }
      ])
      assert.deepStrictEqual(
        calls.slice(1).map(([how, to, message]) => [how, to, (message as Block.Block & { _tag: string })._tag]),
        [
          ["send", 2, "Tip"],
          ["send", 3, "Tip"]
        ]
      )
      StoreBodies.tellStored(context)
      assert.strictEqual(emitted.length, 1, "told once")
    }))

  it.effect("one at a time are pushed whole to the peers", () =>
    Effect.gen(function*() {
      const { calls, context, store } = node(better.slice(0, 1))
      yield* store
      calls.length = 0
      StoreBodies.tellStored(context)
      assert.deepStrictEqual(calls[0], ["send", 2, { _tag: "NewBlock", block: at(better, 21).bytes }])
    }))

  it.effect("go in as many changes as the memory of one allows, up to the first gap", () =>
    Effect.gen(function*() {
      const { branch, changes, context, store } = node(better)
      for (const height of range(21, 28)) {
        branch.held.put(height, { ...branch.held.get(height) ?? assert.fail(), block: huge(at(better, height)) })
      }
      branch.held.put(23, { ...branch.held.get(23) ?? assert.fail(), block: at(better, 23) })
      yield* store
      assert.deepStrictEqual(changes(), [["append", 20, [21, 22]]])
      context.state = { ...context.state, chain: harness.tipOf(better.slice(0, 2)) }
      yield* store
      assert.deepStrictEqual(changes(), [["append", 22, [23, 24, 25]]])
      branch.held.dropAbove(26)
      context.state = { ...context.state, chain: harness.tipOf(better.slice(0, 5)) }
      yield* store
      assert.deepStrictEqual(changes(), [["append", 25, [26]]])
    }))

  it.effect("wait for the change under way, and for the store to be tried again", () =>
    Effect.gen(function*() {
      const { changes, context, store } = node(better)
      context.storing = true
      yield* store
      context.storing = false
      context.storeRetry = context.timers.arm(1, () => {})
      yield* store
      assert.deepStrictEqual(changes(), [])
    }))

  it.effect("give the planner a reorg limit that counts from the new tip, once history is settled", () =>
    Effect.gen(function*() {
      const { context, events, store } = node(better)
      context.settled = true
      const params = { ...devnet, maxReorg: 5 }
      Object.assign(context, { params })
      yield* store
      assert.deepInclude(events[0], { _tag: "Stored", oldestFork: 23 })
    }))
})

describe("a reorganisation", () => {
  it.effect("is one change, however long, to a chain that is better", () =>
    Effect.gen(function*() {
      const { branch, calls, changes, context, emitted, events, hold, store } = node(fork)
      for (const block of fork) hold(branch, huge(block))
      const before = context.rewrites.version
      yield* store
      assert.deepStrictEqual(changes(), [["append", 15, range(16, 24)]])
      assert.deepStrictEqual([context.rewrites.version - before, context.reorgs], [1, 1])
      assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [{ _tag: "Reorg", fork: 15, depth: 5, height: 24 }])
      assert.deepStrictEqual(events as ReadonlyArray<unknown>, [
        stored(fork, [{ id: 1, fork: 24, base: 24, heldBytes: 0 }])
      ])
      assert.deepStrictEqual(calls, [["tip", harness.tipOf(fork)]])
      assert.deepStrictEqual(range(14, 24).map((height) => Hash.toHex(context.chain.hashAt(height) ?? Hash.zero)), [
        at(shared, 14).hash,
        at(shared, 15).hash,
        ...fork.map(({ hash }) => hash)
      ])
      yield* context.rewrites.settled
    }))

  it.effect("waits until its bodies are whole and better", () =>
    Effect.gen(function*() {
      for (const upTo of [19, 20]) {
        const { branch, changes, context, store } = node(fork, { held: [{ from: 16, to: 24 }] })
        branch.held.dropAbove(upTo)
        context.state = { ...context.state, chain: { height: 20, hash: "00" } }
        yield* store
        assert.deepStrictEqual(changes(), [], `${upTo}`)
      }
    }))

  it.effect("leaves the other branches with their fork from the new chain", () =>
    Effect.gen(function*() {
      const { add, branch, events, store } = node(fork)
      const below = Effect.runSync(make(10, "10.4.4.4", shared.slice(0, 12)))
      const lower = add(below, { held: [] })
      const onOurs = add(better.slice(0, 2), { held: [] })
      const onTheirs = add(Effect.runSync(make(2, "10.5.5.5", [...shared.slice(0, 15), ...fork.slice(0, 3)])), {
        held: []
      })
      onTheirs.recede(15, fork.slice(0, 3).map(({ parent }) => parent))
      yield* store
      assert.deepStrictEqual([branch.fork, lower.fork, onOurs.fork, onTheirs.fork], [24, 12, 15, 18])
      assert.deepStrictEqual(lower.upTo(99).map(({ hash }) => Hash.toHex(hash)), below.map(({ hash }) => hash))
      assert.deepStrictEqual(onOurs.upTo(99).map(({ hash }) => Hash.toHex(hash)), [
        ...range(16, 20).map((height) => at(shared, height).hash),
        ...better.slice(0, 2).map(({ hash }) => hash)
      ])
      const [event] = events
      assert(event?._tag === "Stored")
      assert.deepStrictEqual(event.branches.map(({ base, fork, id }) => `${id} ${fork} ${base}`), [
        "1 24 24",
        "2 12 12",
        "3 15 15",
        "4 18 18"
      ])
    }))
})

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
      assert.deepStrictEqual([emitted as ReadonlyArray<unknown>, context.halted], [[failed], told])
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
      hold(branch, wrong(at(better, 23)))
      const rest = at(better, 21).bytes.length + at(better, 22).bytes.length
      yield* store
      assert.deepStrictEqual([changes(), context.storing, branch.held.count], [[], false, 2])
      assert.deepStrictEqual(posted() as ReadonlyArray<unknown>, [
        { _tag: "Discarded", branch: 1, above: 22, heldBytes: rest },
        {
          _tag: "PeerLied",
          peer: ip(3),
          fault: "bad-block",
          detail: `block 23: block reward ${devnet.blockReward + 1}, expected ${devnet.blockReward}`
        }
      ])
      yield* store
      assert.deepStrictEqual(changes(), [["append", 20, [21, 22]]])
    }))

  it.effect("that this node made blames no peer", () =>
    Effect.gen(function*() {
      const { branch, hold, posted, store } = node(better)
      hold(branch, wrong(at(better, 21)), { from: undefined })
      yield* store
      assert.deepStrictEqual(posted().map(({ _tag }) => _tag), ["Discarded"])
    }))
})
