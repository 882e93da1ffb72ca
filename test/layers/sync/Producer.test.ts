/** Test producers on the in-memory network: turns, a silent one, a partition. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as ProducerTurn from "../../../src/domain/chain/ProducerTurn.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { longEffect } from "../../harness/long.ts"
import { masternode } from "../../harness/masternodes.ts"
import { downs, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { make, startOfTime } from "../../harness/syntheticChain.ts"

const tips = (nodes: ReadonlyArray<Running>) =>
  Effect.forEach(nodes, (node) => Effect.map(node.sync.report, (report) => report.tip))

/** Blocks that the node made itself. */
const own = (node: Running): number => node.of("TipChanged").filter(({ from }) => from === undefined).length

describe("ProducerTurn", () => {
  const producers = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(PeerIp.fromStringUnsafe)
  const may = (now: number, lastBlockAt: number) =>
    producers.map((own) => ProducerTurn.mayProduce(producers, own, now, lastBlockAt))
  const turn = Limits.produceEveryMs

  it("goes round in the order of IPs", () => {
    for (let n = 3; n < 9; n++) {
      assert.deepStrictEqual(may(n * turn + 10, (n - 1) * turn), producers.map((_, i) => i === n % 3))
    }
  })
  it("is the live masternodes' while one of the producers is one, and nobody else's then", () => {
    const [a, b, c] = producers.map((own) => own) as [PeerIp.PeerIp, PeerIp.PeerIp, PeerIp.PeerIp]
    assert.deepStrictEqual(ProducerTurn.takingTurns(producers, [c, PeerIp.fromStringUnsafe("10.9.9.9"), a]), [a, c])
    assert.deepStrictEqual(ProducerTurn.takingTurns(producers, []), producers)
    assert.deepStrictEqual(ProducerTurn.takingTurns(producers, [PeerIp.fromStringUnsafe("10.9.9.9")]), producers)
    for (let n = 3; n < 9; n++) assert.isFalse(ProducerTurn.mayProduce([a, c], b, n * turn + 10, (n - 1) * turn))
  })
  it("lets the next one step in after half a turn, and nobody once there is a block", () => {
    assert.deepStrictEqual(may(3 * turn + turn / 2, 2 * turn), [true, true, false])
    assert.deepStrictEqual(may(3 * turn + turn / 2, 3 * turn + 5), [false, false, false])
  })
})

describe("Producer", () => {
  const mesh = (start: (ip: string, options: object) => Effect.Effect<Running, never, never>, count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, i) => i + 1),
      (n) => start(`10.0.0.${n}`, { chain: [], produce: true, peers: n === 1 ? [] : ["10.0.0.1"] })
    )

  it.effect("a block every two seconds, in turn, the same chain everywhere", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const nodes = yield* mesh(start as never, 3)
        // Into the quiet part of a turn: at its start a block may be on its way.
        yield* TestClock.adjust("70900 millis")
        const [first, ...rest] = yield* tips(nodes)
        assert.isAtLeast(first?.height ?? 0, 28)
        assert.isAtMost(first?.height ?? 0, 40)
        for (const tip of rest) assert.deepStrictEqual(tip, first)
        assert.deepStrictEqual(nodes.map((node) => downs(node)), [[], [], []])
      })))

  it.effect("the only producer makes none until it has the chain of a slow peer that makes none", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(400)
        yield* network.setLink(ip("10.0.1.1"), ip("10.0.0.1"), { bandwidth: 10_000 })
        // An archive that serves blocks; the producer has its first half, and would be left behind by a fork of its own.
        const producer = yield* start("10.0.0.1", { chain: chain.slice(0, 200), settled: true, produce: true })
        yield* start("10.0.1.1", { chain, peers: ["10.0.0.1"] })
        const forks = own(producer)
        yield* TestClock.adjust("5 seconds")
        assert.isBelow((yield* producer.sync.report).tip.height, 400)
        assert.strictEqual(own(producer), forks)
        yield* TestClock.adjust("30 seconds")
        const { line, tip } = yield* producer.sync.report
        assert.isAbove(tip.height, 400)
        assert.include(line, "in sync")
        assert.strictEqual(producer.of("Reorg").length, forks)
      })))

  it.effect("only masternodes take turns once there is one", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const options = (n: number) => ({
          chain: [],
          produce: true,
          masternodes: true,
          peers: n === 1 ? [] : ["10.0.0.1"],
          ...(n === 2 ? { masternode: masternode(2) } : {})
        })
        const nodes = yield* Effect.forEach([1, 2, 3], (n) => start(`10.0.0.${n}`, options(n)))
        yield* TestClock.adjust("10 seconds")
        const before = nodes.map((node) => own(node))
        yield* TestClock.adjust("30900 millis")
        const after = nodes.map((node, i) => own(node) - (before[i] ?? 0))
        assert.deepStrictEqual([after[0], after[2]], [0, 0])
        assert.isAtLeast(after[1] ?? 0, 12)
        const [first, ...rest] = yield* tips(nodes)
        for (const tip of rest) assert.deepStrictEqual(tip, first)
      })))

  it.effect("a silent producer is stepped in for", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const nodes = yield* mesh(start as never, 3)
        yield* TestClock.adjust("30 seconds")
        yield* network.drop(ip("10.0.0.2"))
        const before = (yield* tips(nodes))[0]?.height ?? 0
        yield* TestClock.adjust("40 seconds")
        const after = (yield* tips(nodes))[0]?.height ?? 0
        assert.isAtLeast(after - before, 17)
      })))

  longEffect(
    "a partition of three and three makes a fork, and one chain again afterwards",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const nodes = yield* mesh(start as never, 6)
          yield* TestClock.adjust("30 seconds")
          const sides = [[1, 2, 3], [4, 5, 6]] as const
          const every = (f: (a: PeerIp.PeerIp, b: PeerIp.PeerIp) => Effect.Effect<void>) =>
            Effect.forEach(sides[0], (a) => Effect.forEach(sides[1], (b) => f(ip(`10.0.0.${a}`), ip(`10.0.0.${b}`))), {
              discard: true
            })
          yield* every((a, b) => network.cut(a, b))
          yield* TestClock.adjust("60 seconds")
          const apart = yield* tips(nodes)
          assert.notStrictEqual(apart[0]?.hash, apart[5]?.hash)
          yield* every((a, b) => network.heal(a, b))
          yield* TestClock.adjust("60900 millis")
          const [first, ...rest] = yield* tips(nodes)
          for (const tip of rest) assert.deepStrictEqual(tip, first)
          assert.isAtLeast(nodes.reduce((sum, node) => sum + node.of("Reorg").length, 0), 3)
          assert.isAtLeast(first?.height ?? 0, Math.max(...apart.map((tip) => tip.height)))
        }))
  )
})
