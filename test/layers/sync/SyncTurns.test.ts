/** How much of a peer's answer is checked in one turn of the event loop: counted in blocks and headers, by a clock that only their hashing moves. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { capabilities, Capability } from "../../../src/domain/pair/Handshake.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as HasherLive from "../../../src/layers/chain/HasherLive.ts"
import { MessageTurns } from "../../../src/layers/sync/MessageTurns.ts"
import { ShownBranch } from "../../../src/layers/sync/ShownBranch.ts"
import type { BlockRequest, SyncContext } from "../../../src/layers/sync/SyncContext.ts"
import * as SyncListener from "../../../src/layers/sync/SyncListener.ts"
import * as synthetic from "../../harness/syntheticChain.ts"

const origin = { ip: PeerIp.fromStringUnsafe("10.0.0.2"), connection: 1 }
const session = { ownNonce: 1n, peerNonce: 2n, ownIp: PeerIp.fromStringUnsafe("10.0.0.1") }
const tip = { height: 0, hash: "00".repeat(32) }
/** Many steps, the last of them short. */
const count = 16 * Limits.syncStepBlocks + 1
const headerCount = 4 * Limits.syncStepHeaders + 7

/** A node that asked a peer for blocks 1 to `count`. Hashing takes a whole turn, so that each step is one. */
const asked = Effect.gen(function*() {
  const real = yield* HasherLive.make
  const chain = yield* synthetic.make(count)
  const branch = new ShownBranch(1, 0, chain.map(({ parent }) => parent))
  const request: BlockRequest = { peer: origin.ip, branch, next: 1, to: count, forgotten: false }
  const rest: Array<Effect.Effect<void>> = []
  const posted: Array<SyncState.SyncEvent> = []
  const seen = { now: 0, hashed: 0 }
  const genesis = Synthetic.genesisParent(synthetic.devnet)
  const context = {
    params: synthetic.devnet,
    hasher: {
      ...real,
      blake3: (bytes: Uint8Array) => {
        seen.now += Limits.syncTurnMs
        seen.hashed += 1
        return real.blake3(bytes)
      }
    },
    chain: { height: 0, holds: (height: number) => height === 0, parentAt: () => genesis },
    nowMs: () => synthetic.startOfTime,
    links: new Map(),
    branches: new Map(),
    nextBranch: 2,
    state: SyncState.start(tip),
    timers: { now: () => seen.now },
    machine: { post: (event: SyncState.SyncEvent) => posted.push(event) },
    blockRequests: new Map([[1, request]]),
    headerRequests: new Map([[2, { peer: origin.ip, locator: [genesis] }]]),
    turns: new MessageTurns(() => seen.now, (effect) => rest.push(effect)),
    messages: { pauseReading: () => {}, resumeReading: () => {}, send: () => true }
  } as unknown as SyncContext
  const listener = SyncListener.make(context)
  listener.onUp(origin, tip, capabilities | Capability.chain, session)
  posted.length = 0
  return {
    branch,
    request,
    posted,
    listener,
    waits: () => rest.length,
    blocks: () =>
      listener.onMessage(origin, { _tag: "Blocks", request: 1, blocks: chain.map(({ bytes }) => bytes), done: true }),
    headers: (list: Uint8Array) =>
      listener.onMessage(origin, { _tag: "Headers", request: 2, after: genesis.hash, list, more: false }),
    turn: () => Effect.runSync(rest.shift() ?? Effect.die("nothing waits")),
    /** Hashes since the last call. */
    hashed: () => {
      const { hashed } = seen
      seen.hashed = 0
      return hashed
    },
    chain
  }
})

describe("a turn of sync", () => {
  it("is a ms and a half, and a step a thirtieth of it, for code that is not compiled takes many times as long", () => {
    const { syncStepBlocks, syncStepHeaders, syncTurnLeastMs, syncTurnMs } = Limits
    assert.deepStrictEqual([syncTurnMs, syncTurnLeastMs, syncStepBlocks, syncStepHeaders], [1.5, 0.3, 2, 16])
  })

  it.effect("checks a few blocks of an answer, and holds all of them once the last is checked", () =>
    Effect.gen(function*() {
      const node = yield* asked
      node.blocks()
      for (let left = count; left > 0; left -= Limits.syncStepBlocks) {
        assert.strictEqual(node.hashed(), Math.min(left, Limits.syncStepBlocks))
        if (left <= Limits.syncStepBlocks) break
        assert.deepStrictEqual([node.posted.length, node.branch.held.count, node.request.next], [0, 0, 1])
        node.turn()
      }
      assert.strictEqual(node.branch.held.count, count)
      // The text of the hash below is that of the block below, whose own it was.
      for (let height = 2; height <= count; height++) {
        const [below, block] = [node.branch.held.get(height - 1)?.block, node.branch.held.get(height)?.block]
        assert.strictEqual(block?.previous, below?.hash)
      }
      assert.deepInclude(node.posted, {
        _tag: "BlocksReceived",
        peer: origin.ip,
        request: 1,
        count,
        done: true,
        unusable: false,
        bytes: node.branch.held.bytes,
        ms: 0
      })
      assert.strictEqual(node.waits(), 0)
    }))

  it.effect("hashes a few headers of a list", () =>
    Effect.gen(function*() {
      const node = yield* asked
      const headers = (yield* synthetic.make(headerCount)).flatMap(({ bytes }) => BlockHeader.encodedOf(bytes) ?? [])
      node.headers(BlockHeader.joinList(headers).bytes)
      for (let left = headerCount; left > Limits.syncStepHeaders; left -= Limits.syncStepHeaders) {
        assert.deepStrictEqual([node.hashed(), node.posted.length], [Limits.syncStepHeaders, 0])
        node.turn()
      }
      const [event] = node.posted
      assert(event?._tag === "HeadersReceived")
      assert.deepStrictEqual([event.count, event.last.height, node.posted.length], [headerCount, headerCount, 1])
    }))

  it.effect("keeps what happened between the steps: blocks that came from another peer, or are on disk, are not taken again", () =>
    Effect.gen(function*() {
      const node = yield* asked
      node.blocks()
      node.turn()
      const held = node.chain.slice(0, 30).map((block) => ({ block, from: undefined }))
      for (const body of held) node.branch.held.put(body.block.height, body)
      const before = node.branch.held.bytes
      while (node.waits() > 0) node.turn()
      const [event] = node.posted
      assert(event?._tag === "BlocksReceived")
      assert.deepStrictEqual([event.count, event.bytes], [count, node.branch.held.bytes - before])
      assert.strictEqual(node.branch.held.get(30), held[29])
    }))

  it.effect("checks a block again that was held when its turn came, and was dropped since", () =>
    Effect.gen(function*() {
      const node = yield* asked
      const [first] = node.chain
      assert(first !== undefined)
      node.branch.held.put(1, { block: first, from: undefined })
      node.blocks()
      assert.strictEqual(node.hashed(), Limits.syncStepBlocks - 1)
      node.branch.held.clear()
      while (node.waits() > 0) node.turn()
      assert.strictEqual(node.branch.held.count, count)
    }))

  it.effect("holds nothing of an answer that the planner gave up meanwhile, or whose connection is gone", () =>
    Effect.gen(function*() {
      const given = yield* asked
      given.blocks()
      given.request.forgotten = true
      while (given.waits() > 0) given.turn()
      assert.strictEqual(given.branch.held.count, 0)
      assert.strictEqual(given.hashed(), Limits.syncStepBlocks)

      const gone = yield* asked
      gone.blocks()
      gone.listener.onDown(origin)
      gone.turn()
      assert.deepStrictEqual([gone.waits(), gone.branch.held.count], [0, 0])
      assert.strictEqual(gone.hashed(), Limits.syncStepBlocks)
    }))
})
