/**
 * The admin API of a running node: JSON over HTTP, defined once for server and client.
 *
 * **Units**: times are wall time in ms, durations ms, all integers. **Shapes**: a field that is unknown or does not apply is absent,
 * never null. A refused request is answered with an object that has a `message`. New versions add fields and never change one; clients
 * ignore fields that they do not know.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { proofs, states, tiers } from "../../domain/masternode/Masternode.ts"
import { networkNames } from "../../domain/Network.ts"
import { PairTraceFile } from "../../domain/pair/PairTraceFile.ts"
import * as AccessApi from "./AccessApi.ts"
import * as CommandsApi from "./CommandsApi.ts"
import * as EventsApi from "./EventsApi.ts"
import * as HealthApi from "./HealthApi.ts"
import * as InsightApi from "./InsightApi.ts"
import { BadAddress, Bans, NoTrace, Peers, PeerSync, Why } from "./PeerApi.ts"
import { tidyOpenApi } from "./tidyOpenApi.ts"

const ByDirection = Schema.Struct({ inbound: Schema.Int, outbound: Schema.Int })
const Counts = Schema.Record(Schema.String, Schema.Int)

/** The node's chain, as `services/Sync` reports it. */
const Chain = Schema.Struct({
  height: Schema.Int,
  /** The tip's hash, 64 hex digits. */
  hash: Schema.String,
  /** Height of the best header chain known. */
  headers: Schema.Int,
  synced: Schema.Boolean,
  /** What sync is doing, one line for a person. */
  line: Schema.String,
  /** Reorgs since the start. */
  reorgs: Schema.Int,
  /** Bodies in memory, waiting for earlier ones or for the disk. */
  waiting: Schema.Struct({ blocks: Schema.Int, bytes: Schema.Int }),
  peers: Schema.Array(Schema.Struct({ ip: Schema.String, ...PeerSync.fields }))
})
export type Chain = typeof Chain.Type

/** Number of masternodes per tier. */
const ByTier = Schema.Struct({
  free: Schema.Finite,
  bronze: Schema.Finite,
  silver: Schema.Finite,
  gold: Schema.Finite
})
const ByState = Schema.Struct({ live: ByTier, known: ByTier, expired: ByTier })
const Outpoint = Schema.Struct({ txid: Schema.String, vout: Schema.Finite })

/** One masternode per IP, as in `domain/masternode/MasternodeReport`. */
const Masternode = Schema.Struct({
  ip: Schema.String,
  /** Public Ed25519 key, 64 hex digits. */
  key: Schema.String,
  /** Port on which it claims to listen; 0: it does not listen. */
  port: Schema.Finite,
  /** The claimed tier: a paid tier's collateral is not checked. */
  tier: Schema.Literals(tiers),
  /** `live`: connected to this node, or seen by enough witnesses recently. */
  state: Schema.Literals(states),
  /** How well it is proven that the key is at this IP: `told` by TIME peers, `announced` by the host itself, `signed`, `proved` on a connection. */
  proof: Schema.Literals(proofs),
  isConnected: Schema.Boolean,
  isSelf: Schema.Boolean,
  /** Number of netgroups whose peers see it. */
  witnesses: Schema.Finite,
  /** Wall time of its latest signed announcement, by its own clock. If it signed none: when this node last heard of it, by this node's clock. */
  announcedAt: Schema.Finite,
  collateral: Schema.optional(Outpoint),
  /** Another key claims the same IP. */
  isContested: Schema.Boolean
})

/** `GET /masternodes`. */
export const Masternodes = Schema.Struct({
  /** The node's wall time when the registry was read. */
  at: Schema.Finite,
  counts: ByState,
  /** By numeric IP. */
  masternodes: Schema.Array(Masternode),
  /** Contradictory claims, as sentences. */
  conflicts: Schema.Array(Schema.String)
})
export type Masternodes = typeof Masternodes.Type

/** This node keeps no registry of masternodes. */
export class NoMasternodes extends Schema.TaggedError<NoMasternodes>()("NoMasternodes", { message: Schema.String }, {
  httpApiStatus: 404
}) {}

/** `GET /status`. */
export const Status = Schema.Struct({
  network: Schema.Literals(networkNames),
  listen: Schema.String,
  advertise: Schema.optional(Schema.String),
  own: Schema.optional(InsightApi.OwnAddress),
  software: Schema.String,
  pid: Schema.Int,
  startedAt: Schema.Int,
  uptimeMs: Schema.Int,
  /** Peers known, and how many of them are connected. Addresses that are not separate peers are in `apart`. */
  known: Schema.Int,
  connected: Schema.Int,
  /** Why the others are not connected, most frequent cause first. */
  missing: Schema.optional(Schema.Array(Schema.Struct({
    situation: Schema.String,
    peers: Schema.Int,
    /** One such peer. */
    example: Schema.String,
    cause: Schema.String,
    fix: Schema.optional(Schema.String)
  }))),
  /** Connections that are up and in trouble, by `situation`: `quiet`, `clock`, `restarts`, `flaps`. */
  troubled: Schema.optional(Counts),
  /** Connections that are up, by wire, by transport, and by how the peer's key is known: names as in `Peer`. */
  links: Schema.optional(Schema.Struct({ wires: Counts, transports: Counts, pins: Counts })),
  /** Addresses that are not separate peers, by `situation`: this node's own, aliases, those that moved, of a family that this host lacks. */
  apart: Schema.optional(Counts),
  /** Whether the node is healthy, and what to do if not. */
  verdict: Schema.optional(HealthApi.Verdict),
  /** One sentence for a person. */
  state: Schema.String,
  /** Absent on a node without a chain. */
  chain: Schema.optional(Chain),
  /** Absent on a node that keeps no registry of masternodes. */
  masternodes: Schema.optional(ByState),
  /** Log lines dropped since the start because the log's output did not take them. */
  logLinesDropped: Schema.optional(Schema.Int),
  /** Totals since the start, as in `domain/NodeEvent.NodeStats`. */
  stats: Schema.Struct({
    ups: Schema.Int,
    downs: Schema.Int,
    downsByReason: Counts,
    refused: Schema.Int,
    refusedByReason: Counts,
    dials: Schema.Int,
    dialsFailed: Schema.Int,
    pings: Schema.Struct({ sent: ByDirection, received: ByDirection }),
    pongs: Schema.Struct({ sent: ByDirection, received: ByDirection }),
    acceptsFailed: Schema.optional(Schema.Int),
    unknownFrames: Schema.Int,
    /** Offences that no honest peer commits, plus sockets of banned addresses closed when they were accepted. */
    offences: Schema.optional(Schema.Int),
    turnedAway: Schema.optional(Schema.Int),
    /** Connections that this node, at its peer limit, evicted for another peer. */
    evictions: Schema.optional(Schema.Int),
    /** Failed dials by `DialFault`. */
    dialFaults: Schema.optional(Counts),
    /** Connections that dropped although both processes were healthy: the goal is 0. */
    flaps: Schema.optional(Schema.Int),
    blocksAdded: Schema.optional(Schema.Int),
    maxLagMs: Schema.Finite,
    lagMs: Schema.optional(Schema.Int)
  })
})
export type Status = typeof Status.Type

const group = HttpApiGroup.make("node", { topLevel: true }).annotate(OpenApi.Description, "The node and its peers").add(
  HttpApiEndpoint.get("status", "/status", { success: Status }).annotate(
    OpenApi.Summary,
    "The node: identity, verdict, peers by cause, chain, totals"
  ),
  HttpApiEndpoint.get("peers", "/peers", { success: Peers }).annotate(
    OpenApi.Summary,
    "Every known address, with its connection or why there is none"
  ),
  HttpApiEndpoint.get("masternodes", "/masternodes", { success: Masternodes, error: NoMasternodes }).annotate(
    OpenApi.Summary,
    "The registry of masternodes"
  ),
  HttpApiEndpoint.get("why", "/why/:ip", { params: { ip: Schema.String }, success: Why, error: BadAddress }).annotate(
    OpenApi.Summary,
    "Why the node is, or is not, connected to an address, with its last 50 Ups, Downs and attempts"
  ),
  /** The last steps of the pair machine for that address. */
  HttpApiEndpoint.get("trace", "/trace/:ip", {
    params: { ip: Schema.String },
    success: PairTraceFile,
    error: [BadAddress, NoTrace]
  }).annotate(OpenApi.Summary, "The last steps of the pair machine for an address, as timemesh replay reads them"),
  /** The text that `timemesh trace` prints, for programs without the domain's code. */
  HttpApiEndpoint.get("story", "/story/:ip", {
    params: { ip: Schema.String },
    success: Schema.Struct({ ip: Schema.String, lines: Schema.Array(Schema.String) }),
    error: [BadAddress, NoTrace]
  }).annotate(OpenApi.Summary, "The same steps as lines for a person"),
  HttpApiEndpoint.get("bans", "/bans", { success: Bans }).annotate(OpenApi.Summary, "Bans in force")
).middleware(AccessApi.Reading)

export class AdminApi extends HttpApi.make("timemesh-admin")
  .add(group, CommandsApi.group, HealthApi.live, HealthApi.group, EventsApi.group, InsightApi.group)
  .annotate(OpenApi.Title, "timemesh admin API")
  .annotate(OpenApi.Version, "1")
  .annotate(OpenApi.License, { name: "MIT", identifier: "MIT" })
  .annotate(OpenApi.Servers, [{ url: "/", description: "The node that serves this document" }])
  .annotate(OpenApi.Transform, tidyOpenApi)
  .annotate(
    OpenApi.Description,
    "A running node: its health, peers and chain, and commands. Times are wall time in ms, durations ms. A field that does not apply is absent."
  )
{}
