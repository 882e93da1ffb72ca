/**
 * What the parts of the connection manager share: the node's own facts, its services, and the few counts that are not in
 * the peer table. All of it is touched only from synchronous code, so there is nothing to lock.
 */
import { Clock, Effect, Random } from "effect"
import type { Fiber } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PeerSource } from "../../domain/NodeEvent.ts"
import type { PairEvent } from "../../domain/pair/PairState.ts"
import type * as Liveness from "../../domain/peer/Liveness.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import { Entropy } from "../../services/Entropy.ts"
import { LocalChain } from "../../services/LocalChain.ts"
import { Mutant } from "../../services/Mutant.ts"
import { NodeConfig, type NodeSetup } from "../../services/NodeConfig.ts"
import { NodeEvents, type Untimed } from "../../services/NodeEvents.ts"
import type { PeerListener } from "../../services/PeerMessages.ts"
import { NodeFibers } from "../time/NodeFibers.ts"
import { Timers } from "../time/Timers.ts"
import type { PeerRow } from "./Peer.ts"
import type { PeerConnection } from "./PeerConnection.ts"
import { PeerTable } from "./PeerTable.ts"

/** Receives the payloads of one channel out of one read batch, in order. */
export type ChannelHandler = (from: Origin, payloads: ReadonlyArray<Uint8Array>) => void

export interface NodeCore {
  readonly setup: NodeSetup
  readonly table: PeerTable["Service"]
  readonly entropy: Entropy["Service"]
  readonly wheel: Timers["Service"]
  readonly liveness: Liveness.Params
  /** Uniform in [0, 1). */
  readonly jitter: () => number
  /** Wall time, ms. */
  readonly wall: () => number
  readonly emit: (event: Untimed) => void
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Addresses known to be this node's own. */
  readonly ownIps: Set<PeerIp>
  /** Addresses that this node is cut off from by hand. */
  readonly isolated: Set<PeerIp>
  /** Every connection whose program runs, those that are closing included. */
  readonly running: Set<PeerConnection>
  /**
   * Nonces of our Hellos on dials that have not ended, those that are up included: an inbound Hello with one is ourselves, and
   * which of the two Hellos is read first is chance.
   */
  readonly openDials: Set<bigint>
  /** Accepted sockets without Hello, oldest first. */
  readonly strangers: Set<PeerConnection>
  readonly channels: Map<number, ChannelHandler>
  readonly localChain: LocalChain["Service"]
  readonly mutant: Mutant | undefined
  /** The node's own protocols. */
  protocols: PeerListener | undefined
  /** Peers with a connection up. */
  upCount: number
  /** Ups so far. */
  upOrder: number
  nextId: number
  listenPort: number
  stopping: boolean
  /** Feeds one event to the pair's machine and does what it asks. Set by `PairDriver`. */
  dispatch: (row: PeerRow, event: PairEvent) => void
}

/**
 * The row of a peer, made if need be. A full table lets go of the least of its rows that are not in use: first of addresses
 * nobody ever answered at, then of peers that were never up, then of the others; among these of the one that failed most; never of
 * one an operator named. Hearsay takes only the place of hearsay that was tried in vain, so no lies displace a peer.
 * `undefined` when there is no such row.
 */
export const admit = (
  core: NodeCore,
  ip: PeerIp,
  port: number | undefined,
  source: PeerSource
): PeerRow | undefined => {
  const known = core.table.get(ip) ?? core.table.add(ip, port, source)
  if (known !== undefined) return known
  const mayGo = (row: PeerRow) =>
    row.source !== "configured" && !row.inUse && (source !== "gossip" || (row.worth === 0 && row.failures > 0))
  const isLess = (a: PeerRow, b: PeerRow) => a.worth < b.worth || (a.worth === b.worth && a.failures > b.failures)
  let least: PeerRow | undefined
  for (const row of core.table.rows()) {
    if (mayGo(row) && (least === undefined || isLess(row, least))) least = row
  }
  if (least === undefined) return undefined
  forget(core, least)
  return core.table.add(ip, port, source)
}

/** Disarms every timer of a row. */
export const disarmAll = (core: NodeCore, row: PeerRow): void => {
  for (const timer of row.timers?.values() ?? []) core.wheel.disarm(timer)
  row.timers = undefined
}

/** Drops a row, and with it its timers and a dial that waits for its turn: nobody may go on for it beside the next row. */
export const forget = (core: NodeCore, row: PeerRow): void => {
  disarmAll(core, row)
  core.table.remove(row)
  for (const connection of row.connections.splice(0)) {
    core.openDials.delete(connection.helloNonce)
    connection.close(undefined)
  }
}

/** Everything but `dispatch`. */
export const make: Effect.Effect<
  NodeCore,
  never,
  NodeConfig | PeerTable | Entropy | NodeEvents | LocalChain | NodeFibers | Timers
> = Effect.gen(function*() {
  const setup = yield* NodeConfig
  const events = yield* NodeEvents
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const wall = () => clock.currentTimeMillisUnsafe()
  const { emit } = events
  return {
    setup,
    table: yield* PeerTable,
    entropy: yield* Entropy,
    wheel: yield* Timers,
    liveness: {
      pingMs: setup.tuning.pingMs,
      deadMs: setup.tuning.deadMs,
      frameMs: Limits.frameMs,
      answerMs: Limits.answerMs,
      lateMs: Limits.lagFloorMs
    },
    jitter: () => random.nextDoubleUnsafe(),
    wall,
    emit,
    fork: (yield* NodeFibers).fork,
    ownIps: new Set(),
    isolated: new Set(),
    running: new Set(),
    openDials: new Set(),
    strangers: new Set(),
    channels: new Map(),
    localChain: yield* LocalChain,
    mutant: yield* Mutant,
    protocols: undefined,
    upCount: 0,
    upOrder: 0,
    nextId: 1,
    listenPort: 0,
    stopping: false,
    dispatch: () => {}
  }
})
