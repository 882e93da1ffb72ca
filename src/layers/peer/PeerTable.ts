/**
 * The one table of peers, keyed by canonical IP, at most `Limits.knownPeers` of them.
 *
 * A service of the layers only: it is written by the connection manager's synchronous steps and read through `PeerState`.
 */
import { Clock, Context, Effect, Layer, PubSub, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Queues } from "../../domain/metrics/Counts.ts"
import type { Placed } from "../../domain/peer/KnownAddress.ts"
import type * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerRecord, PeerSource } from "../../domain/peer/PeerRecord.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import { Timers } from "../time/Timers.ts"
import { FlightRecorder } from "./FlightRecorder.ts"
import { MessageTally } from "./MessageTally.ts"
import { OwnAddresses } from "./OwnAddresses.ts"
import { Peer, type RowContext } from "./Peer.ts"
import { ProtectionState } from "./ProtectionState.ts"

export class PeerTable extends Context.Service<PeerTable, {
  readonly get: (ip: PeerIp.PeerIp) => Peer | undefined
  /** A new peer; `undefined` when the table is full. The address must not be in the table. */
  readonly add: (ip: PeerIp.PeerIp, port: number | undefined, source: PeerSource) => Peer | undefined
  readonly remove: (peer: Peer) => void
  /** Every peer, in order of first mention. Do not change the table while iterating. */
  readonly peers: () => Iterable<Peer>
  readonly record: (peer: Peer) => PeerRecord
  /** Monotonic ms. */
  readonly now: () => number
  /** The port at which peers reach this node, 0 until it listens: set with the book. */
  reachedAt: number
  /** The wall time of records read now, ms. */
  readonly nowMs: () => number
  /** The peer changed: tells the readers of `changes`. Costs nothing while there are none: it is called for every event of a pair. */
  readonly changed: (peer: Peer) => void
  readonly changes: Stream.Stream<PeerRecord>
  /** Whether the peer book holds the address, row or not: set when the book is loaded. */
  isInBook: (ip: PeerIp.PeerIp) => boolean
  /** Addresses of the book, by its tables: set when the book is loaded. */
  bookSizes: () => { readonly new: number; readonly tried: number }
  /** The addresses of the book themselves: set with it. */
  bookEntries: () => Iterable<Placed>
  /** What waits: set with the book. */
  queues: () => Queues
  /** Messages by type, of all connections. */
  readonly messages: MessageTally
  /** This node's own addresses: never a peer's. */
  readonly own: OwnAddresses
  /** Addresses that this node is cut off from by hand. */
  readonly isolated: Set<PeerIp.PeerIp>
  /** Addresses that a process left, and where it went: the latest `Limits.movedAddresses`. */
  readonly moved: Map<PeerIp.PeerIp, PeerIp.PeerIp>
  /** Offences and bans. */
  readonly protection: ProtectionState
  /** The last steps of every pair, of rows that are gone too. */
  readonly flights: FlightRecorder
}>()("timemesh/layers/peer/PeerTable") {}

const make = Effect.gen(function*() {
  const peers = new Map<PeerIp.PeerIp, Peer>()
  const clock = yield* Clock.Clock
  const { now } = yield* Timers
  const setup = yield* NodeConfig
  const sockets = yield* PeerSocket
  const context: RowContext = {
    now,
    usualPort: setup.network.port,
    nowMs: () => clock.currentTimeMillisUnsafe(),
    keyReport: (ip) => sockets.keyReport?.(ip)
  }
  const changes = yield* PubSub.sliding<PeerRecord>(Limits.eventBuffer)
  yield* Effect.addFinalizer(() => PubSub.shutdown(changes))
  let readers = 0
  const reading = Effect.acquireRelease(Effect.sync(() => readers += 1), () => Effect.sync(() => readers -= 1))
  return PeerTable.of({
    get: (ip) => peers.get(ip),
    add: (ip, port, source) => {
      if (peers.size >= Limits.knownPeers) return undefined
      const peer = new Peer(ip, port, source)
      peers.set(ip, peer)
      return peer
    },
    remove: (peer) => {
      peers.delete(peer.ip)
    },
    peers: () => peers.values(),
    record: (peer) => peer.record(context),
    now,
    reachedAt: 0,
    nowMs: context.nowMs,
    changed: (peer) => {
      if (readers > 0) PubSub.publishUnsafe(changes, peer.record(context))
    },
    changes: Stream.unwrap(Effect.as(reading, Stream.fromPubSub(changes))),
    isInBook: () => false,
    bookSizes: () => ({ new: 0, tried: 0 }),
    bookEntries: () => [],
    queues: () => ({ unidentified: 0, dialling: 0, dials: 0, application: 0 }),
    messages: new MessageTally(),
    own: new OwnAddresses(setup, sockets.addresses, now),
    isolated: new Set(),
    moved: new Map(),
    protection: new ProtectionState(),
    flights: new FlightRecorder()
  })
})

/** A function, so that two nodes never share a table. */
export const layer = (): Layer.Layer<PeerTable, never, Timers | NodeConfig | PeerSocket> =>
  Layer.effect(PeerTable, make)
