/**
 * The admin API of a running node: JSON over HTTP, defined once for server and client.
 *
 * **Units**: times are wall time in ms, durations ms. **Shapes**: an absent field is unknown. Versions add fields and never
 * change one.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { networkNames } from "../../domain/Network.ts"

const SentReceived = Schema.Struct({ sent: Schema.Finite, received: Schema.Finite })
const ByDirection = Schema.Struct({ inbound: Schema.Finite, outbound: Schema.Finite })
const Counts = Schema.Record(Schema.String, Schema.Finite)

/** `domain/DisconnectReason`. Kinds are open: a newer node may send more. */
const Reason = Schema.Struct({
  kind: Schema.String,
  by: Schema.Literals(["local", "remote"]),
  reject: Schema.optional(Schema.String),
  detail: Schema.optional(Schema.String)
})

const Connection = Schema.Struct({
  id: Schema.Finite,
  direction: Schema.Literals(["inbound", "outbound"]),
  role: Schema.Literals(["lower", "higher"]),
  /** The initiator's `IP:port`, the same at both ends. */
  socket: Schema.String,
  ephemeralPort: Schema.Finite,
  since: Schema.Finite,
  rtt: Schema.optional(Schema.Struct({
    smoothedMs: Schema.Finite,
    leastMs: Schema.Finite,
    lastMs: Schema.Finite
  })),
  bytes: SentReceived,
  messages: SentReceived,
  pings: SentReceived,
  pongs: SentReceived,
  queuedBytes: Schema.Finite
})

/** A peer as `services/Sync` reports it. `height`: of its chain; `blocks`: of ours that it sent; `use`: for a person. */
const PeerSync = Schema.Struct({ height: Schema.Finite, blocks: Schema.Finite, use: Schema.String })

/** The node's chain, as `services/Sync` reports it. */
const Chain = Schema.Struct({
  height: Schema.Finite,
  /** Of the tip, 64 hex digits. */
  hash: Schema.String,
  /** Height of the best header chain known. */
  headers: Schema.Finite,
  synced: Schema.Boolean,
  /** What sync is doing, one line for a person. */
  line: Schema.String,
  /** Since the start. */
  reorgs: Schema.Finite,
  /** Bodies in memory, waiting for earlier ones or for the disk. */
  waiting: Schema.Struct({ blocks: Schema.Finite, bytes: Schema.Finite }),
  peers: Schema.Array(Schema.Struct({ ip: Schema.String, ...PeerSync.fields }))
})
export type Chain = typeof Chain.Type

/** One row of the peer table, as `domain/peer/PeerRecord`. */
export const Peer = Schema.Struct({
  ip: Schema.String,
  port: Schema.optional(Schema.Finite),
  source: Schema.String,
  connection: Schema.optional(Connection),
  attempts: Schema.Finite,
  expected: Schema.Literals(["us", "them", "either", "nobody"]),
  nextAttemptAt: Schema.optional(Schema.Finite),
  last: Schema.optional(Schema.Struct({ at: Schema.Finite, reason: Reason, wasUp: Schema.Boolean })),
  failures: Schema.Finite,
  software: Schema.optional(Schema.String),
  tip: Schema.optional(Schema.Struct({ height: Schema.Finite, hash: Schema.String })),
  capabilities: Schema.Int,
  aliasOf: Schema.optional(Schema.String),
  ups: Schema.Finite,
  lastGoodAt: Schema.optional(Schema.Finite),
  /** How sync uses it; absent when it keeps no chain, or we do not. */
  sync: Schema.optional(PeerSync)
})
export type Peer = typeof Peer.Type

/** `GET /peers`. */
export const Peers = Schema.Struct({
  /** The node's wall time when the table was read. */
  at: Schema.Finite,
  /** Connections up, counted by events: Ups less Downs. Equals the number of rows with a `connection`. */
  open: Schema.Finite,
  /** By numeric IP. */
  peers: Schema.Array(Peer)
})
export type Peers = typeof Peers.Type

/** `GET /status`. */
export const Status = Schema.Struct({
  network: Schema.Literals(networkNames),
  listen: Schema.String,
  advertise: Schema.optional(Schema.String),
  software: Schema.String,
  pid: Schema.Finite,
  startedAt: Schema.Finite,
  uptimeMs: Schema.Finite,
  /** Peers in the table, and how many of them are connected. */
  known: Schema.Finite,
  connected: Schema.Finite,
  /** One sentence for a person. */
  state: Schema.String,
  /** Absent on a node without a chain. */
  chain: Schema.optional(Chain),
  /** Log lines dropped since the start, because the log's output did not take them. */
  logLinesDropped: Schema.optional(Schema.Finite),
  /** Totals since the start, as `domain/NodeEvent.NodeStats`. */
  stats: Schema.Struct({
    ups: Schema.Finite,
    downs: Schema.Finite,
    downsByReason: Counts,
    refused: Schema.Finite,
    refusedByReason: Counts,
    dials: Schema.Finite,
    dialsFailed: Schema.Finite,
    pings: Schema.Struct({ sent: ByDirection, received: ByDirection }),
    pongs: Schema.Struct({ sent: ByDirection, received: ByDirection }),
    // Optional, as every field that was added: an older node does not send it.
    acceptsFailed: Schema.optional(Schema.Finite),
    unknownFrames: Schema.Finite,
    maxLagMs: Schema.Finite
  })
})
export type Status = typeof Status.Type

/** `GET /why/IP`, for any address, known or not. */
export const Why = Schema.Struct({
  ip: Schema.String,
  state: Schema.Literals(["connected", "connecting", "waiting", "alias", "own-address", "unknown"]),
  text: Schema.String,
  record: Schema.optional(Peer)
})
export type Why = typeof Why.Type

/** The request's text is not an address. `message` says how to write one. */
export class BadAddress extends Schema.TaggedError<BadAddress>()("BadAddress", { message: Schema.String }, {
  httpApiStatus: 400
}) {}

const group = HttpApiGroup.make("node", { topLevel: true }).add(
  HttpApiEndpoint.get("status", "/status", { success: Status }),
  HttpApiEndpoint.get("peers", "/peers", { success: Peers }),
  HttpApiEndpoint.get("why", "/why/:ip", { params: { ip: Schema.String }, success: Why, error: BadAddress }),
  /** Adds an address; which end dials follows from the ranks. */
  HttpApiEndpoint.post("connect", "/connect", {
    payload: Schema.Struct({ address: Schema.String }),
    success: Why,
    error: BadAddress
  }),
  /** Closes the connection and stops dialling the peer until it is named again. */
  HttpApiEndpoint.post("disconnect", "/disconnect", {
    payload: Schema.Struct({ ip: Schema.String }),
    success: Schema.Struct({ disconnected: Schema.Boolean }),
    error: BadAddress
  }),
  /** For drills: cuts the node off from exactly these addresses, as `ConnectionManager.isolate`. An empty list ends that. */
  HttpApiEndpoint.post("isolate", "/isolate", {
    payload: Schema.Struct({ ips: Schema.Array(Schema.String) }),
    success: Schema.Struct({ isolated: Schema.Finite }),
    error: BadAddress
  })
)

export class AdminApi extends HttpApi.make("timemesh-admin").add(group) {}
