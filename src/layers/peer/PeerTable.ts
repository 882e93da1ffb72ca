/**
 * The one table of peers, keyed by canonical IP, at most `Limits.knownPeers` of them.
 *
 * Internal to the layers: written by the connection manager's synchronous steps, read through `PeerState`.
 */
import { Clock, Context, Effect, Layer, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Queues } from "../../domain/metrics/Counts.ts"
import type { PeerBook } from "../../domain/peer/PeerBook.ts"
import type * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerRecord, PeerSource } from "../../domain/peer/PeerRecord.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { NodeRules } from "../../services/NodeRules.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import * as Feed from "../time/Feed.ts"
import { Timers } from "../time/Timers.ts"
import { FlightRecorder } from "./FlightRecorder.ts"
import { MessageTally } from "./MessageTally.ts"
import { OwnAddresses } from "./OwnAddresses.ts"
import { Peer, type RowContext } from "./Peer.ts"
import { ProtectionState } from "./ProtectionState.ts"

/** The part of the connection manager that `PeerState` reports beside the rows. */
export interface Manager {
  /** Port at which peers reach this node. */
  readonly reachedAt: number
  /** Every known address, with a row or not. */
  readonly book: PeerBook
  readonly queues: () => Queues
}

export class PeerTable extends Context.Service<PeerTable, {
  readonly get: (ip: PeerIp.PeerIp) => Peer | undefined
  /** Adds a peer; `undefined` when the table is full. The address must not be in the table. */
  readonly add: (ip: PeerIp.PeerIp, port: number | undefined, source: PeerSource) => Peer | undefined
  readonly remove: (peer: Peer) => void
  /** Every peer, in order of first mention. Do not change the table while iterating. */
  readonly peers: () => Iterable<Peer>
  readonly record: (peer: Peer) => PeerRecord
  /** Monotonic ms. */
  readonly now: () => number
  /** Current wall time for records, ms. */
  readonly nowMs: () => number
  /** Publishes the peer's record to `changes`. Costs nothing without readers: it is called for every event of a pair. */
  readonly changed: (peer: Peer) => void
  readonly changes: Stream.Stream<PeerRecord>
  /** What the connection manager shows of itself; `undefined` until it listens. */
  manager: Manager | undefined
  /** Why the latest save of the book failed; `undefined`: it did not. */
  unsaved: string | undefined
  /** Messages by type, over all connections. */
  readonly messages: MessageTally
  /** This node's own addresses, which are never a peer's. */
  readonly own: OwnAddresses
  /** Addresses that the operator has cut this node off from. */
  readonly isolated: Set<PeerIp.PeerIp>
  /** Addresses that a process left, and its new address: the latest `Limits.movedAddresses`. */
  readonly moved: Map<PeerIp.PeerIp, PeerIp.PeerIp>
  /** Offences and bans. */
  readonly protection: ProtectionState
  /** The last steps of every pair, including pairs whose row is gone. */
  readonly flights: FlightRecorder
}>()("timemesh/layers/peer/PeerTable") {}

const make = Effect.gen(function*() {
  const peers = new Map<PeerIp.PeerIp, Peer>()
  const clock = yield* Clock.Clock
  const { now } = yield* Timers
  const setup = yield* NodeConfig
  const sockets = yield* PeerSocket
  const { pairStep } = yield* NodeRules
  const context: RowContext = {
    now,
    usualPort: setup.network.port,
    nowMs: () => clock.currentTimeMillisUnsafe(),
    keyReport: (ip) => sockets.keyReport?.(ip)
  }
  const changes = yield* Feed.make<PeerRecord>(Limits.eventBuffer)
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
    nowMs: context.nowMs,
    changed: (peer) => {
      if (readers > 0) changes.publish(peer.record(context))
    },
    changes: Stream.unwrap(Effect.as(reading, changes.stream)),
    manager: undefined,
    unsaved: undefined,
    messages: new MessageTally(),
    own: new OwnAddresses(setup, sockets.addresses, now),
    isolated: new Set(),
    moved: new Map(),
    protection: new ProtectionState(),
    flights: new FlightRecorder(pairStep)
  })
})

/** A function, so that two nodes never share a table. */
export const layer = (): Layer.Layer<PeerTable, never, Timers | NodeConfig | PeerSocket> =>
  Layer.effect(PeerTable, make)
