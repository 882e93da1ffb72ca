/** What peers announce, and what is announced to them: tips and whole blocks. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { SyncEvent } from "../../../src/domain/sync/SyncState.ts"
import type { Held } from "../../../src/layers/sync/HeldBodies.ts"
import * as SyncAnnounce from "../../../src/layers/sync/SyncAnnounce.ts"
import * as SyncAnnounced from "../../../src/layers/sync/SyncAnnounced.ts"
import * as harness from "../../harness/syncContext.ts"
import * as states from "../../harness/syncStates.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

const { ip } = states
type Made = harness.Made

const shared = Effect.runSync(make(20))
const better = Effect.runSync(make(6, "10.8.8.8", shared))
const fork = Effect.runSync(make(9, "10.7.7.7", shared.slice(0, 15)))

const blockOf = ({ bytes }: Made): Block.Block => {
  const block = Block.decode(bytes)
  return Block.isMalformed(block) ? assert.fail(block.reason) : block
}
const at = (chain: ReadonlyArray<Made>, height: number): Made =>
  chain.find((block) => block.height === height) ?? assert.fail(`no block ${height}`)

const announced = (block: Made, peer = 2): Extract<SyncEvent, { readonly _tag: "TipAnnounced" }> => ({
  _tag: "TipAnnounced",
  peer: ip(peer),
  tip: { height: block.height, hash: block.hash },
  on: undefined
})
const added = (
  id: number,
  blocks: ReadonlyArray<Made>,
  fork: number,
  block: Made,
  bytes = block.bytes.length
): SyncEvent => ({
  _tag: "BlockAdded",
  branch: { id, fork, tip: harness.tipOf(blocks) },
  height: block.height,
  bytes
})

const node = () => {
  const made = harness.make(shared)
  const link = made.connect(2)
  return {
    ...made,
    link,
    extend: (block: Made, isOwn = false) => {
      const result = SyncAnnounced.extend(made.context, blockOf(block), isOwn ? undefined : ip(2))
      return [result, made.posted()] as const
    },
    push: (bytes: Uint8Array, from = 2) => {
      SyncAnnounced.blockReceived(made.context, ip(from), { _tag: "NewBlock", block: bytes })
      return made.posted()
    }
  }
}

describe("a tip that a peer announces", () => {
  it("is remembered, as the tip that it has, and the planner learns whether we know it", () => {
    const { context, link, posted, shown } = node()
    const frame = Uint8Array.from(at(better, 23).parent.hash)
    SyncAnnounced.tipReceived(context, ip(2), {
      _tag: "Tip",
      height: 23,
      hash: Hash.fromHexUnsafe(at(better, 23).hash)
    })
    assert.deepStrictEqual(posted(), [announced(at(better, 23))])
    assert.deepInclude(link, { knownTip: at(better, 23).hash, told: { height: 23, hash: at(better, 23).parent.hash } })
    const branch = shown(better)
    SyncAnnounced.tipReceived(context, ip(2), { _tag: "Tip", height: 23, hash: frame as Hash.Hash })
    assert.deepStrictEqual(posted(), [{ ...announced(at(better, 23)), on: states.on(branch.id, 23) }])
    // It is a view into a frame, whose bytes are used again.
    frame.fill(0)
    assert.strictEqual(Hash.toHex(link.told.hash), at(better, 23).hash)
    SyncAnnounced.tipReceived(context, ip(9), { _tag: "Tip", height: 23, hash: at(better, 23).parent.hash })
    assert.deepStrictEqual(posted(), [], "of a peer that is gone it says nothing")
  })
})

describe("a block that extends", () => {
  it("our tip starts a branch, and is held", () => {
    const { context, extend } = node()
    const block = at(better, 21)
    assert.deepStrictEqual(extend(block), [undefined, [added(1, better.slice(0, 1), 20, block)]])
    assert.deepStrictEqual(context.branches.get(1)?.held.get(21), {
      block: { height: 21, hash: block.hash, previous: block.previous, bytes: block.bytes, txids: undefined },
      from: ip(2)
    })
    assert.deepStrictEqual(extend(block), [undefined, []], "the same again changes nothing")
    assert.strictEqual(context.branches.size, 1)
    const next = at(better, 22)
    assert.deepStrictEqual(extend(next, true), [undefined, [added(1, better.slice(0, 2), 20, next)]])
    const branch = context.branches.get(1)
    assert.strictEqual(branch?.held.get(22)?.from, undefined)
    assert.deepStrictEqual(branch?.upTo(99).map(({ height }) => height), [21, 22])
  })

  it("a branch that has only its header is held there, without another header", () => {
    const { context, extend, shown } = node()
    const branch = shown(better)
    assert.deepStrictEqual(extend(at(better, 21)), [undefined, [added(branch.id, better, 20, at(better, 21))]])
    assert.deepStrictEqual([context.branches.size, branch.height, branch.held.count], [1, 26, 1])
  })

  it("the first header of a branch, with another block, starts a branch of its own", () => {
    const { context, extend, shown } = node()
    const first = shown(better)
    const two = Effect.runSync(make(1, "10.5.5.5", [...shared, at(better, 21)]))
    assert.deepStrictEqual(extend(at(two, 22)), [undefined, [added(2, two, 20, at(two, 22))]])
    assert.deepStrictEqual(context.branches.get(2)?.upTo(99).map(({ hash }) => Hash.toHex(hash)), [
      at(better, 21).hash,
      at(two, 22).hash
    ])
    assert.strictEqual(first.height, 26)
    const end = Effect.runSync(make(1, "10.4.4.4", [...shared, ...better]))
    assert.deepStrictEqual(extend(at(end, 27)), [undefined, [added(1, end, 20, at(end, 27))]])
    assert.strictEqual(first.height, 27)
  })

  it("a block that is on the disk already is not held", () => {
    const { extend, shown } = node()
    const branch = shown(better)
    branch.stagedTo = 21
    assert.deepStrictEqual(extend(at(better, 21)), [undefined, []])
    assert.strictEqual(branch.held.count, 0)
  })

  it("nothing that we know has no parent, below our tip too", () => {
    const { extend, shown } = node()
    assert.deepStrictEqual(extend(at(better, 22)), ["no-parent", []])
    assert.deepStrictEqual(extend(at(fork, 16)), ["no-parent", []])
    shown(better)
    // Neither the first above our tip nor the last.
    const mid = Effect.runSync(make(1, "10.5.5.5", [...shared, ...better.slice(0, 3)]))
    assert.deepStrictEqual(extend(at(mid, 24)), ["no-parent", []])
  })

  it("a branch further than its window is too far", () => {
    const { context, extend, shown } = node()
    const long = Effect.runSync(make(Limits.blocksUndelivered + 3, "10.8.8.8", shared))
    const to = 20 + Limits.blocksUndelivered + 2
    const branch = shown(long.slice(0, Limits.blocksUndelivered))
    const plan = (height: number) => {
      context.state = { ...context.state, branches: [states.branch(branch.id, height, { fork: 20 })] }
    }
    plan(to - 2)
    assert.strictEqual(extend(at(long, to - 1))[0], undefined, "one beyond the window is its next")
    plan(to - 1)
    assert.deepStrictEqual(extend(at(long, to)), ["too-far", []])
    assert.strictEqual(branch.height, to - 1)
  })

  it("and breaks a rule is refused by the rule", () => {
    const { context, extend } = node()
    const block = blockOf(at(better, 21))
    const [fault] = extend({
      ...at(better, 21),
      bytes: Block.make({ ...block, header: { ...block.header, blockReward: 1 } }).bytes
    })
    assert.deepInclude(fault, { _tag: "RewardTooLow", actual: 1 })
    assert.strictEqual(context.branches.size, 0)
  })
})

describe("a pushed block", () => {
  it("that is good is the peer's tip as well", () => {
    const { link, push } = node()
    const block = at(better, 21)
    assert.deepStrictEqual(push(block.bytes), [
      added(1, [block], 20, block),
      { ...announced(block), on: states.on(1, 21) }
    ])
    assert.deepInclude(link, { knownTip: block.hash, told: { height: 21, hash: block.parent.hash } })
  })

  it("whose parent we do not know is the peer's tip, whose headers are asked for", () => {
    assert.deepStrictEqual(node().push(at(better, 24).bytes), [announced(at(better, 24))])
  })

  it("that is malformed, or that breaks a rule of blocks, is a lie", () => {
    const { link, push } = node()
    const lied = (detail: string): SyncEvent => ({ _tag: "PeerLied", peer: ip(2), fault: "bad-block", detail })
    assert.deepStrictEqual(push(new Uint8Array(9)), [lied("malformed announced block")])
    const block = blockOf(at(better, 21))
    const poor = Block.make({ ...block, header: { ...block.header, blockReward: 1 } })
    assert.deepStrictEqual(push(poor.bytes), [
      lied(`announced block 21: block reward 1 is below the minimum ${devnet.blockReward}`)
    ])
    const forged = Block.make({ ...block, transactions: [...block.transactions, ...block.transactions] })
    assert.deepStrictEqual(push(forged.bytes).map(({ _tag }) => _tag), ["PeerLied"])
    const cut = Block.make({ ...block, transactions: [...block.transactions].toReversed() })
    assert.deepStrictEqual(push(cut.bytes), [
      lied("announced block 21: merkle root does not match the transactions")
    ])
    assert.strictEqual(link.knownTip, harness.tipOf([]).hash)
  })

  it("that only this copy makes bad, or that is early, is no lie", () => {
    const { context, push, setNow } = node()
    const block = blockOf(at(better, 21))
    const copy = Block.make({ ...block, masternodeRewards: [{ address: "TIME0other", amount: 1 }] })
    assert.deepStrictEqual(push(copy.bytes), [announced(at(better, 21))])
    setNow(ChainParams.dueAt(devnet, 21) * 1_000 - 20_000)
    assert.deepStrictEqual(push(at(better, 21).bytes), [announced(at(better, 21))])
    assert.strictEqual(context.branches.size, 0)
  })
})

describe("our tip", () => {
  const tip = harness.tipOf(shared)
  const held = (block: Made): Held => ({
    block,
    from: undefined
  })
  const said = (peer: number) => ["send", peer, { _tag: "Tip", height: 20, hash: at(shared, 20).parent.hash }]

  it("is announced to every peer that lacks it, once", () => {
    const { calls, connect, context } = harness.make(shared)
    const lacks = connect(2)
    connect(3, tip)
    connect(4, harness.tipOf(better))
    connect(5, { height: 20, hash: "ff".repeat(32) })
    SyncAnnounce.announce(context, undefined, tip)
    assert.deepStrictEqual(calls, [said(2), said(5)])
    assert.deepInclude(lacks, { knownTip: tip.hash, announced: tip.hash })
    SyncAnnounce.announce(context, undefined, tip)
    assert.strictEqual(calls.length, 2)
  })

  it("is pushed as a block, unless that is long", () => {
    const { calls, connect, context } = harness.make(shared)
    const link = connect(2)
    const block = at(shared, 20)
    SyncAnnounce.announce(context, held(block), tip)
    assert.deepStrictEqual(calls.splice(0), [["send", 2, { _tag: "NewBlock", block: block.bytes }]])
    assert.deepInclude(link, { knownTip: tip.hash, announced: tip.hash })
    for (const [over, tag] of [[0, "NewBlock"], [1, "Tip"]] as const) {
      connect(3)
      SyncAnnounce.announce(context, held({ ...block, bytes: new Uint8Array(Limits.pushBlockBytes + over) }), tip)
      assert.deepInclude(calls.splice(0)[0]?.[2], { _tag: tag })
    }
  })

  it("greets a new peer, but not at genesis and not a peer that has it", () => {
    const { calls, connect, context } = harness.make(shared)
    const link = connect(2)
    connect(3, tip)
    for (const n of [2, 3, 9]) SyncAnnounce.greet(context, ip(n))
    assert.deepStrictEqual(calls, [said(2)])
    assert.strictEqual(link.announced, tip.hash)
    const empty = harness.make([])
    empty.connect(2, tip)
    SyncAnnounce.greet(empty.context, ip(2))
    assert.deepStrictEqual(empty.calls, [])
  })

  it("is told after catching up to peers that have it and heard another one from us", () => {
    const { calls, connect, context } = harness.make(shared)
    const heard = connect(2, tip)
    heard.announced = "00"
    connect(3, tip)
    connect(4).announced = "00"
    SyncAnnounce.caughtUp(context, tip)
    assert.deepStrictEqual(calls, [said(2)])
    assert.strictEqual(heard.announced, tip.hash)
  })
})
