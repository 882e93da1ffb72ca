/** A node's metrics, derived from what it reports anyway: nothing is counted here. Pure. */
import * as Limits from "../Limits.ts"
import type { NodeStats } from "../NodeEvent.ts"
import type { PeerConnectionInfo, PeerRecord } from "../peer/PeerRecord.ts"
import type { MessageCount, Queues, StoreTime } from "./Counts.ts"
import type * as Histogram from "./Histogram.ts"
import type { Name, Sample } from "./Metric.ts"

/** The input of the metrics: the same reports that `status` and `peers` show. Times in ms. */
export interface Facts {
  readonly software: string
  readonly network: string
  readonly uptimeMs: number
  readonly verdict: { readonly isOk: boolean; readonly isReady: boolean }
  readonly maxPeers: number
  readonly stats: NodeStats
  readonly rows: ReadonlyArray<{ readonly situation: string; readonly record: PeerRecord | undefined }>
  /** Present on a node with a chain. */
  readonly sync: {
    readonly tip: { readonly height: number }
    readonly headers: number
    readonly target: number
    readonly synced: boolean
    /** Why blocks are not stored; absent while they are. */
    readonly halted?: unknown
    readonly reorgs: number
    readonly waiting: { readonly blocks: number; readonly bytes: number }
    readonly peers: ReadonlyArray<unknown>
    readonly requests: number
  } | undefined
  /** By state and tier, on a node that keeps a registry. */
  readonly masternodes: Readonly<Record<string, Readonly<Record<string, number>>>> | undefined
  readonly bans: number
  readonly sizes: {
    readonly book: { readonly new: number; readonly tried: number }
    readonly tracedPairs: number
    readonly traceBytes: number
  }
  readonly messages: ReadonlyArray<MessageCount>
  readonly queues: Queues
  readonly stores: ReadonlyArray<StoreTime>
  readonly logLinesDropped: number
  readonly process: { readonly residentBytes: number; readonly heapBytes: number; readonly cpuMs: number }
}

const one = (name: Name, value: number, labels: Sample["labels"] = {}): Sample => ({ name, labels, value })

const byLabel = (name: Name, label: string, counts: Readonly<Record<string, number>>): ReadonlyArray<Sample> =>
  Object.entries(counts).map(([value, count]) => one(name, count, { [label]: value }))

const directions = ["inbound", "outbound"] as const
const wires = ["native", "time"] as const
const ways = ["sent", "received"] as const

const connections = ({ rows }: Facts): ReadonlyArray<PeerConnectionInfo> =>
  rows.flatMap(({ record }) => record?.connection ?? [])

const ofPeers = (facts: Facts): ReadonlyArray<Sample> => {
  const up = connections(facts)
  const situations: Record<string, number> = {}
  for (const { situation } of facts.rows) situations[situation] = (situations[situation] ?? 0) + 1
  return [
    ...directions.flatMap((direction) =>
      wires.map((wire) =>
        one("timemesh_peers", up.filter((of) => of.direction === direction && of.wire === wire).length, {
          direction,
          wire
        })
      )
    ),
    one("timemesh_max_peers", facts.maxPeers),
    ...byLabel("timemesh_known_peers", "situation", situations),
    ...byLabel("timemesh_book_addresses", "table", facts.sizes.book),
    one("timemesh_bans", facts.bans)
  ]
}

const ofConnections = ({ stats }: Facts): ReadonlyArray<Sample> => [
  one("timemesh_ups_total", stats.ups),
  ...byLabel("timemesh_downs_total", "reason", stats.downsByReason),
  one("timemesh_flaps_total", stats.flaps),
  ...byLabel("timemesh_refused_total", "reason", stats.refusedByReason),
  one("timemesh_dials_total", stats.dials),
  ...byLabel("timemesh_dial_failures_total", "fault", stats.dialFaults),
  one("timemesh_accept_failures_total", stats.acceptsFailed),
  one("timemesh_turned_away_total", stats.turnedAway),
  one("timemesh_offences_total", stats.offences),
  one("timemesh_evictions_total", stats.evictions),
  one("timemesh_unknown_frames_total", stats.unknownFrames)
]

const seconds = (ms: number): number => ms / 1_000

const times = (
  name: Name,
  { buckets, count, maxMs, minMs, sumMs }: Histogram.Counts,
  boundsMs: ReadonlyArray<number>,
  labels: Sample["labels"] = {}
): Sample => ({
  ...one(name, seconds(sumMs), labels),
  histogram: {
    count,
    min: seconds(minMs),
    max: seconds(maxMs),
    buckets: boundsMs.map((most, i) => [seconds(most), buckets[i] ?? 0] as const)
  }
})

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

const byDirection = (name: Name, counts: NodeStats["pings"]): ReadonlyArray<Sample> =>
  ways.flatMap((way) => directions.map((direction) => one(name, counts[way][direction], { way, direction })))

const ofTraffic = (facts: Facts): ReadonlyArray<Sample> => {
  const { stats } = facts
  const up = connections(facts)
  const queued = up.map(({ queuedBytes }) => queuedBytes)
  return [
    ...ways.map((way) =>
      one("timemesh_bytes_total", stats.ended.bytes[way] + sum(up.map(({ bytes }) => bytes[way])), { way })
    ),
    ...facts.messages.map(({ messages, type, way, wire }) =>
      one("timemesh_messages_total", messages, { wire, way, type })
    ),
    ...facts.messages.map(({ bytes, type, way, wire }) =>
      one("timemesh_message_bytes_total", bytes, { wire, way, type })
    ),
    ...byDirection("timemesh_pings_total", stats.pings),
    ...byDirection("timemesh_pongs_total", stats.pongs),
    times("timemesh_rtt_seconds", stats.roundTrips, Limits.rttBucketsMs),
    ...byLabel("timemesh_queue_length", "queue", { ...facts.queues, requests: facts.sync?.requests ?? 0 }),
    one("timemesh_outbox_bytes", sum(queued)),
    one("timemesh_outbox_largest_bytes", Math.max(0, ...queued)),
    one("timemesh_quietest_peer_seconds", seconds(Math.max(0, ...up.map(({ lastByteMs }) => lastByteMs))))
  ]
}

const ofChain = ({ stats, sync }: Facts): ReadonlyArray<Sample> =>
  sync === undefined ? [] : [
    one("timemesh_chain_height", sync.tip.height),
    one("timemesh_chain_headers_height", sync.headers),
    one("timemesh_chain_best_peer_height", sync.target),
    one("timemesh_chain_behind_blocks", Math.max(0, sync.target - sync.tip.height)),
    one("timemesh_chain_synced", sync.synced ? 1 : 0),
    one("timemesh_chain_storing", sync.halted === undefined ? 1 : 0),
    one("timemesh_chain_blocks_added_total", stats.blocksAdded),
    one("timemesh_chain_reorgs_total", sync.reorgs),
    one("timemesh_sync_waiting_blocks", sync.waiting.blocks),
    one("timemesh_sync_waiting_bytes", sync.waiting.bytes),
    one("timemesh_sync_sources", sync.peers.length)
  ]

const ofStores = ({ stores }: Facts): ReadonlyArray<Sample> =>
  stores.map(({ operation, store, times: counts }) =>
    times("timemesh_store_seconds", counts, Limits.storeBucketsMs, { store, operation })
  )

const ofMasternodes = ({ masternodes = {} }: Facts): ReadonlyArray<Sample> =>
  Object.entries(masternodes).flatMap(([state, tiers]) =>
    Object.entries(tiers).map(([tier, count]) => one("timemesh_masternodes", count, { state, tier }))
  )

const ofProcess = ({ logLinesDropped, process, sizes, stats }: Facts): ReadonlyArray<Sample> => [
  one("timemesh_loop_lag_seconds_total", seconds(stats.lagMs)),
  one("timemesh_loop_lag_max_seconds", seconds(stats.maxLagMs)),
  one("timemesh_log_lines_dropped_total", logLinesDropped),
  one("timemesh_resident_memory_bytes", process.residentBytes),
  one("timemesh_heap_used_bytes", process.heapBytes),
  one("timemesh_cpu_seconds_total", seconds(process.cpuMs)),
  one("timemesh_traced_pairs", sizes.tracedPairs),
  one("timemesh_trace_bytes", sizes.traceBytes)
]

/** Every series of the node, grouped by metric. */
export const samplesOf = (facts: Facts): ReadonlyArray<Sample> => [
  one("timemesh_build_info", 1, { software: facts.software, network: facts.network }),
  one("timemesh_uptime_seconds", seconds(facts.uptimeMs)),
  one("timemesh_ok", facts.verdict.isOk ? 1 : 0),
  one("timemesh_ready", facts.verdict.isReady ? 1 : 0),
  ...ofPeers(facts),
  ...ofConnections(facts),
  ...ofTraffic(facts),
  ...ofChain(facts),
  ...ofStores(facts),
  ...ofMasternodes(facts),
  ...ofProcess(facts)
]
