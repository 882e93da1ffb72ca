/** How held bodies become our chain: in which changes of the store, in which order, and what is reported of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as Block from "../../../src/domain/chain/Block.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as StoreBodies from "../../../src/layers/sync/StoreBodies.ts"
import { at, better, fork, ip, type Made, node, range, shared, stored } from "../../harness/storeBodiesHand.ts"
import * as harness from "../../harness/syncContext.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

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
