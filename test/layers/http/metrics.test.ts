/** `/metrics`: every metric of the table, in Prometheus' format, and the same truth as `status`, `peers` and the commands. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as peersCommand from "../../../src/cli/peerTable.ts"
import * as statusCommand from "../../../src/cli/status.ts"
import * as Metric from "../../../src/domain/metrics/Metric.ts"
import { type Facts, samplesOf } from "../../../src/domain/metrics/samples.ts"
import type * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { Status } from "../../../src/layers/http/AdminApi.ts"
import * as MetricsPage from "../../../src/layers/http/MetricsPage.ts"
import { Peers } from "../../../src/layers/http/PeerApi.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { Sync, type SyncReport } from "../../../src/services/Sync.ts"
import { row, services, stats } from "../../harness/adminNode.ts"
import { adminOf, get, parse, total } from "../../harness/adminOf.ts"
import { ip, onMesh, type Running } from "../../harness/mesh.ts"
import { judge, promtool } from "../../harness/promtool.ts"

const facts: Facts = {
  software: "timemesh/test \"x\"",
  network: "devnet",
  uptimeMs: 1_500,
  verdict: { isOk: true, isReady: false },
  maxPeers: 125,
  stats,
  rows: [{ situation: "connected", record: row }, { situation: "no-answer", record: undefined }],
  sync: {
    tip: { height: 7 },
    headers: 9,
    target: 12,
    synced: false,
    reorgs: 2,
    waiting: { blocks: 3, bytes: 1_452 },
    peers: [{}, {}],
    requests: 5
  },
  masternodes: { live: { free: 1, gold: 2 } },
  bans: 4,
  sizes: { book: { new: 5, tried: 6 }, tracedPairs: 7, traceBytes: 8 },
  messages: [
    { wire: "native", way: "sent", type: "Ping", messages: 2, bytes: 26 },
    { wire: "time", way: "received", type: "GetBlocks", messages: 1, bytes: 24 }
  ],
  queues: { unidentified: 1, dialling: 2, dials: 3, application: 4 },
  stores: [{
    store: "chain",
    operation: "append",
    times: { buckets: [0, 1], count: 2, sumMs: 12_000, minMs: 1, maxMs: 11_999 }
  }],
  logLinesDropped: 9,
  process: { residentBytes: 10, heapBytes: 11, cpuMs: 12 }
}

describe("metrics", () => {
  it("have names and labels of Prometheus' kind", () => {
    for (const name of Metric.names) {
      const { help, kind, labels } = Metric.definitions[name]
      assert.match(name, /^timemesh(?:_[a-z]+)+$/)
      assert.strictEqual(name.endsWith("_total"), kind === "counter", name)
      assert.notMatch(help, /\.$/)
      for (const label of labels) assert.match(label, /^[a-z]+$/)
    }
  })

  it("are all given, with their labels and no others", () => {
    const samples = samplesOf(facts)
    assert.deepStrictEqual([...new Set(samples.map(({ name }) => name))].toSorted(), [...Metric.names].toSorted())
    const series = samples.map(({ labels, name }) => `${name} ${JSON.stringify(labels)}`)
    assert.strictEqual(new Set(series).size, series.length, "each series once")
    for (const { labels, name, value } of samples) {
      assert.deepStrictEqual(Object.keys(labels), [...Metric.definitions[name].labels], name)
      assert.isTrue(Number.isFinite(value), name)
    }
  })

  it("are in Prometheus' format, and its own judge finds nothing", (context) => {
    const text = MetricsPage.format(samplesOf(facts))
    const series = parse(text)
    assert.include(text, "timemesh_build_info{software=\"timemesh/test \\\"x\\\"\",network=\"devnet\"} 1\n")
    assert.strictEqual(series.get("timemesh_bytes_total{way=\"sent\"}"), stats.ended.bytes.sent + 1)
    assert.strictEqual(series.get("timemesh_peers{direction=\"inbound\",wire=\"native\"}"), 1)
    assert.strictEqual(series.get("timemesh_ok"), 1)
    assert.strictEqual(series.get("timemesh_ready"), 0)
    assert.strictEqual(series.get("timemesh_chain_behind_blocks"), 5)
    assert.strictEqual(series.get("timemesh_rtt_seconds_bucket{le=\"0.01\"}"), 1)
    assert.strictEqual(series.get("timemesh_rtt_seconds_bucket{le=\"+Inf\"}"), 2)
    assert.strictEqual(series.get("timemesh_rtt_seconds_sum"), 0.03)
    for (const name of Metric.names) assert.strictEqual(text.split(`# TYPE ${name} `).length, 2, name)
    if (promtool === undefined) return context.skip("promtool is not installed: apt install prometheus")
    assert.strictEqual(judge(["check", "metrics"], text), "")
  })

  it("have a few hundred series, whatever peers do", () => {
    const many = {
      ...facts,
      rows: Array.from(
        { length: 4_096 },
        (_, i) => ({ situation: "connected", record: { ...row, ip: ip(`10.0.${i >> 8}.${i & 255}`) } })
      )
    }
    assert.strictEqual(samplesOf(many).length, samplesOf(facts).length - 1)
    assert.isBelow(samplesOf(many).length, 400)
    assert.notInclude(MetricsPage.format(samplesOf(many)), "10.0.")
  })
})

// --- one state, several faces -------------------------------------------------------

const decodeStatus = Schema.decodeUnknownEffect(Schema.fromJsonString(Status))
const decodePeers = Schema.decodeUnknownEffect(Schema.fromJsonString(Peers))

/** Asks everything in one moment, and holds the answers against each other. Gives the metrics. */
const agree = Effect.fnUntraced(function*(node: Running, connected: number) {
  const metrics = yield* get(node, "/metrics")
  const series = parse(metrics)
  const status = yield* Effect.flatMap(get(node, "/status"), decodeStatus)
  const table = yield* Effect.flatMap(get(node, "/peers"), decodePeers)
  const rows = table.peers.filter(({ connection }) => connection !== undefined)
  assert.deepStrictEqual(
    {
      table: rows.length,
      open: table.open,
      status: status.connected,
      metrics: total(series, "timemesh_peers"),
      command: Number(/^peers +(\d+) connected/m.exec(statusCommand.render(status))?.[1]),
      peersCommand: peersCommand.render(table).split("\n").filter((line) => /  up(?:, .+)?$/.test(line)).length
    },
    {
      table: connected,
      open: connected,
      status: connected,
      metrics: connected,
      command: connected,
      peersCommand: connected
    }
  )
  assert.strictEqual(total(series, "timemesh_ups_total"), status.stats.ups)
  assert.strictEqual(total(series, "timemesh_downs_total"), status.stats.downs)
  assert.strictEqual(total(series, "timemesh_refused_total"), status.stats.refused)
  assert.strictEqual(total(series, "timemesh_flaps_total"), status.stats.flaps ?? 0)
  for (const [reason, count] of Object.entries(status.stats.downsByReason)) {
    assert.strictEqual(series.get(`timemesh_downs_total{reason="${reason}"}`), count)
  }
  const situations: Record<string, number> = {}
  for (const { situation = "" } of table.peers) situations[situation] = (situations[situation] ?? 0) + 1
  for (const [situation, count] of Object.entries(situations)) {
    assert.strictEqual(series.get(`timemesh_known_peers{situation="${situation}"}`), count)
  }
  for (const way of ["sent", "received"] as const) {
    for (const what of ["pings", "pongs"] as const) {
      for (const direction of ["inbound", "outbound"] as const) {
        assert.strictEqual(
          series.get(`timemesh_${what}_total{way="${way}",direction="${direction}"}`),
          status.stats[what][way][direction]
        )
      }
    }
  }
  return series
})

describe("status, peers, metrics and commands", () => {
  it.effect("name the same peer whose next block is ahead of this node's clock", () =>
    Effect.gen(function*() {
      const behind: SyncReport = {
        tip: { height: 5, hash: "ab" },
        headers: 5,
        synced: true,
        mayProduce: true,
        target: 5,
        line: "in sync",
        peers: [{ ip: row.ip, height: 6, blocks: 0, use: "idle", clockBehindS: 40 }],
        reorgs: 0,
        waiting: { blocks: 0, bytes: 0 },
        requests: 0
      }
      const of = services(() => Effect.void)
      const state = Layer.effect(
        PeerState,
        Effect.map(PeerState, (state) => ({
          ...state,
          explained: (clockBehindS: (ip: PeerIp.PeerIp) => number | undefined = () => undefined) =>
            Effect.map(state.explained(), (rows) =>
              rows.map((explained) => ({
                ...explained,
                situation: clockBehindS(explained.ip) === undefined ? explained.situation : "clock" as const
              })))
        }))
      )
      const chain = Layer.mock(Sync, { report: Effect.succeed(behind) })
      const node = yield* Layer.build(Layer.mergeAll(of, Layer.provide(state, of), chain))
      const admin = yield* adminOf({ services: node })
      const { peers } = yield* Effect.flatMap(admin.get("/peers"), decodePeers)
      assert.deepStrictEqual(peers.map(({ situation }) => situation), ["clock"])
      const series = parse(yield* admin.get("/metrics"))
      assert.strictEqual(series.get("timemesh_known_peers{situation=\"clock\"}"), 1)
      const { behindS } = yield* admin.client.clock
      assert.strictEqual(behindS, 40)
    }))

  it.effect("agree while nodes come, go, flap and are disconnected; counters never fall", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const [a, b, c] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
        assert(a !== undefined && b !== undefined && c !== undefined)
        const one = yield* start(a)
        let before: ReadonlyMap<string, number> = new Map()
        const look = Effect.fnUntraced(function*(connected: number) {
          const now = yield* agree(one, connected)
          for (const [key, value] of before) {
            if (/^timemesh_\w+_(?:total|bucket|count|sum)\b/.test(key)) assert.isAtLeast(now.get(key) ?? 0, value, key)
          }
          before = now
          return now
        })
        yield* look(0)
        const two = yield* start(b, { peers: [a] })
        yield* start(c, { peers: [a] })
        yield* TestClock.adjust("40 seconds")
        const up = yield* look(2)
        assert.isAbove(total(up, "timemesh_rtt_seconds_count"), 3)
        assert.isAbove(up.get("timemesh_bytes_total{way=\"received\"}") ?? 0, 200)

        // The line between two nodes that are both well is reset: a flap at both ends.
        yield* network.reset(ip(a), ip(b))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(total(yield* look(2), "timemesh_flaps_total"), 1)
        assert.strictEqual(total(yield* agree(two, 2), "timemesh_flaps_total"), 1)

        // A process that ends and comes again is none, whether it says so or not.
        yield* two.stop
        yield* look(1)
        yield* start(b, { peers: [a] })
        yield* TestClock.adjust("20 seconds")
        yield* look(2)
        yield* network.crash(ip(b))
        yield* start(b, { peers: [a] })
        yield* TestClock.adjust("60 seconds")
        assert.strictEqual(total(yield* look(2), "timemesh_flaps_total"), 1)

        // Nor is what an operator ends.
        assert.isTrue(yield* one.manager.disconnect(ip(c)))
        yield* look(1)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(total(yield* look(2), "timemesh_flaps_total"), 1)
      })))
})
