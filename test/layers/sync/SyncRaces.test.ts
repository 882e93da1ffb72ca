/** Sync while the disk is slow and the chains move: what is stored late, replaced under way, or told in between. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../../src/domain/chain/Block.ts"
import type { GetBlocks } from "../../../src/domain/wire/SyncMessage.ts"
import type { StoredBlock } from "../../../src/services/ChainStore.ts"
import { blocksOf, connect, type Liar, liars } from "../../harness/chainLiars.ts"
import { longEffect } from "../../harness/long.ts"
import { ip, onMesh } from "../../harness/mesh.ts"
import { make, startOfTime } from "../../harness/syntheticChain.ts"

const us = "10.0.0.1"

const decoded = (stored: StoredBlock | undefined): Block.Block => {
  assert(stored !== undefined)
  const block = Block.decode(stored.bytes)
  assert(!Block.isMalformed(block))
  return block
}

const liar = (name: string): Liar => liars[name] ?? assert.fail(name)

describe("sync: races", () => {
  it.effect("a block that comes while two nodes greet each other is told", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(startOfTime)
      const chain = yield* make(11)
      for (let ms = 0; ms <= 300; ms += 10) {
        yield* onMesh(20, ({ start }) =>
          Effect.gen(function*() {
            const a = yield* start("10.0.0.2", { chain: chain.slice(0, 10) })
            const b = yield* start(us, { chain: chain.slice(0, 10), peers: ["10.0.0.2"] })
            yield* TestClock.adjust(ms)
            yield* a.sync.add(decoded(chain[10]))
            yield* TestClock.adjust("5 seconds")
            assert.strictEqual((yield* b.sync.report).tip.height, 11, `${ms} ms after the dial`)
          }))
      }
    }))

  it.effect("bodies that reach the disk after their header chain was given up are our chain", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(600)
        const node = yield* start(us, { chain: [], storeMs: 20_000 })
        yield* connect(
          network.host(ip("10.0.9.1")),
          ip("10.0.9.1"),
          ip(us),
          chain,
          liar("withholds a block and says so")
        )
        yield* TestClock.adjust("3 minutes")
        assert.deepStrictEqual(node.of("SyncBlamed").map(({ fault }) => fault), ["withheld"])
        // What it gave is still on its way to the disk.
        yield* TestClock.adjust("1 minute")
        const { headers, tip } = yield* node.sync.report
        assert.isAbove(tip.height, 0)
        assert.strictEqual(headers, tip.height)
        yield* node.sync.add(decoded(chain[tip.height]))
      })))

  it.effect("our chain is the header chain again after two better ones in turn turned out not to be had", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const ours = yield* make(63)
        const branch = function*(fork: number, height: number, leader: string) {
          return [...ours.slice(0, fork), ...yield* make(height - fork, leader, ours.slice(0, fork))]
        }
        const node = yield* start(us, { chain: ours.slice(0, 62) })
        const withhold = (name: string): Liar => ({
          ...liar(name),
          lie: (message) => message._tag === "GetBlocks" ? silentOr(name, message.request) : undefined
        })
        const silentOr = (name: string, request: number) =>
          name === "withholds a block in silence"
            ? []
            : [{ _tag: "Blocks", request, blocks: [], done: true } as const]
        const first = yield* Effect.gen(() => branch(50, 70, "10.6.6.6"))
        const second = yield* Effect.gen(() => branch(40, 80, "10.7.7.7"))
        yield* connect(
          network.host(ip("10.0.9.1")),
          ip("10.0.9.1"),
          ip(us),
          first,
          withhold("withholds a block in silence")
        )
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* node.sync.report).headers, 70)
        yield* connect(
          network.host(ip("10.0.9.2")),
          ip("10.0.9.2"),
          ip(us),
          second,
          withhold("withholds a block and says so")
        )
        yield* TestClock.adjust("5 minutes")
        const { headers, tip } = yield* node.sync.report
        assert.deepStrictEqual([tip.height, headers], [62, 62])
        assert.deepStrictEqual(node.of("Reorg"), [])
        yield* node.sync.add(decoded(ours[62]))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* node.sync.report).tip.hash, ours[62]?.hash)
      })))

  it.effect("blocks that two peers sent count for the first, while the disk is slow too", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(16)
        const node = yield* start(us, { chain: [], storeMs: 3_000 })
        const questions = new Map<string, GetBlocks>()
        const asked = Effect.fnUntraced(function*(peer: string) {
          const raw = yield* connect(network.host(ip(peer)), ip(peer), ip(us), chain, {
            lie: (message) => {
              if (message._tag === "GetHeaders") return undefined
              questions.set(peer, message)
              return []
            },
            faults: []
          })
          while (!questions.has(peer)) yield* TestClock.adjust(100)
          return { raw, answer: blocksOf(chain, questions.get(peer) ?? assert.fail(peer)) }
        })
        const late = yield* asked("10.0.9.1")
        const quick = yield* asked("10.0.9.2")
        assert.strictEqual(quick.answer.blocks.length, 16, "it is asked for what the other does not give")
        yield* quick.raw.say({ ...quick.answer, blocks: quick.answer.blocks.slice(0, 8), done: false })
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* node.sync.report).tip.height, 8)
        yield* quick.raw.say({ ...quick.answer, blocks: quick.answer.blocks.slice(8) })
        yield* TestClock.adjust(100)
        // All is here, and on its way to the disk.
        yield* late.raw.say(late.answer)
        yield* TestClock.adjust("5 seconds")
        const { peers, tip } = yield* node.sync.report
        assert.strictEqual(tip.height, 16)
        assert.deepStrictEqual(peers.map(({ blocks, ip }) => [ip, blocks]), [["10.0.9.1", 0], ["10.0.9.2", 16]])
        assert.deepStrictEqual(node.of("SyncBlamed"), [])
      })))

  longEffect(
    "an answer that a reorganisation overtakes is of one chain, and nobody is blamed for it",
    () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const common = yield* make(20)
        const left = [...common, ...yield* make(90, "10.6.6.6", common)]
        const right = [...common, ...yield* make(95, "10.7.7.7", common)]
        for (let ms = 0; ms <= 800; ms += 20) {
          yield* onMesh(20, ({ network, start }) =>
            Effect.gen(function*() {
              const server = yield* start("10.0.0.2", { chain: left, storeMs: 100 })
              const node = yield* start(us, { chain: [], peers: ["10.0.0.2"] })
              yield* network.block(ip(us), ip("10.0.0.3"))
              yield* network.block(ip("10.0.0.3"), ip(us))
              yield* TestClock.adjust(ms)
              yield* start("10.0.0.3", { chain: right, peers: ["10.0.0.2"] })
              yield* TestClock.adjust("20 seconds")
              assert.strictEqual(server.of("Reorg").length, 1)
              assert.deepStrictEqual(node.of("SyncBlamed"), [], `other chain after ${ms} ms`)
              assert.strictEqual((yield* node.sync.report).tip.hash, right.at(-1)?.hash)
            }))
        }
      })
  )

  it.effect("an answer about a chain that is not ours any more is no lie", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const common = yield* make(20)
        const left = [...common, ...yield* make(30, "10.6.6.6", common)]
        const right = [...common, ...yield* make(40, "10.7.7.7", common)]
        yield* start("10.0.0.2", { chain: left })
        const node = yield* start(us, { chain: left.slice(0, 25), peers: ["10.0.0.2"] })
        while (node.of("Up").length === 0) yield* TestClock.adjust(1)
        // The question is out. Its answer takes longer than we wait for it, and meanwhile a better chain comes.
        yield* network.setLink(ip("10.0.0.2"), ip(us), { latency: "7 seconds" }, { oneWay: true })
        yield* start("10.0.0.3", { chain: right, peers: [us] })
        yield* network.block(ip("10.0.0.2"), ip("10.0.0.3"))
        yield* network.block(ip("10.0.0.3"), ip("10.0.0.2"))
        yield* TestClock.adjust("6500 millis")
        assert.strictEqual((yield* node.sync.report).tip.hash, right.at(-1)?.hash, "the other branch is ours")
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(node.of("SyncBlamed"), [])
        assert.strictEqual((yield* node.sync.report).tip.hash, right.at(-1)?.hash)
      })))
})
