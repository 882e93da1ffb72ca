/** Many producing nodes: how fast a block reaches all, and what a partition leaves. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as HeaderRules from "../../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import * as HasherLive from "../../../src/layers/chain/HasherLive.ts"
import type { StoredBlock } from "../../../src/services/ChainStore.ts"
import { downs, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { devnet, make, startOfTime } from "../../harness/syntheticChain.ts"

const decoded = (bytes: Uint8Array): Block.Block => {
  const block = Block.decode(bytes)
  assert(!Block.isMalformed(block))
  return block
}

const last = <A>(list: ReadonlyArray<A>): A => {
  const found = list.at(-1)
  assert(found !== undefined)
  return found
}

const latency = 40
/** ms per hop beyond the one-way delay. */
const slack = 50

/** ms from now until every node had the block. */
const spread = Effect.fnUntraced(function*(nodes: ReadonlyArray<Running>, block: StoredBlock, at: number) {
  const began = yield* Clock.currentTimeMillis
  const node = nodes[at]
  assert(node !== undefined)
  yield* node.sync.add(decoded(block.bytes))
  yield* TestClock.adjust("10 seconds")
  return nodes.map(({ of }) => {
    const event = of("TipChanged").find(({ hash }) => hash === block.hash)
    assert(event !== undefined)
    return event.at - began
  })
})

describe("a new block", () => {
  it.effect("reaches all of 16 fully meshed nodes in one hop", () =>
    onMesh(latency, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(24)
        const nodes: Array<Running> = []
        for (let i = 1; i <= 16; i++) {
          nodes.push(yield* start(`10.0.0.${i}`, { chain: chain.slice(0, 20), peers: i === 1 ? [] : ["10.0.0.1"] }))
        }
        yield* TestClock.adjust("60 seconds")
        for (const node of nodes) assert.strictEqual((yield* node.up).length, 15)
        for (const [i, at] of [0, 7, 15, 3].entries()) {
          const block = chain[20 + i]
          assert(block !== undefined)
          for (const ms of yield* spread(nodes, block, at)) assert.isAtMost(ms, latency + slack)
        }
        for (const node of nodes) assert.deepStrictEqual(node.of("SyncBlamed"), [])
      })))

  it.effect("reaches all of 16 nodes in a line, hop by hop", () =>
    onMesh(latency, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(22)
        const nodes: Array<Running> = []
        const at = (i: number) => `10.0.0.${i + 1}`
        // Others than the neighbours cannot be dialled.
        for (let i = 0; i < 16; i++) {
          for (let j = 0; j < 16; j++) if (Math.abs(i - j) > 1) yield* network.block(ip(at(i)), ip(at(j)))
        }
        for (let i = 0; i < 16; i++) {
          nodes.push(yield* start(at(i), { chain: chain.slice(0, 20), peers: i === 0 ? [] : [at(i - 1)] }))
        }
        yield* TestClock.adjust("60 seconds")
        for (const [i, node] of nodes.entries()) assert.strictEqual((yield* node.up).length, i % 15 === 0 ? 1 : 2)
        for (const [i, from] of [0, 9].entries()) {
          const block = chain[20 + i]
          assert(block !== undefined)
          for (const [j, ms] of (yield* spread(nodes, block, from)).entries()) {
            assert.isAtMost(ms, Math.abs(j - from) * (latency + slack))
          }
        }
      })))
})

describe("a partition", () => {
  it.effect("of 3 + 3 producing nodes for 60 s leaves one chain, the better side's", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const hasher = yield* HasherLive.make
        const common = yield* make(10)
        const sides = [["10.0.0.1", "10.0.0.3", "10.0.0.5"], ["10.0.0.2", "10.0.0.4", "10.0.0.6"]] as const
        const nodes = new Map<string, Running>()
        for (const at of sides.flat()) {
          nodes.set(at, yield* start(at, { chain: common, peers: at === "10.0.0.1" ? [] : ["10.0.0.1"] }))
        }
        const node = (at: string) => nodes.get(at) ?? assert.fail(at)
        yield* TestClock.adjust("20 seconds")

        // Each side's producers take turns on top of what their side has.
        const parents = sides.map(() => last(common).parent)
        const made: ReadonlyArray<Array<string>> = [[], []]
        const produce = Effect.fnUntraced(function*(side: number, turn: number) {
          const at = sides[side]?.[turn % 3] ?? ""
          const parent = parents[side]
          assert(parent !== undefined)
          const timestamp = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
          const { block, hash } = Synthetic.onTop(devnet, hasher, parent, timestamp, {
            leader: at,
            address: "TIME0test"
          })
          yield* node(at).sync.add(block)
          parents[side] = HeaderRules.parentOf(block.header, hash)
          made[side]?.push(Hash.toHex(hash))
        })
        const cross = (change: typeof network.cut) =>
          Effect.forEach(sides[0], (a) => Effect.forEach(sides[1], (b) => change(ip(a), ip(b))))

        yield* cross(network.cut)
        for (let turn = 0; turn < 30; turn++) {
          yield* produce(0, turn)
          // The other side misses some turns: its branch is shorter.
          if (turn % 6 !== 5) yield* produce(1, turn)
          yield* TestClock.adjust("2 seconds")
        }
        yield* cross(network.heal)
        yield* TestClock.adjust("60 seconds")

        const won = { height: 40, hash: last(made[0] ?? []) }
        for (const at of sides.flat()) {
          const report = yield* node(at).sync.report
          assert.deepStrictEqual(report.tip, won, `${at}: ${report.line}`)
          assert.deepStrictEqual(node(at).of("SyncBlamed"), [])
        }
        for (const at of sides[0]) {
          assert.deepStrictEqual(node(at).of("Reorg"), [])
          // Nothing lost on the winning side: every block of it, in order, each once.
          const grown = node(at).of("TipChanged").map(({ hash }) => hash)
          assert.deepStrictEqual(grown.slice(-30), made[0])
        }
        for (const at of sides[1]) {
          assert.deepStrictEqual(node(at).of("Reorg").map(({ depth, fork }) => [fork, depth]), [[10, 25]])
          assert.deepStrictEqual(downs(node(at)).filter((label) => label === "protocol"), [])
        }
        // And it continues.
        yield* produce(0, 30)
        yield* TestClock.adjust("2 seconds")
        for (const at of sides.flat()) assert.strictEqual((yield* node(at).sync.report).tip.height, 41)
      })))
})
