/**
 * Every way to be behind: what the flag and the status line say at each moment. The moments: `harness/measured`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { connect, type Liar, liars } from "../../harness/chainLiars.ts"
import { long } from "../../harness/long.ts"
import { measured } from "../../harness/measured.ts"
import { downs, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { devnet, make, startOfTime } from "../../harness/syntheticChain.ts"

const us = "10.0.0.1"

interface Moment {
  readonly s: number
  readonly synced: boolean
  readonly mayProduce: boolean
  readonly line: string
}

/** Moments at which the line or the flag changed, apart from heights; each second for so long. */
const watch = Effect.fnUntraced(function*(name: string, node: Running, seconds: number, stepMs = 1_000) {
  const moments: Array<Moment> = []
  const shape = ({ line, mayProduce, synced }: Moment) => `${line.replace(/\d+/g, "#")} ${synced} ${mayProduce}`
  for (let ms = 0; ms <= seconds * 1_000; ms += stepMs) {
    const { line, mayProduce, synced } = yield* node.sync.report
    const moment = { s: ms / 1_000, synced, mayProduce, line }
    const last = moments.at(-1)
    if (last === undefined || shape(last) !== shape(moment) || ms + stepMs > seconds * 1_000) moments.push(moment)
    yield* TestClock.adjust(stepMs)
  }
  const rows = moments.map(({ line, s, synced }) =>
    `  ${String(s).padStart(5)} s  ${synced ? "synced    " : "not synced"}  ${line}`
  )
  measured(name, ...rows)
  return moments
})

const honestly: Liar = { lie: () => undefined, faults: [], unused: true }
const liar = (name: string): Liar => liars[name] ?? assert.fail(name)

describe("every way to be behind", () => {
  it.effect(
    "the only better peer stalls for 5 s, then for good: never in sync, until it is dropped",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(12_000)
          const node = yield* start(us, { chain: [] })
          yield* start("10.0.1.1", { chain: [], peers: [us] })
          let silentUntil = Infinity
          const raw = yield* connect(network.host(ip("10.0.9.1")), ip("10.0.9.1"), ip(us), chain, {
            ...honestly,
            lie: () => silentUntil > 0 ? [] : undefined
          })
          void raw
          const early = yield* watch("stalled best peer: silent for 8 s", node, 8)
          assert.isFalse(early.some(({ mayProduce, synced }) => synced || mayProduce), JSON.stringify(early))
          silentUntil = 0
          const later = yield* watch("  then it answers", node, 60)
          assert.strictEqual(later.at(-1)?.line, "height 12000, 2 peers, in sync")
          assert.isFalse(
            later.some(({ line, synced }) => synced && !line.startsWith("height 12000")),
            JSON.stringify(later)
          )
          assert.deepStrictEqual(node.of("SyncBlamed"), [])
        })),
    { ...long, timeout: 60_000 }
  )

  it.effect("the only better peer never answers: not in sync while it is connected", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const node = yield* start(us, { chain: [] })
        yield* start("10.0.1.1", { chain: [], peers: [us] })
        const chain = yield* make(50)
        yield* connect(network.host(ip("10.0.9.1")), ip("10.0.9.1"), ip(us), chain, liar("answers nothing at all"))
        const moments = yield* watch("a better peer that never answers", node, 50)
        const dropped = ((node.of("SyncBlamed")[0]?.at ?? 0) - startOfTime) / 1_000 - 1
        assert.isFalse(moments.some(({ s, synced }) => synced && s < dropped), JSON.stringify(moments))
        assert.strictEqual(moments.at(-1)?.line, "height 0, 1 peer, in sync")
      })))

  it.effect(
    "a link that loses 15 % both ways: in sync only at the peer's tip",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(2_000)
          // What a stream is like when every seventh packet is sent again: it comes late, in bursts, at a fraction of the pace.
          yield* network.setLink(ip("10.0.1.1"), ip(us), { latency: 50, jitter: 1_000, bandwidth: 20_000 })
          const node = yield* start(us, { chain: [] })
          yield* start("10.0.1.1", { chain, peers: [us] })
          while (node.of("Up").length === 0) yield* TestClock.adjust(100)
          const moments = yield* watch("15 % loss both ways", node, 240)
          assert.isFalse(
            moments.some(({ line, synced }) => synced && !line.startsWith("height 2000")),
            JSON.stringify(moments)
          )
          assert.strictEqual(moments.at(-1)?.line, "height 2000, 1 peer, in sync")
          assert.deepStrictEqual(node.of("SyncBlamed"), [])
        })),
    60_000
  )

  it.effect("left behind on a branch deeper than the reorg limit, on both sides of the fork", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const common = yield* make(1)
        const longer = [...common, ...yield* make(101, "10.6.6.6", common)]
        const shorter = [...common, ...yield* make(100, "10.7.7.7", common)]
        const node = yield* start(us, { chain: shorter, settled: true })
        const other = yield* start("10.0.1.1", { chain: longer, peers: [us], settled: true })
        yield* TestClock.adjust("2 seconds")
        const moments = yield* watch("too deep: 101 of ours against 102", node, 120)
        const last = moments.at(-1)
        // Exactly at the limit it is followed: one block more is too deep.
        assert.strictEqual(last?.line, "height 102, 1 peer, in sync")
        assert.isTrue((yield* other.sync.report).synced)
      })))

  it.effect("left behind by one block more than the limit: said once in the log, and in flag and status with the cure", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const longer = yield* make(102, "10.6.6.6")
        const shorter = yield* make(101, "10.7.7.7")
        const node = yield* start(us, { chain: shorter, settled: true })
        const other = yield* start("10.0.1.1", { chain: longer, peers: [us], settled: true })
        yield* TestClock.adjust("2 seconds")
        const moments = yield* watch("too deep: 101 blocks of ours since genesis", node, 400)
        assert.isFalse(moments.some(({ mayProduce, synced }) => synced || mayProduce), JSON.stringify(moments))
        assert.strictEqual(
          moments[0]?.line,
          "height 101, 1 peer, not synced, left behind: 10.0.1.1 has a better chain of height 102 that leaves ours at height 0, " +
            "101 blocks deep, more than a reorganisation may replace; if that is the network's chain, stop the node and run " +
            "\"timemesh chain rewind 0\""
        )
        assert.strictEqual((yield* node.sync.report).peers[0]?.height, 102)
        assert.strictEqual(node.of("LeftBehind").length, 1)
        assert.strictEqual((yield* other.sync.report).line, "height 102, 1 peer, in sync")
        assert.deepStrictEqual([downs(node), downs(other)], [[], []])
      })))

  it.effect("equal tips: the lower hash is the chain on both sides within seconds", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const common = yield* make(30)
        const left = [...common, ...yield* make(5, "10.6.6.6", common)]
        const right = [...common, ...yield* make(5, "10.7.7.7", common)]
        const nodes = [
          yield* start(us, { chain: left, settled: true }),
          yield* start("10.0.1.1", { chain: right, peers: [us], settled: true })
        ]
        yield* TestClock.adjust("5 seconds")
        const tips = yield* Effect.forEach(nodes, (node) => Effect.map(node.sync.report, ({ tip }) => tip.hash))
        const best = [left.at(-1)?.hash ?? "", right.at(-1)?.hash ?? ""].toSorted()[0]
        assert.deepStrictEqual(tips, [best, best])
        for (const node of nodes) {
          const lines = (yield* watch("equal tips", node, 5)).map(({ line }) => line)
          assert.deepStrictEqual([...new Set(lines)], ["height 35, 1 peer, in sync"])
        }
      })))

  it.effect(
    "a clock that is 600 s behind: not synced, how much and against how many; the headers are not fetched again and again",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const now = ChainParams.dueAt(devnet, 4_000)
          yield* TestClock.setTime((now - 600) * 1_000)
          const chain = yield* make(4_000)
          const node = yield* start(us, { chain: [] })
          let asked = 0
          for (let n = 1; n <= 3; n++) {
            const counted: Liar = {
              ...honestly,
              lie: (message) => {
                if (message._tag === "GetHeaders") asked += 1
                return undefined
              }
            }
            yield* connect(network.host(ip(`10.0.9.${n}`)), ip(`10.0.9.${n}`), ip(us), chain, counted)
          }
          yield* TestClock.adjust("10 seconds")
          const before = asked
          const moments = yield* watch("this clock is 600 s behind", node, 60)
          for (const { line, mayProduce, synced } of moments) {
            assert.match(
              line,
              /^height \d+, 3 peers, not synced: this clock is 5\d\d s behind 3 of 3 peers; set it right$/
            )
            assert.deepStrictEqual([synced, mayProduce], [false, false])
          }
          assert.deepStrictEqual((yield* node.sync.report).peers.map(({ height }) => height), [4_000, 4_000, 4_000])
          // What an operator is told of each of them.
          const [peer] = (yield* node.sync.report).peers
          assert.isAtLeast(peer?.clockBehindS ?? 0, 500)
          const why = yield* node.state.why(ip("10.0.9.1"), peer?.clockBehindS)
          assert.strictEqual(why.situation, "clock")
          assert.match(
            why.text,
            /^Connected for .* Its next block is 5\d\d s ahead of this node's clock.* To do: set the clock of this host/
          )
          // One small request per peer each time a header may have become due.
          assert.isAtMost(asked - before, 3 * (60_000 / Limits.futureRetryMs + 2))
          assert.deepStrictEqual(node.of("SyncBlamed"), [])
          // What such a node takes for proof of a lie, it keeps to itself.
          const pushed = [{ _tag: "NewBlock", block: Uint8Array.of(1, 2, 3) }] as const
          const liar: Liar = { ...honestly, first: () => pushed }
          yield* connect(network.host(ip("10.0.9.9")), ip("10.0.9.9"), ip(us), chain, liar)
          yield* TestClock.adjust("5 seconds")
          assert.deepStrictEqual(node.of("SyncBlamed").map((event) => event.ip), [ip("10.0.9.9")])
          assert.deepStrictEqual(node.of("Offence"), [])
        })),
    30_000
  )

  it.effect(
    "a link of 1,000 B/s: headers and blocks come, slowly; the peer is neither dropped nor called silent",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(400)
          yield* network.setLink(ip("10.0.1.1"), ip(us), { bandwidth: 1_000 })
          const node = yield* start(us, { chain: [] })
          const peer = yield* start("10.0.1.1", { chain, peers: [us] })
          yield* TestClock.adjust("1 second")
          const moments = yield* watch("a link of 1,000 B/s", node, 420)
          assert.strictEqual(moments.at(-1)?.line, "height 400, 1 peer, in sync")
          assert.isFalse(
            moments.some(({ line, synced }) => synced && !line.startsWith("height 400")),
            JSON.stringify(moments)
          )
          assert.deepStrictEqual([downs(node), downs(peer)], [[], []])
          assert.deepStrictEqual(node.of("SyncBlamed"), [])
        })),
    60_000
  )

  it.effect("the peer that a node caught up from is told so: it shows the node's height", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(500)
        const source = yield* start("10.0.1.1", { chain })
        yield* start(us, { chain: [], peers: ["10.0.1.1"] })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual((yield* source.sync.report).peers.map(({ height }) => height), [500])
      })))
})
