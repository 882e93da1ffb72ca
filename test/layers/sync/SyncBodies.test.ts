/** Answers with blocks: what is kept, what is reported to the planner, and which peer is blamed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { SyncEvent, SyncFault } from "../../../src/domain/sync/SyncState.ts"
import type { Blocks } from "../../../src/domain/wire/SyncMessage.ts"
import { finish } from "../../../src/layers/sync/MessageTurns.ts"
import { ShownBranch } from "../../../src/layers/sync/ShownBranch.ts"
import * as SyncBodies from "../../../src/layers/sync/SyncBodies.ts"
import * as harness from "../../harness/syncContext.ts"
import { ip } from "../../harness/syncStates.ts"
import { make } from "../../harness/syntheticChain.ts"

const shared = Effect.runSync(make(10))
const branch = Effect.runSync(make(6, "10.8.8.8", shared))
const other = Effect.runSync(make(6, "10.7.7.7", shared))
const bytesOf = (blocks: ReadonlyArray<harness.Made>) => blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** A node of 10 blocks that asked peer 2 for blocks 11 to 14 of a branch, as request 5. */
const asking = () => {
  const node = harness.make(shared)
  const link = node.connect(2, harness.tipOf(branch))
  const shown = node.shown(branch)
  SyncBodies.ask(node.context, { _tag: "GetBlocks", peer: ip(2), request: 5, branch: shown.id, from: 11, count: 4 })
  const [said] = node.said()
  return {
    ...node,
    link,
    shown,
    asked: said,
    answer: (answer: Partial<Blocks> = {}, from = 2) => {
      finish(
        SyncBodies.received(node.context, ip(from), { _tag: "Blocks", request: 5, blocks: [], done: false, ...answer })
      )
      return node.posted()
    },
    request: () => node.context.blockRequests.get(5)
  }
}

const raw = (...blocks: ReadonlyArray<harness.Made>) => blocks.map(({ bytes }) => bytes)
const at = (height: number): harness.Made => branch[height - 11] ?? assert.fail(`no block ${height}`)
const lied = (detail: string, fault: SyncFault = "protocol", peer = 2): SyncEvent => ({
  _tag: "PeerLied",
  peer: ip(peer),
  fault,
  detail
})
const came = (change: Partial<Extract<SyncEvent, { readonly _tag: "BlocksReceived" }>>): SyncEvent => ({
  _tag: "BlocksReceived",
  peer: ip(2),
  request: 5,
  count: 0,
  done: false,
  unusable: false,
  bytes: 0,
  ms: 0,
  ...change
})

describe("a request for blocks", () => {
  it("carries the hashes of the branch's headers, in order, and is counted as owed", () => {
    const { asked, link, request } = asking()
    const hashes = Buffer.concat(branch.slice(0, 4).map(({ parent }) => parent.hash))
    assert.deepStrictEqual(asked, ["send", 2, {
      _tag: "GetBlocks",
      request: 5,
      from: 11,
      hashes: new Uint8Array(hashes)
    }])
    assert.strictEqual(link.pendingAnswers, 1)
    assert.deepInclude(request(), { peer: ip(2), next: 11, to: 14, forgotten: false })
  })

  it("of a branch that is dropped is not made", () => {
    const { connect, context, said } = harness.make(shared)
    connect(2)
    SyncBodies.ask(context, { _tag: "GetBlocks", peer: ip(2), request: 5, branch: 99, from: 11, count: 4 })
    assert.deepStrictEqual([said(), context.blockRequests.size], [[], 0])
  })
})

describe("a piece of the answer", () => {
  it("is held in full, and the next one continues where it ended", () => {
    const node = asking()
    node.hand.to(70)
    const first = branch.slice(0, 3)
    assert.deepStrictEqual(node.answer({ blocks: raw(...first) }), [came({ count: 3, bytes: bytesOf(first), ms: 70 })])
    assert.deepInclude(node.request(), { next: 14, forgotten: false })
    assert.strictEqual(node.link.pendingAnswers, 1, "the answer is not complete")
    node.hand.to(100)
    assert.deepStrictEqual(node.answer({ blocks: raw(at(14)), done: true }), [
      came({ count: 1, done: true, bytes: at(14).bytes.length, ms: 30 })
    ])
    assert.deepStrictEqual([node.request(), node.link.pendingAnswers], [undefined, 0])
    assert.deepStrictEqual([11, 12, 13, 14, 15].map((height) => node.shown.held.get(height)?.block.hash), [
      ...branch.slice(0, 4).map(({ hash }) => hash),
      undefined
    ])
    const held = node.shown.held.get(12)
    assert.deepStrictEqual(held, {
      block: { height: 12, hash: at(12).hash, previous: at(11).hash, bytes: at(12).bytes, txids: undefined },
      from: ip(2)
    })
  })

  it("may end the answer early, without any block", () => {
    const node = asking()
    assert.deepStrictEqual(node.answer({ done: true }), [came({ done: true })])
    assert.isUndefined(node.request())
  })

  it("says nothing new of blocks that another peer sent first, or that are stored", () => {
    const node = asking()
    node.answer({ blocks: raw(at(11)) })
    const first = node.shown.held.get(11)
    node.connect(3)
    SyncBodies.ask(node.context, {
      _tag: "GetBlocks",
      peer: ip(3),
      request: 6,
      branch: node.shown.id,
      from: 11,
      count: 2
    })
    // It is not even looked at: the second copy is no block.
    const junk = new Uint8Array(9)
    assert.deepStrictEqual(node.answer({ request: 6, blocks: [junk, at(12).bytes] }, 3), [
      came({ peer: ip(3), request: 6, count: 2, bytes: at(12).bytes.length })
    ])
    assert.strictEqual(node.shown.held.get(11), first)
    assert.strictEqual(node.shown.held.get(12)?.from, ip(3))
  })

  it("does not keep what is on the disk already, up to exactly that height", () => {
    const node = asking()
    node.shown.stagedTo = 12
    assert.deepStrictEqual(node.answer({ blocks: raw(at(11), at(12), at(13)) }), [
      came({ count: 3, bytes: at(13).bytes.length })
    ])
    assert.deepStrictEqual([11, 12, 13].map((height) => node.shown.held.get(height) !== undefined), [
      false,
      false,
      true
    ])
  })

  it("of a cancelled request is counted and not kept", () => {
    const node = asking()
    const request = node.request() ?? assert.fail("no request")
    request.forgotten = true
    assert.deepStrictEqual(node.answer({ blocks: [new Uint8Array(3), at(12).bytes] }), [came({ count: 2 })])
    assert.strictEqual(node.shown.held.count, 0)
  })

  it("whose branch no longer reaches that height ends the request, without blame", () => {
    const node = asking()
    const short = new ShownBranch(9, 10, branch.slice(0, 2).map(({ parent }) => parent))
    node.context.blockRequests.set(5, { peer: ip(2), branch: short, next: 11, to: 14, forgotten: false })
    assert.deepStrictEqual(node.answer({ blocks: raw(at(11), at(12), at(13)) }), [
      came({ count: 2, done: true, bytes: bytesOf([at(11), at(12)]) })
    ])
    assert.deepInclude(node.request(), { forgotten: true })
  })
})

describe("an answer of many blocks", () => {
  const long = Effect.runSync(make(3 * Limits.syncStepBlocks, "10.6.6.6", shared))
  const started = () => {
    const node = harness.make(shared)
    node.connect(2, harness.tipOf(long))
    const shown = node.shown(long)
    const count = long.length
    SyncBodies.ask(node.context, { _tag: "GetBlocks", peer: ip(2), request: 5, branch: shown.id, from: 11, count })
    const message: Blocks = { _tag: "Blocks", request: 5, blocks: raw(...long), done: true }
    return { ...node, shown, steps: SyncBodies.received(node.context, ip(2), message) }
  }

  it("is checked in steps, and counts as a whole", () => {
    const { posted, shown, steps } = started()
    assert.deepStrictEqual([steps.next().done, steps.next().done], [false, false])
    assert.deepStrictEqual([posted(), shown.held.count], [[], 0], "nothing before its end")
    assert.isTrue(steps.next().done)
    assert.deepStrictEqual(posted(), [came({ count: long.length, done: true, bytes: bytesOf(long) })])
    assert.strictEqual(shown.held.count, long.length)
  })

  it("whose request is cancelled between two steps is counted and not kept", () => {
    const { context, posted, shown, steps } = started()
    steps.next()
    const request = context.blockRequests.get(5)
    if (request !== undefined) request.forgotten = true
    finish(steps)
    assert.deepInclude(posted()[0], { count: long.length, bytes: 0 })
    assert.strictEqual(shown.held.count, 0)
  })

  it("of which another peer sends a block between two steps keeps that one", () => {
    const { posted, shown, steps } = started()
    steps.next()
    const held = { hash: at(11).parent.hash, block: at(11), treasuryBalance: 1, from: ip(3) }
    shown.held.put(11, held)
    finish(steps)
    assert.strictEqual(shown.held.get(11), held)
    assert.deepInclude(posted()[0], { count: long.length })
  })
})

describe("blame for blocks", () => {
  it("is for answers to nothing, to another number, and to another peer's request", () => {
    const node = asking()
    assert.deepStrictEqual(node.answer({ request: 6, done: true }), [lied("unsolicited blocks")])
    node.connect(3)
    assert.deepStrictEqual(node.answer({ blocks: raw(at(11)) }, 3), [lied("unsolicited blocks", "protocol", 3)])
    assert.deepStrictEqual(node.answer({ done: true }), [came({ done: true })])
    assert.deepStrictEqual(node.answer({ done: true }), [lied("unsolicited blocks")])
    assert.deepStrictEqual(node.answer({}, 9), [], "a peer that is gone is not judged")
  })

  it("is for empty chunks, and for more blocks than requested, and nothing is kept", () => {
    const node = asking()
    assert.deepStrictEqual(node.answer(), [lied("empty response chunk")])
    assert.deepStrictEqual(node.answer({ blocks: raw(...branch.slice(0, 5)) }), [lied("more blocks than requested")])
    assert.deepInclude(node.request(), { next: 11 })
    assert.strictEqual(node.answer({ blocks: raw(...branch.slice(0, 4)) })[0]?._tag, "BlocksReceived")
    assert.deepStrictEqual(node.answer({ blocks: raw(at(11)) }), [lied("more blocks than requested")])
  })

  it("is for a block that cannot be decoded; those before it are kept", () => {
    const node = asking()
    assert.deepStrictEqual(node.answer({ blocks: [at(11).bytes, new Uint8Array(9), at(13).bytes] }), [
      came({ count: 1, bytes: at(11).bytes.length }),
      lied("block 12: undecodable block", "bad-block")
    ])
    assert.strictEqual(node.shown.held.count, 1)
  })

  it("is for another block than the one asked for", () => {
    const node = asking()
    const [wrong = assert.fail()] = other
    assert.deepStrictEqual(node.answer({ blocks: [wrong.bytes] }), [
      came({}),
      lied(
        `block 11: block hash ${wrong.hash}, expected ${at(11).hash}`,
        "wrong-block"
      )
    ])
  })

  it("is for transactions that do not match the header; a copy with another reward list is only unusable", () => {
    const block = Block.decode(at(11).bytes)
    assert(!Block.isMalformed(block))
    const { header, transactions } = block
    const forged = Block.make({ ...block, header, transactions: transactions.slice(0, 1) })
    assert.deepStrictEqual(asking().answer({ blocks: [forged.bytes] }).map(({ _tag }) => _tag), [
      "BlocksReceived",
      "PeerLied"
    ])
    const copy = Block.make({ ...block, header, masternodeRewards: [{ address: "TIME0other", amount: 1 }] })
    const node = asking()
    assert.deepStrictEqual(node.answer({ blocks: [copy.bytes, at(12).bytes] }), [came({ done: true, unusable: true })])
    assert.deepInclude(node.request(), { forgotten: true })
    assert.strictEqual(node.shown.held.count, 0)
  })
})
