/** The services that the admin API asks, of a node put together by hand: one row, and a note of every call. */
import { Effect, Layer, Stream } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import type { MessageCount } from "../../src/domain/metrics/Counts.ts"
import { networks } from "../../src/domain/Network.ts"
import type { NodeStats } from "../../src/domain/NodeEvent.ts"
import type { OwnReport } from "../../src/domain/peer/OwnAddressText.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../src/domain/peer/PeerRecord.ts"
import type * as Situation from "../../src/domain/peer/Situation.ts"
import * as Subnet from "../../src/domain/peer/Subnet.ts"
import { type BanReport, ConnectionManager, InvalidPeer } from "../../src/services/ConnectionManager.ts"
import { NodeConfig } from "../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../src/services/NodeEvents.ts"
import { PeerState } from "../../src/services/PeerState.ts"

const ip = PeerIp.fromStringUnsafe
const both = { sent: { inbound: 1, outbound: 2 }, received: { inbound: 3, outbound: 4 } }
export const stats: NodeStats = {
  ups: 3,
  downs: 2,
  downsByReason: { EOF: 2 },
  refused: 1,
  refusedByReason: { "rejected: duplicate": 1 },
  dials: 4,
  dialsFailed: 1,
  dialFaults: { peer: 1 },
  flaps: 1,
  ended: { bytes: { sent: 10, received: 20 }, messages: { sent: 30, received: 40 } },
  roundTrips: { buckets: [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2], count: 2, sumMs: 30, minMs: 8, maxMs: 22 },
  blocksAdded: 5,
  pings: both,
  pongs: both,
  acceptsFailed: 0,
  unknownFrames: 0,
  offences: 0,
  turnedAway: 0,
  evictions: 6,
  maxLagMs: 1.5,
  lagMs: 2.5
}
export const row: PeerRecord = {
  ip: ip("127.0.0.2"),
  port: 24200,
  source: "configured",
  connection: {
    id: 1,
    direction: "inbound",
    wire: "native",
    transport: "plain",
    role: "lower",
    socket: "127.0.0.2:50000",
    ephemeralPort: 50_000,
    since: 1_000,
    upMs: 5,
    lastByteMs: 4,
    pingUnansweredMs: undefined,
    rtt: undefined,
    bytes: { sent: 1, received: 2 },
    messages: { sent: 3, received: 4 },
    pings: { sent: 5, received: 6 },
    pongs: { sent: 7, received: 8 },
    queuedBytes: 0
  },
  attempts: 0,
  expected: "us",
  nextAttemptAt: undefined,
  last: { at: 5, reason: { kind: "eof", by: "remote" }, wasUp: true },
  lastDown: { at: 5, reason: { kind: "eof", by: "remote" }, upMs: 7 },
  lastAttempt: undefined,
  shortUps: 1,
  restarts: 0,
  flaps: 0,
  inUseRefusals: 0,
  mayDial: true,
  speaks: "native",
  isStopped: false,
  dialPort: 24_200,
  failures: 0,
  software: "timemesh/0.1.0",
  tip: undefined,
  capabilities: 3,
  aliasOf: undefined,
  ups: 3,
  lastGoodAt: undefined
}

const ban = (subnet: Subnet.Subnet): BanReport => ({
  subnet,
  since: 1_000,
  until: 61_000,
  leftMs: 30_000,
  by: "operator",
  reason: "rude"
})

/** `note` hears every call that changes something. */
export const services = (note: (call: string) => Effect.Effect<void>) =>
  Layer.mergeAll(
    Layer.mock(PeerState, {
      peers: Effect.succeed([row]),
      connected: Effect.succeed([row]),
      book: () => Effect.succeed([]),
      unsaved: Effect.undefined,
      sizes: Effect.succeed({ book: { new: 5, tried: 6 }, tracedPairs: 7, traceBytes: 8 }),
      messages: Effect.succeed<ReadonlyArray<MessageCount>>([{
        wire: "native",
        way: "sent",
        type: "Ping",
        messages: 2,
        bytes: 26
      }]),
      queues: Effect.succeed({ unidentified: 1, dialling: 2, dials: 3, application: 4 }),
      why: (peer) =>
        Effect.succeed({
          ip: peer,
          state: "unknown",
          situation: "unknown",
          cause: "not known",
          text: `no peer told of ${peer}`,
          record: undefined
        }),
      trace: () => Effect.succeedNone,
      own: Effect.succeed<OwnReport>({
        ip: ip("203.0.113.9"),
        port: 24_200,
        isConfirmed: true,
        reachable: "no",
        seen: [{ ip: ip("203.0.113.9"), groups: 3, of: 4, others: [] }],
        notices: [{ notice: "unreachable", cause: "peers cannot reach it", fix: "forward the port" }],
        line: "203.0.113.9:24200, seen by peers of 3 netgroups, not reachable from outside"
      }),
      explained: () =>
        Effect.succeed([{
          ip: row.ip,
          state: "connected",
          situation: "connected",
          cause: "the connection is up",
          text: "Connected",
          record: row
        }])
    }),
    Layer.mock(ConnectionManager, {
      address: PeerAddress.make(ip("127.0.0.1"), 24_200),
      connect: (to) =>
        to.ip === "0.0.0.0"
          ? Effect.fail(new InvalidPeer({ input: to.ip, problem: "is not a unicast address", fix: "use another" }))
          : note(`connect ${PeerAddress.format(to)}`),
      disconnect: (peer) => Effect.as(note(`disconnect ${peer}`), true),
      ban: (subnet, options) => Effect.as(note(`ban ${subnet} ${JSON.stringify(options)}`), ban(subnet)),
      trust: (ip) => Effect.as(note(`trust ${ip}`), ip === "127.0.0.2"),
      unban: (subnet) => subnet === "203.0.113.0/24" ? Effect.as(note(`unban ${subnet}`), true) : Effect.succeed(false),
      bans: Effect.succeed([ban(Subnet.fromStringUnsafe("203.0.113.0/24"))]),
      isolate: (peers) => note(`isolate ${peers.join(" ")}`)
    }),
    Layer.succeed(NodeEvents, {
      stream: Stream.empty,
      listen: () => Effect.void,
      stats: Effect.succeed(stats),
      emit: () => {}
    }),
    Layer.succeed(NodeConfig, {
      network: networks.devnet,
      listen: { ip: ip("127.0.0.1"), port: 24_200 },
      advertise: undefined,
      peers: [],
      software: "timemesh/test",
      tuning: Limits
    })
  )

/** Of an address with which nothing is out of the ordinary. */
export const facts: Situation.Facts = {
  impossible: undefined,
  own: undefined,
  movedTo: undefined,
  isIsolated: false,
  banned: undefined,
  isInBook: false,
  full: undefined,
  familyMissing: false,
  isAlone: false,
  clockBehindS: undefined
}
