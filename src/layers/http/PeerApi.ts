/** Peers and bans in the admin API. Shapes and units as in `AdminApi`. */
import { Schema } from "effect"

export const SentReceived = Schema.Struct({ sent: Schema.Int, received: Schema.Int })

/** `domain/DisconnectReason`. Kinds are open: a newer node may send more. */
const Reason = Schema.Struct({
  kind: Schema.String,
  by: Schema.Literals(["local", "remote"]),
  reject: Schema.optional(Schema.String),
  detail: Schema.optional(Schema.String)
})

const Connection = Schema.Struct({
  id: Schema.Int,
  direction: Schema.Literals(["inbound", "outbound"]),
  /** `native`, or `time`. Open, like every name here. */
  wire: Schema.optional(Schema.String),
  /** `plain`, or the TLS version, such as `TLSv1.3`. */
  transport: Schema.optional(Schema.String),
  role: Schema.Literals(["lower", "higher"]),
  /** The initiator's `IP:port`, the same at both ends. */
  socket: Schema.String,
  ephemeralPort: Schema.Int,
  since: Schema.Int,
  upMs: Schema.optional(Schema.Int),
  /** Time since the last byte arrived. */
  lastByteMs: Schema.optional(Schema.Int),
  /** Time since the oldest ping that no byte has answered. */
  pingUnansweredMs: Schema.optional(Schema.Int),
  rtt: Schema.optional(Schema.Struct({
    // Finite: versions before 0.2 sent fractions.
    smoothedMs: Schema.Finite,
    leastMs: Schema.Finite,
    lastMs: Schema.Finite,
    smoothedMicros: Schema.optional(Schema.Int)
  })),
  bytes: SentReceived,
  messages: SentReceived,
  pings: SentReceived,
  pongs: SentReceived,
  queuedBytes: Schema.Int
})

/** A peer as `services/Sync` reports it. `height`: of its chain; `blocks`: ours that it sent; `use`: for a person. */
export const PeerSync = Schema.Struct({ height: Schema.Int, blocks: Schema.Int, use: Schema.String })

const Direction = Schema.Literals(["inbound", "outbound"])

/** One row of the peer table, as `domain/peer/PeerRecord`, with its explanation, as `domain/peer/Explanation`. */
export const Peer = Schema.Struct({
  ip: Schema.String,
  port: Schema.optional(Schema.Int),
  source: Schema.String,
  connection: Schema.optional(Connection),
  attempts: Schema.Int,
  expected: Schema.Literals(["us", "them", "either", "nobody"]),
  nextAttemptAt: Schema.optional(Schema.Int),
  last: Schema.optional(Schema.Struct({ at: Schema.Int, reason: Reason, wasUp: Schema.Boolean })),
  lastDown: Schema.optional(Schema.Struct({ at: Schema.Int, reason: Reason, upMs: Schema.Int })),
  lastAttempt: Schema.optional(
    Schema.Struct({
      at: Schema.Int,
      reason: Reason,
      direction: Direction,
      reached: Schema.String,
      port: Schema.optional(Schema.Int)
    })
  ),
  /** Optional, like every field that was added later: an older node does not send it. */
  shortUps: Schema.optional(Schema.Int),
  restarts: Schema.optional(Schema.Int),
  /** Its connections that dropped although both processes were healthy, since the start: the peers' sum is at most `stats.flaps` of `/status`. */
  flaps: Schema.optional(Schema.Int),
  inUseRefusals: Schema.optional(Schema.Int),
  mayDial: Schema.optional(Schema.Boolean),
  dialPort: Schema.optional(Schema.Int),
  /** `domain/peer/Situation`. Open: a newer node may send more. */
  situation: Schema.optional(Schema.String),
  cause: Schema.optional(Schema.String),
  fix: Schema.optional(Schema.String),
  failures: Schema.Int,
  software: Schema.optional(Schema.String),
  /** The wire that the peer used when it was last up, as `Connection.wire`. */
  speaks: Schema.optional(Schema.String),
  /** The peer's known key, as in `domain/peer/Pins`; absent over the plain transport, and before the first contact. States are open. */
  pin: Schema.optional(Schema.Struct({
    state: Schema.String,
    key: Schema.optional(Schema.String),
    since: Schema.optional(Schema.Int)
  })),
  tip: Schema.optional(Schema.Struct({ height: Schema.Int, hash: Schema.String })),
  capabilities: Schema.Int,
  aliasOf: Schema.optional(Schema.String),
  ups: Schema.Int,
  lastGoodAt: Schema.optional(Schema.Int),
  /** How sync uses the peer; absent when either side keeps no chain. */
  sync: Schema.optional(PeerSync)
})
export type Peer = typeof Peer.Type

/** `GET /peers`. */
export const Peers = Schema.Struct({
  /** The node's wall time when the table was read. */
  at: Schema.Int,
  /** Connections up, counted by events: Ups less Downs. Equals the number of rows with a `connection`. */
  open: Schema.Int,
  /** By numeric IP. */
  peers: Schema.Array(Peer)
})
export type Peers = typeof Peers.Type

/** `GET /why/IP`, for any address, known or not. */
export const Why = Schema.Struct({
  ip: Schema.String,
  state: Schema.Literals(["connected", "connecting", "waiting", "alias", "own-address", "unknown"]),
  /** As in `Peer`. */
  situation: Schema.optional(Schema.String),
  cause: Schema.optional(Schema.String),
  fix: Schema.optional(Schema.String),
  text: Schema.String,
  record: Schema.optional(Peer),
  /** Its latest Ups, Downs and failed attempts, at most 50, oldest first; as in `domain/pair/PairPast`. */
  past: Schema.optional(Schema.Array(Schema.Struct({
    at: Schema.Int,
    what: Schema.Literals(["up", "down", "attempt"]),
    connection: Schema.Int,
    direction: Direction,
    reason: Schema.optional(Reason),
    upMs: Schema.optional(Schema.Int)
  }))),
  /** Offences that no honest peer commits, oldest first. */
  offences: Schema.optional(Schema.Array(Schema.Struct({
    kind: Schema.String,
    detail: Schema.String,
    /** Times in a row. */
    times: Schema.Finite,
    agoMs: Schema.Finite
  })))
})
export type Why = typeof Why.Type

/** A ban, as in `services/ConnectionManager`. */
export const Ban = Schema.Struct({
  /** An address, or a block such as `203.0.113.0/24`. */
  subnet: Schema.String,
  since: Schema.Finite,
  until: Schema.Finite,
  leftMs: Schema.Finite,
  by: Schema.Literals(["operator", "score"]),
  /** For a person; absent where none was given. */
  reason: Schema.optional(Schema.String)
})
export type Ban = typeof Ban.Type

/** `GET /bans`, by address. */
export const Bans = Schema.Struct({
  /** The node's wall time when the list was read. */
  at: Schema.Finite,
  bans: Schema.Array(Ban)
})
export type Bans = typeof Bans.Type

/** The request's text is not an address. `message` says how to write one. */
export class BadAddress extends Schema.TaggedError<BadAddress>()("BadAddress", { message: Schema.String }, {
  httpApiStatus: 400
}) {}

/** There is no such ban. `message` names the one that may be meant. */
export class NoBan extends Schema.TaggedError<NoBan>()("NoBan", { message: Schema.String }, {
  httpApiStatus: 404
}) {}

/** Nothing has happened with that address, or it is forgotten. */
export class NoTrace extends Schema.TaggedError<NoTrace>()("NoTrace", { message: Schema.String }, {
  httpApiStatus: 404
}) {}
