/** Connections and messages as sync hears of them: which belong to a peer it uses, and which are of a connection that is gone. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { Capability } from "../../../src/domain/pair/Handshake.ts"
import type { SyncMessage } from "../../../src/domain/wire/SyncMessage.ts"
import * as SyncContext from "../../../src/layers/sync/SyncContext.ts"
import * as SyncListener from "../../../src/layers/sync/SyncListener.ts"
import * as harness from "../../harness/syncContext.ts"
import * as states from "../../harness/syncStates.ts"
import { make } from "../../harness/syntheticChain.ts"

const { ip } = states
const shared = Effect.runSync(make(20))
const better = Effect.runSync(make(6, "10.8.8.8", shared))
const session = { ownNonce: 1n, peerNonce: 2n, ownIp: ip(1) }

const node = () => {
  const made = harness.make(shared)
  const listener = SyncListener.make(made.context)
  return {
    ...made,
    listener,
    up: (n: number, connection: number, tip = harness.tipOf(better), capabilities: number = Capability.chain) =>
      listener.onUp({ ip: ip(n), connection }, tip, capabilities, session),
    message: (n: number, connection: number, message: SyncMessage) =>
      listener.onMessage({ ip: ip(n), connection }, message),
    link: (n: number) => made.context.links.get(ip(n)) ?? assert.fail(`no link ${n}`)
  }
}

const headers: SyncMessage = {
  _tag: "Headers",
  request: 1,
  after: new Uint8Array(32),
  list: new Uint8Array(0),
  more: false
}

describe("a connection", () => {
  it("with a chain is a link at rest, and is told our tip", () => {
    const { calls, link, posted, shown, up } = node()
    const branch = shown(better)
    up(2, 7)
    assert.deepStrictEqual(posted(), [
      { _tag: "PeerUp", peer: ip(2), tip: harness.tipOf(better), on: states.on(branch.id, 26) }
    ])
    const { again, requests, say: _, serve: __, ...rest } = link(2)
    const tip = harness.tipOf(shared)
    assert.deepStrictEqual(rest as object, {
      origin: { ip: ip(2), connection: 7 },
      lastAt: 0,
      pendingAnswers: 0,
      showing: undefined,
      last: undefined,
      knownTip: harness.tipOf(better).hash,
      announced: tip.hash,
      told: { height: 26, hash: better.at(-1)?.parent.hash },
      progressed: false,
      waitingBytes: 0,
      paused: false,
      blamed: false,
      blocks: 0
    })
    assert.deepStrictEqual([again, requests()], [undefined, 0])
    assert.deepStrictEqual(calls.map(([how, n]) => [how, n]), [["send", 2]])
    link(2).serve.waiting.push({ _tag: "GetHeaders", request: 1, locator: [] })
    assert.strictEqual(link(2).requests(), 1)
  })

  it("without a chain is not used", () => {
    const { context, posted, up } = node()
    up(2, 7, harness.tipOf(better), Capability.chain ^ 0xff)
    assert.deepStrictEqual([context.links.size, posted()], [0, []])
  })

  it("that ends takes its requests with it, and no others", () => {
    const { context, listener, posted, shown, up } = node()
    up(2, 7)
    up(3, 8)
    posted()
    const branch = shown(better)
    for (const [id, n] of [[1, 2], [2, 3], [3, 2]] as const) {
      context.headerRequests.set(id, { peer: ip(n), locator: [] })
      context.blockRequests.set(id, { peer: ip(n), branch, next: 21, to: 21, forgotten: false })
    }
    listener.onDown({ ip: ip(2), connection: 7 })
    assert.deepStrictEqual(posted(), [{ _tag: "PeerDown", peer: ip(2) }])
    assert.deepStrictEqual([[...context.links.keys()], [...context.headerRequests.keys()], [
      ...context.blockRequests.keys()
    ]], [[ip(3)], [2], [2]])
  })

  it("that ends after a newer one of the peer changes nothing of that", () => {
    const { context, link, listener, posted, up } = node()
    up(2, 7)
    up(2, 9)
    posted()
    context.headerRequests.set(1, { peer: ip(2), locator: [] })
    listener.onDown({ ip: ip(2), connection: 7 })
    listener.onDown({ ip: ip(5), connection: 1 })
    assert.deepStrictEqual([posted(), context.headerRequests.size, link(2).origin.connection], [[], 1, 9])
  })
})

describe("a message", () => {
  it("is handled by the part that it is for", () => {
    const { message, posted, up } = node()
    up(2, 7)
    posted()
    const blamed = (text: string) => [{ _tag: "PeerLied", peer: ip(2), fault: "protocol", detail: text }] as const
    message(2, 7, headers)
    assert.deepStrictEqual(posted(), blamed("unsolicited headers"))
    message(2, 7, { _tag: "Blocks", request: 1, blocks: [], done: true })
    assert.deepStrictEqual(posted(), blamed("unsolicited blocks"))
    message(2, 7, { _tag: "Tip", height: 23, hash: better[2]?.parent.hash ?? assert.fail() })
    assert.deepInclude(posted()[0], { _tag: "TipAnnounced" })
    message(2, 7, { _tag: "NewBlock", block: new Uint8Array(3) })
    assert.deepInclude(posted()[0], { _tag: "PeerLied", fault: "bad-block" })
  })

  it("of a connection that is gone is not heard, nor is one from a peer that was dropped", () => {
    const { context, link, message, posted, up } = node()
    up(2, 7)
    up(2, 9)
    posted()
    message(2, 7, headers)
    message(5, 1, headers)
    message(2, 7, { _tag: "GetHeaders", request: 1, locator: [] })
    assert.deepStrictEqual([posted(), link(2).serve.serving], [[], false])
    link(2).blamed = true
    message(2, 9, headers)
    assert.deepStrictEqual(posted(), [])
    context.links.clear()
  })

  it("that asks for something is served, past those that wait for their turn", () => {
    const { calls, context, link, message, up } = node()
    Object.assign(context.messages, { whenLow: () => Effect.never })
    up(2, 7)
    calls.length = 0
    for (let n = 0; n <= Limits.serveQueue; n++) message(2, 7, { _tag: "GetHeaders", request: n, locator: [] })
    assert.deepStrictEqual([link(2).requests(), calls], [Limits.serveQueue, []], "one is being answered")
    message(2, 7, { _tag: "GetBlocks", request: 99, from: 1, hashes: new Uint8Array(32) })
    assert.deepStrictEqual(calls, [["drop", 2, "too many queued requests"]])
  })

  it("weighs what it holds while it waits", () => {
    const { context, hand, link, message, up } = node()
    up(2, 7)
    let ran = 0
    // The first task takes the whole turn: the others wait.
    SyncListener.inTurn(context, link(2), 0, () => {
      hand.to(Limits.syncTurnMs)
      ran += 1
    })
    const weighed = (one: SyncMessage): number => {
      const before = link(2).waitingBytes
      message(2, 7, one)
      return link(2).waitingBytes - before
    }
    assert.deepStrictEqual([ran, link(2).waitingBytes], [1, 0])
    assert.deepStrictEqual([
      weighed({ ...headers, list: new Uint8Array(100) }),
      weighed({ _tag: "Blocks", request: 1, blocks: [new Uint8Array(30), new Uint8Array(7)], done: false }),
      weighed({ _tag: "NewBlock", block: new Uint8Array(40) }),
      weighed({ _tag: "Tip", height: 1, hash: better[2]?.parent.hash ?? assert.fail() })
    ], [612, 549, 552, 512])
  })

  it("that is under way shows that the peer is slow, not silent", () => {
    const { link, listener, up } = node()
    up(2, 7)
    listener.onProgress({ ip: ip(3), connection: 7 })
    assert.isFalse(link(2).progressed)
    listener.onProgress({ ip: ip(2), connection: 7 })
    assert.isTrue(link(2).progressed)
  })
})

describe("what a peer owes", () => {
  it("is counted by request, and timed from the first of those in flight or the last piece", () => {
    const { context, hand, link, said, up } = node()
    up(2, 7)
    said()
    const ask = (request: number) => SyncContext.request(context, ip(2), { _tag: "GetHeaders", request, locator: [] })
    hand.to(10)
    ask(1)
    hand.to(20)
    ask(2)
    assert.deepStrictEqual([link(2).pendingAnswers, link(2).lastAt, said().length], [2, 10, 2])
    hand.to(25)
    assert.strictEqual(SyncContext.pieceMs(context, link(2), false), 15)
    assert.deepStrictEqual([link(2).pendingAnswers, link(2).lastAt], [2, 25])
    hand.to(32)
    assert.deepStrictEqual([SyncContext.pieceMs(context, link(2), true), link(2).pendingAnswers], [7, 1])
    assert.deepStrictEqual([SyncContext.pieceMs(context, link(2), true), link(2).pendingAnswers], [0, 0])
    SyncContext.pieceMs(context, link(2), true)
    assert.strictEqual(link(2).pendingAnswers, 0, "never less than nothing")
    SyncContext.request(context, ip(9), { _tag: "GetHeaders", request: 3, locator: [] })
    assert.deepStrictEqual(said(), [])
    assert.isFalse(SyncContext.send(context, ip(9), headers))
    assert.isTrue(SyncContext.send(context, ip(2), headers))
  })
})
