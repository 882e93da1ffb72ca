/** Sync over the TIME wire, message by message: what is asked of the peer, what its answers become, and what ends with the connection. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { TimeMessage } from "../../../src/domain/wire/time/TimeMessage.ts"
import * as SyncBodies from "../../../src/layers/sync/SyncBodies.ts"
import * as SyncHeaders from "../../../src/layers/sync/SyncHeaders.ts"
import * as TimeSync from "../../../src/layers/sync/TimeSync.ts"
import * as harness from "../../harness/syncContext.ts"
import * as states from "../../harness/syncStates.ts"
import { make } from "../../harness/syntheticChain.ts"

const { ip } = states
const shared = Effect.runSync(make(20))
const better = Effect.runSync(make(6, "10.8.8.8", shared))
const all = [...shared, ...better]

const origin = { ip: ip(2), connection: 7 }
const session = { ownNonce: 1n, peerNonce: 2n, ownIp: ip(1) }
const blockOf = ({ bytes }: harness.Made): Block.Block => {
  const block = Block.decode(bytes)
  return Block.isMalformed(block) ? assert.fail(block.reason) : block
}
const hashAt = (height: number): Hash.Hash => all[height - 1]?.parent.hash ?? assert.fail(`no block ${height}`)
const blocks = (from: number, to: number) => all.slice(from - 1, to).map(blockOf)

/** A node of 20 blocks, and a TIME peer that announced 26. */
const node = (tip = harness.tipOf(better)) => {
  const made = harness.make(shared)
  const listener = TimeSync.make(made.context)
  listener.onUp(origin, tip, 0, session)
  const greeting = made.said()
  made.posted()
  const said = () => made.said().map(([, , message]) => message as { readonly _tag: string })
  return {
    ...made,
    listener,
    greeting,
    said,
    link: made.context.links.get(ip(2)) ?? assert.fail("no link"),
    hear: (message: TimeMessage, connection = 7) => listener.onMessage({ ip: ip(2), connection }, message)
  }
}

describe("a peer of the TIME network", () => {
  it("is told our tip and height, and asked for its tip again and again", () => {
    const { greeting, hand, listener, said } = node()
    assert.deepStrictEqual(greeting.map(([how, n, message]) => [how, n, message]), [
      ["time", 2, { _tag: "ChainTipResponse", height: 20, hash: hashAt(20) }],
      ["time", 2, { _tag: "BlockInventory", height: 20 }],
      ["time", 2, { _tag: "GetChainTip" }]
    ])
    hand.to(Limits.timeTipMs - 1)
    assert.deepStrictEqual(said(), [])
    hand.to(2 * Limits.timeTipMs)
    assert.deepStrictEqual(said(), [{ _tag: "GetChainTip" }, { _tag: "GetChainTip" }])
    listener.onDown({ ip: ip(2), connection: 5 })
    hand.to(3 * Limits.timeTipMs)
    assert.strictEqual(said().length, 1, "another connection ended")
    listener.onDown(origin)
    hand.to(9 * Limits.timeTipMs)
    assert.deepStrictEqual([said(), hand.timers.size()], [[], 0])
  })

  it("is not heard once its connection is gone, and no other connection in its place", () => {
    const { context, hear, listener, posted } = node()
    hear({ _tag: "ChainTipResponse", height: 30, hash: hashAt(22) }, 6)
    assert.deepStrictEqual(posted(), [])
    listener.onDown(origin)
    assert.deepStrictEqual([posted(), context.links.size], [[{ _tag: "PeerDown", peer: ip(2) }], 0])
    hear({ _tag: "ChainTipResponse", height: 30, hash: hashAt(22) })
    assert.deepStrictEqual(posted(), [])
  })

  it("that sends part of a frame is slow, not silent", () => {
    const { link, listener } = node()
    listener.onProgress({ ip: ip(3), connection: 7 })
    assert.isFalse(link.progressed)
    listener.onProgress(origin)
    assert.isTrue(link.progressed)
  })

  it("whose chain was refused is begun with again, from its last tip", () => {
    const { context, hand, hear, link, posted } = node()
    hear({ _tag: "ChainTipResponse", height: 25, hash: hashAt(25) })
    posted()
    link.again?.()
    assert.deepStrictEqual(posted().map((event) => [event._tag, "tip" in event ? event.tip : undefined]), [
      ["PeerDown", undefined],
      ["PeerUp", { height: 25, hash: Hash.toHex(hashAt(25)) }]
    ])
    assert.notStrictEqual(context.links.get(ip(2)), link)
    assert.strictEqual(hand.timers.size(), 1, "the first one's timers are gone")
  })
})

describe("a request for headers", () => {
  it("is asked as a page of blocks, and answered with their headers", () => {
    const { context, hear, link, posted, said } = node()
    SyncHeaders.ask(context, ip(2), 5, 4)
    assert.deepStrictEqual(said(), [{ _tag: "GetBlocks", start: 21, end: 24 } as never])
    hear({ _tag: "BlocksResponse", blocks: blocks(21, 24) })
    const [event] = posted()
    assert(event?._tag === "HeadersReceived")
    assert.deepInclude(event, { request: 5, count: 4, more: "yes", last: { height: 24, hash: Hash.toHex(hashAt(24)) } })
    assert.deepStrictEqual([link.pendingAnswers, link.waitingBytes], [0, 0])
    assert.deepStrictEqual(link.last, { height: 24, hash: hashAt(24) })
  })

  it("without a count asks for a page, and is searched for down to genesis", () => {
    const { context, hear, said } = node({ height: 90, hash: "ab".repeat(32) })
    SyncHeaders.ask(context, ip(2), 5, Limits.headersPerMessage)
    assert.deepStrictEqual(said(), [{ _tag: "GetBlocks", start: 21, end: 20 + Limits.timePageBlocks } as never])
    // Its block 21 follows another 20: the places of the locator are halved, genesis is shared.
    const other = Effect.runSync(
      make(1, "10.3.3.3", [...shared.slice(0, 19), ...Effect.runSync(make(1, "10.4.4.4", shared.slice(0, 19)))])
    )
    hear({ _tag: "BlocksResponse", blocks: other.map(blockOf) })
    const [search] = said() as ReadonlyArray<{ readonly _tag: string; readonly height?: number }>
    assert.strictEqual(search?._tag, "GetBlockHash")
    const height = search?.height ?? 0
    assert.isTrue(height > 0 && height < 20)
    hear({ _tag: "BlockHashResponse", height, hash: hashAt(height) })
    assert.strictEqual(said()[0]?._tag, "GetBlockHash")
    hear({ _tag: "BlockHashResponse", height: 3, hash: undefined })
    assert.deepStrictEqual(said(), [], "an answer to nothing")
  })

  it("whose page does not come is asked for again", () => {
    const { context, hand, hear, posted, said } = node()
    SyncHeaders.ask(context, ip(2), 5, 4)
    said()
    hand.to(Limits.timeAnswerMs - 1)
    assert.deepStrictEqual(said(), [])
    hand.to(Limits.timeAnswerMs)
    assert.deepStrictEqual(said(), [{ _tag: "GetBlocks", start: 21, end: 24 } as never])
    hear({ _tag: "BlocksResponse", blocks: [] })
    assert.deepStrictEqual(said(), [{ _tag: "GetChainTip" }], "its tip may be of a former chain")
    assert.deepStrictEqual(posted(), [])
  })

  it("leaves no timer behind when the connection ends", () => {
    const { context, hand, listener, said } = node()
    SyncHeaders.ask(context, ip(2), 5, 4)
    said()
    assert.strictEqual(hand.timers.size(), 2)
    listener.onDown(origin)
    hand.to(10 * Limits.timeTipMs)
    assert.deepStrictEqual([said(), hand.timers.size()], [[], 0])
  })
})

describe("a request for blocks", () => {
  it("is asked as a page of the same heights, and answered with their bodies", () => {
    const { context, hear, posted, said, shown } = node()
    const branch = shown(better)
    SyncBodies.ask(context, { _tag: "GetBlocks", peer: ip(2), request: 6, branch: branch.id, from: 22, count: 3 })
    assert.deepStrictEqual(said(), [{ _tag: "GetBlocks", start: 22, end: 24 } as never])
    hear({ _tag: "BlocksResponse", blocks: blocks(22, 24) })
    assert.deepInclude(posted()[0], { _tag: "BlocksReceived", request: 6, count: 3, done: true, unusable: false })
    assert.deepStrictEqual([22, 23, 24, 25].map((height) => branch.held.get(height)?.block.hash), [
      ...better.slice(1, 4).map(({ hash }) => hash),
      undefined
    ])
  })
})

describe("what the peer announces", () => {
  const tip = (height: number, hash: Hash.Hash): TimeMessage => ({ _tag: "ChainTipResponse", height, hash })

  it("as its tip counts once, and is copied from its frame", () => {
    const { hear, link, posted } = node()
    const frame = Uint8Array.from(hashAt(25)) as Hash.Hash
    hear(tip(25, frame))
    frame.fill(0)
    const told = { _tag: "TipAnnounced", peer: ip(2), tip: { height: 25, hash: Hash.toHex(hashAt(25)) }, on: undefined }
    assert.deepStrictEqual(posted() as ReadonlyArray<unknown>, [told])
    hear(tip(25, hashAt(25)))
    assert.deepStrictEqual(posted(), [], "the same again")
    hear(tip(25, hashAt(24)))
    hear(tip(24, hashAt(24)))
    assert.deepStrictEqual(posted().map(({ _tag }) => _tag), ["TipAnnounced", "TipAnnounced"])
    assert.deepStrictEqual(link.told, { height: 24, hash: hashAt(24) })
  })

  it("as a height is asked for: our next block itself, else its tip, and nothing that we have", () => {
    const { hear, said } = node()
    for (const height of [19, 20]) hear({ _tag: "BlockInventory", height })
    assert.deepStrictEqual(said(), [])
    hear({ _tag: "BlockInventory", height: 21 })
    assert.deepStrictEqual(said(), [{ _tag: "BlockRequest", height: 21 } as never])
    hear({ _tag: "BlockInventory", height: 22 })
    assert.deepStrictEqual(said(), [{ _tag: "GetChainTip" }])
  })

  it("as a proposal makes us ask for its tip, if it is above ours", () => {
    const { hear, said } = node()
    const [old, next] = [blockOf(shared[19] ?? assert.fail()), blockOf(better[0] ?? assert.fail())]
    hear({ _tag: "TimeLockBlockProposal", block: old })
    assert.deepStrictEqual(said(), [])
    hear({ _tag: "TimeLockBlockProposal", block: next })
    assert.deepStrictEqual(said(), [{ _tag: "GetChainTip" }])
  })

  it("as a block is taken like a pushed one", () => {
    for (const _tag of ["BlockResponse", "BlockAnnouncement"] as const) {
      const { context, hear, posted } = node()
      hear({ _tag, block: blockOf(better[0] ?? assert.fail()) })
      assert.deepStrictEqual(posted().map(({ _tag }) => _tag), ["BlockAdded", "TipAnnounced"])
      assert.strictEqual(context.branches.get(1)?.held.get(21)?.from, ip(2))
    }
  })

  it("unasked, as a page, is a lie", () => {
    const { hear, posted } = node()
    hear({ _tag: "BlocksResponse", blocks: blocks(21, 22) })
    assert.deepStrictEqual(posted() as ReadonlyArray<unknown>, [
      { _tag: "PeerLied", peer: ip(2), fault: "protocol", detail: "unsolicited blocks" }
    ])
  })

  it("waits for its turn like other messages, by its bytes", () => {
    const { context, hand, hear, link } = node()
    context.turns.push(() => hand.to(Limits.syncTurnMs))
    context.turns.push(() => {})
    const [block] = blocks(21, 21)
    assert(block !== undefined)
    hear({ _tag: "BlocksResponse", blocks: [block, block] })
    assert.strictEqual(link.waitingBytes, 512 + 2 * block.bytes.length)
    hear({ _tag: "BlockResponse", block })
    assert.strictEqual(link.waitingBytes, 512 + 3 * block.bytes.length)
  })
})

describe("what the peer asks", () => {
  it("is served, and counted with what waits", () => {
    const { context, hear, link } = node()
    Object.assign(context.messages, { whenLow: () => Effect.never })
    const asks: ReadonlyArray<TimeMessage> = [
      { _tag: "GetBlocks", start: 1, end: 2 },
      { _tag: "GetBlockRange", start: 1, end: 2 },
      { _tag: "GetBlockHash", height: 1 },
      { _tag: "BlockRequest", height: 1 },
      { _tag: "RequestGenesis" },
      { _tag: "GetChainWork" },
      { _tag: "GetChainWorkAt", height: 1 }
    ]
    for (const [n, message] of asks.entries()) {
      hear(message)
      assert.strictEqual(link.requests(), n, message._tag)
    }
  })

  it("is never answered in the native wire's way", () => {
    const { link, said } = node()
    assert.isFalse(link.say({ _tag: "Blocks", request: 1, blocks: [], done: true }))
    assert.isFalse(link.say({ _tag: "Headers", request: 1, after: hashAt(1), list: new Uint8Array(0), more: false }))
    assert.deepStrictEqual(said(), [])
    assert.isTrue(link.say({ _tag: "NewBlock", block: new Uint8Array(1) }))
    assert.deepStrictEqual(said() as ReadonlyArray<unknown>, [
      { _tag: "ChainTipResponse", height: 20, hash: hashAt(20) },
      { _tag: "BlockInventory", height: 20 }
    ])
    assert.isTrue(link.say({ _tag: "Tip", height: 19, hash: hashAt(19) }))
    assert.deepStrictEqual(said() as ReadonlyArray<unknown>, [
      { _tag: "ChainTipResponse", height: 19, hash: hashAt(19) },
      { _tag: "BlockInventory", height: 19 }
    ])
  })

  it("a tip that it does not read is not followed by a height", () => {
    const { context, link } = node()
    const sent: Array<string> = []
    Object.assign(context.messages, { sendTime: (_: unknown, message: TimeMessage) => sent.push(message._tag) > 99 })
    assert.isFalse(link.say({ _tag: "Tip", height: 19, hash: hashAt(19) }))
    assert.deepStrictEqual(sent, ["ChainTipResponse"])
  })
})
