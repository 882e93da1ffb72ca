/**
 * A block's reward list is not under its hash, so any relay may hold a bad copy of a good block without a fault of its own. Such a copy is
 * no reason to give the chain up, nor to blame the peer: another peer is asked for the block.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../../src/domain/chain/Block.ts"
import type { SyncMessage } from "../../../src/domain/wire/SyncMessage.ts"
import type { StoredBlock } from "../../../src/services/ChainStore.ts"
import { blocksOf, connect, type Liar } from "../../harness/chainLiars.ts"
import { downs, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { make, startOfTime } from "../../harness/syntheticChain.ts"

const us = "10.0.0.1"
const relays = ["10.0.9.1", "10.0.9.2"] as const
const honest = "10.0.1.1"
const height = 600
/** From here on the relays hold bad copies. */
const badFrom = 300

const decoded = (bytes: Uint8Array): Block.Block => {
  const block = Block.decode(bytes)
  assert(!Block.isMalformed(block))
  return block
}

/** The same block by its hash, whose list names a reward that its distribution does not pay. */
const badCopy = (bytes: Uint8Array): Uint8Array => {
  const block = decoded(bytes)
  const masternodeRewards = block.masternodeRewards.map(({ address, amount }) => ({ address: `${address}x`, amount }))
  return Block.make({ ...block, masternodeRewards }).bytes
}

/** A peer that answers in good faith from such copies; `asked` collects the first heights of what it was asked for. */
const relay = (asked: Array<number>, first: ReadonlyArray<SyncMessage> = []): Liar => ({
  faults: [],
  first: () => first,
  lie: (message, chain) => {
    if (message._tag !== "GetBlocks") return undefined
    asked.push(message.from)
    const answer = blocksOf(chain, message)
    return [{
      ...answer,
      blocks: answer.blocks.map((bytes, i) => message.from + i >= badFrom ? badCopy(bytes) : bytes)
    }]
  }
})

const blameless = (node: Running, peers: ReadonlyArray<string>): void => {
  for (const peer of peers) {
    assert.deepStrictEqual(node.of("SyncBlamed", peer).map(({ detail, fault }) => `${fault}: ${detail}`), [], peer)
    assert.deepStrictEqual(downs(node, peer), [], peer)
  }
}

const hashOf = (blocks: ReadonlyArray<StoredBlock>): string => blocks.at(-1)?.hash ?? ""

describe("bad copies of good blocks", () => {
  it.effect("are asked of another peer, and nobody is blamed", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(height)
        const node = yield* mesh.start(us, { chain: [] })
        const asked: Array<number> = []
        for (const peer of relays) {
          yield* connect(mesh.network.host(ip(peer)), ip(peer), ip(us), chain, relay(asked))
        }
        yield* mesh.start(honest, { chain, peers: [us] })
        yield* TestClock.adjust("1 minute")
        assert.isNotEmpty(
          asked.filter((from) => from >= badFrom),
          "the relays were asked for what they have no good copy of"
        )
        const { line, tip } = yield* node.sync.report
        assert.deepStrictEqual(tip, { height, hash: hashOf(chain) }, line)
        assert.strictEqual(line, `height ${height}, 3 peers, in sync`)
        blameless(node, [...relays, honest])
      })))

  it.effect("from every peer leave the node behind, and say so; it continues as soon as a peer has a good one", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(height)
        const node = yield* mesh.start(us, { chain: [] })
        for (const peer of relays) {
          yield* connect(mesh.network.host(ip(peer)), ip(peer), ip(us), chain, relay([]))
        }
        yield* TestClock.adjust("1 minute")
        const behind = yield* node.sync.report
        assert.strictEqual(behind.tip.height, badFrom - 1, behind.line)
        assert.isFalse(behind.synced)
        assert.strictEqual(
          behind.line,
          `height ${badFrom - 1}, 2 peers, not syncing because no peer has a copy of block ${badFrom} that can be used`
        )
        blameless(node, relays)
        yield* mesh.start(honest, { chain, peers: [us] })
        yield* TestClock.adjust("90 seconds")
        const { line, tip } = yield* node.sync.report
        assert.deepStrictEqual(tip, { height, hash: hashOf(chain) }, line)
        assert.deepStrictEqual(downs(node, honest), [])
        assert.deepStrictEqual(node.of("SyncBlamed", honest), [])
      })))

  it.effect("that are pushed are no lie: the block comes from the peer that has a good one", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(height)
        const node = yield* mesh.start(us, { chain: chain.slice(0, -1) })
        const last = chain.at(-1)
        assert(last !== undefined)
        yield* connect(
          mesh.network.host(ip(relays[0])),
          ip(relays[0]),
          ip(us),
          chain,
          relay([], [{ _tag: "NewBlock", block: badCopy(last.bytes) }])
        )
        yield* TestClock.adjust("5 seconds")
        yield* mesh.start(honest, { chain, peers: [us] })
        yield* TestClock.adjust("1 minute")
        const { line, tip } = yield* node.sync.report
        assert.deepStrictEqual(tip, { height, hash: hashOf(chain) }, line)
        blameless(node, [relays[0], honest])
      })))
})
