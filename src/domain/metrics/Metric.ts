/**
 * A node's metrics in one table: names, kinds, labels and descriptions. `GET /metrics` serves them; alert rules and the dashboard may use
 * no others.
 *
 * **Units**: seconds and bytes, as is usual in Prometheus. **Cardinality**: each label has a closed set of values, so a node has a few
 * hundred series whatever its peers do. No label is an address.
 */

export type Kind = "counter" | "gauge" | "histogram"

export interface Definition {
  readonly kind: Kind
  readonly help: string
  readonly labels: ReadonlyArray<string>
}

const gauge = (help: string, ...labels: ReadonlyArray<string>): Definition => ({ kind: "gauge", help, labels })
const counter = (help: string, ...labels: ReadonlyArray<string>): Definition => ({ kind: "counter", help, labels })

export const definitions = {
  timemesh_build_info: gauge("Always 1; what runs", "software", "network"),
  timemesh_uptime_seconds: gauge("Time since the start"),
  timemesh_ok: gauge("1: no problem needs an operator, as in the verdict of timemesh status; else 0"),
  timemesh_ready: gauge(
    "1: a peer is connected and the chain is as good as the best peer's, as in /health/ready; else 0"
  ),
  // Peers.
  timemesh_peers: gauge("Connections that are up", "direction", "wire"),
  timemesh_max_peers: gauge("Peer limit, configured peers not counted"),
  timemesh_known_peers: gauge("Addresses in the peer table by situation, as timemesh why has it", "situation"),
  timemesh_book_addresses: gauge("Addresses in the peer book", "table"),
  timemesh_bans: gauge("Addresses that are banned now"),
  // Connections, since the start.
  timemesh_ups_total: counter("Connections that came up"),
  timemesh_downs_total: counter("Connections that went down, by reason", "reason"),
  timemesh_flaps_total: counter("Connections that dropped although both processes were well; the goal is 0"),
  timemesh_refused_total: counter("Sockets and dials that never came up, by reason", "reason"),
  timemesh_dials_total: counter("Dials that began"),
  timemesh_dial_failures_total: counter("Dials that failed, by whose fault it was", "fault"),
  timemesh_accept_failures_total: counter("Times that no socket could be accepted for want of file descriptors"),
  timemesh_turned_away_total: counter("Sockets of banned addresses, closed when they were accepted"),
  timemesh_offences_total: counter("What peers did that no honest peer does"),
  timemesh_evictions_total: counter("Connections that this node, full, ended for another peer's sake"),
  timemesh_unknown_frames_total: counter("Frames of unknown kinds, skipped"),
  // Traffic.
  timemesh_bytes_total: counter("Bytes of all connections", "way"),
  timemesh_messages_total: counter("Messages by type, of all connections, handshakes included", "wire", "way", "type"),
  timemesh_message_bytes_total: counter("Bytes of messages by type, with their frames", "wire", "way", "type"),
  timemesh_pings_total: counter("Pings, by the direction of the connection", "way", "direction"),
  timemesh_pongs_total: counter("Answers to pings, by the direction of the connection", "way", "direction"),
  timemesh_rtt_seconds: { kind: "histogram", help: "Round trips of pings", labels: [] },
  timemesh_outbox_bytes: gauge("Bytes that wait to be sent, of all peers"),
  timemesh_outbox_largest_bytes: gauge("Bytes that wait to be sent to the peer that reads slowest"),
  timemesh_quietest_peer_seconds: gauge("Time since the last byte of the connected peer that was silent longest"),
  timemesh_queue_length: gauge(
    "What waits: sockets without a Hello, dials in flight and dials that wait, messages for the application, requests of peers",
    "queue"
  ),
  // The chain.
  timemesh_chain_height: gauge("Height of the chain"),
  timemesh_chain_headers_height: gauge("Height of the best header chain known"),
  timemesh_chain_best_peer_height: gauge("Height of the best chain that a peer announces"),
  timemesh_chain_behind_blocks: gauge("Blocks by which the chain is behind the best peer's"),
  timemesh_chain_synced: gauge("1: no connected peer announces a better chain; else 0"),
  timemesh_chain_storing: gauge("1: the store takes blocks; 0: it refuses them, and the verdict says why"),
  timemesh_chain_blocks_added_total: counter("Blocks by which the chain grew"),
  timemesh_chain_reorgs_total: counter("Reorganisations of the chain"),
  timemesh_sync_waiting_blocks: gauge("Block bodies in memory"),
  timemesh_sync_waiting_bytes: gauge("Bytes of block bodies in memory"),
  timemesh_sync_sources: gauge("Peers that announce a chain"),
  timemesh_store_seconds: {
    kind: "histogram",
    help: "Operations of the chain's store and of the peer book's, queueing for the database included",
    labels: ["store", "operation"]
  },
  timemesh_masternodes: gauge("Masternodes, by state and tier", "state", "tier"),
  // The process.
  timemesh_loop_lag_seconds_total: counter("Time for which the event loop stood still, in stalls beyond 100 ms"),
  timemesh_loop_lag_max_seconds: gauge("Longest such stall since the start"),
  timemesh_log_lines_dropped_total: counter("Log lines that the log's output did not take"),
  timemesh_resident_memory_bytes: gauge("Resident memory of the process"),
  timemesh_heap_used_bytes: gauge("Bytes of the JavaScript heap in use"),
  timemesh_cpu_seconds_total: counter("Processor time of the process, user and system"),
  timemesh_traced_pairs: gauge("Pairs of which the flight recorder has steps"),
  timemesh_trace_bytes: gauge("Memory of the flight recorder, estimated")
} as const satisfies Readonly<Record<string, Definition>>

export type Name = keyof typeof definitions

export const names = Object.keys(definitions) as ReadonlyArray<Name>

/** The current value of one series. `histogram`: `value` is the sum, `buckets` the cumulative counts up to each bound, `count` the total count. */
export interface Sample {
  readonly name: Name
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly histogram?: {
    readonly count: number
    readonly min: number
    readonly max: number
    readonly buckets: ReadonlyArray<readonly [bound: number, count: number]>
  }
}
