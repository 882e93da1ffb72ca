/**
 * State shared by the parts of sync: the planner's state, the best header chain, held bodies, requests in flight.
 * **Concurrency**: touched only from synchronous code. Each part is a module of functions over this context.
 */
import { Clock, Effect, type Fiber, type Scope } from "effect"
import type * as ChainParams from "../../domain/chain/ChainParams.ts"
import type * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { HeaderChain } from "../../domain/chain/HeaderChain.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Problem } from "../../domain/Problem.ts"
import type * as SyncState from "../../domain/sync/SyncState.ts"
import type { SyncMessage } from "../../domain/wire/SyncMessage.ts"
import type { ChainStore, Tip } from "../../services/ChainStore.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { LocalChain } from "../../services/LocalChain.ts"
import type { NodeEvents, Untimed } from "../../services/NodeEvents.ts"
import type { PeerMessages } from "../../services/PeerMessages.ts"
import { Machine } from "../time/Machine.ts"
import { NodeFibers } from "../time/NodeFibers.ts"
import * as Timers from "../time/Timers.ts"
import { ChainRewrites } from "./ChainRewrites.ts"
import type { Held } from "./HeldBodies.ts"
import { MessageTurns } from "./MessageTurns.ts"
import type { ServeQueue } from "./ServeQueue.ts"
import type { Showing } from "./Showing.ts"
import type { ShownBranch } from "./ShownBranch.ts"

/** A request for bodies in flight. */
export interface BlockRequest {
  readonly peer: PeerIp
  readonly branch: ShownBranch
  next: number
  readonly to: number
  /** The planner no longer wants its blocks. */
  forgotten: boolean
}

/** A request for headers in flight. */
export interface HeaderRequest {
  readonly peer: PeerIp
  /** Headers after which the answer may begin. */
  readonly locator: ReadonlyArray<{ readonly height: number; readonly hash: Hash.Hash }>
}

/** A connection that sync uses. */
export interface PeerLink {
  readonly origin: Origin
  /** Sends a message of the native wire, translated to the peer's own wire if that is another. False: the peer is gone, or does not read. */
  readonly say: (message: SyncMessage) => boolean
  /**
   * Starts sync with the peer again. For a peer of the TIME network, which may be right by its own rules: if this node refuses what it shows, it stays
   * connected, unused for a while. `undefined`: the peer is disconnected instead.
   */
  readonly again: (() => void) | undefined
  /** Number of the peer's unanswered requests. */
  readonly requests: () => number
  /** Monotonic ms of the last piece of an answer, or of the request when no other was in flight. */
  lastAt: number
  /** Requests in flight, void ones included. */
  pendingAnswers: number
  showing: Showing | undefined
  /** The last header that the peer showed, while it has more: its next headers begin after it. */
  last: { readonly height: number; readonly hash: Hash.Hash } | undefined
  /** Hash of the tip that the peer is known to have, hex: not announced to it again. */
  knownTip: string
  /** Hash of the last tip that we announced to the peer, hex. */
  announced: string
  /** The tip that the peer last announced. */
  told: { readonly height: number; readonly hash: Hash.Hash }
  /** Bytes have arrived since its answer timer was set. */
  progressed: boolean
  /** bytes of the peer's messages that wait for their turn. */
  waitingBytes: number
  /** Reading from the peer is paused until fewer bytes wait. */
  paused: boolean
  /** The peer was dropped: ignore whatever it still sends. */
  blamed: boolean
  /** Number of stored blocks that came from the peer, requested or pushed. */
  blocks: number
  /** The peer's requests to us. */
  readonly serve: ServeQueue
}

/** Our chain now ends with `tip`, `added` blocks further. `last`: the last of them, unless it came from the disk. */
export interface StoredChange {
  readonly tip: Tip
  readonly added: number
  readonly last: Held | undefined
}

export interface SyncContext {
  readonly params: ChainParams.ChainParams
  readonly hasher: Hasher
  readonly store: ChainStore["Service"]
  readonly messages: PeerMessages["Service"]
  readonly localChain: LocalChain["Service"]
  readonly timers: Timers.Timers["Service"]
  readonly emit: (event: Untimed) => void
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Wall time, ms. */
  readonly nowMs: () => number
  /** Headers of the stored chain. */
  readonly chain: HeaderChain
  readonly branches: Map<number, ShownBranch>
  nextBranch: number
  /** History is settled: a branch that leaves our chain more than `params.maxReorg` blocks below its tip is not followed. */
  settled: boolean
  state: SyncState.SyncState
  /** Feeds the planner and carries out its actions. `SyncDriver` starts it. */
  readonly machine: Machine<SyncState.SyncEvent>
  readonly turns: MessageTurns
  readonly links: Map<PeerIp, PeerLink>
  readonly blockRequests: Map<number, BlockRequest>
  readonly headerRequests: Map<number, HeaderRequest>
  /** The planner's timers, by `timerKey`. */
  readonly plannerTimers: Map<string, Timers.Timer>
  /** Runs until the node's first chain counts as settled. */
  settleTimer: Timers.Timer | undefined
  reorgs: number
  readonly rewrites: ChainRewrites
  /** Changes of our chain that the planner has not handled yet, in order; reported once it has. */
  readonly stored: Array<StoredChange>
  /** An append is under way. */
  storing: boolean
  /** Why the last append failed, until one succeeds or none is due. */
  halted: Problem | undefined
  /** Runs until the failed append is retried. */
  storeRetry: Timers.Timer | undefined
}

export const make = Effect.fnUntraced(function*(
  given: Pick<
    SyncContext,
    "params" | "hasher" | "store" | "messages" | "localChain" | "chain" | "state" | "settled"
  >,
  events: NodeEvents["Service"]
): Effect.fn.Return<SyncContext, never, NodeFibers | Timers.Timers | Scope.Scope> {
  const clock = yield* Clock.Clock
  const { fork } = yield* NodeFibers
  const timers = yield* Timers.inScope(yield* Timers.Timers)
  return {
    ...given,
    timers,
    emit: events.emit,
    fork,
    nowMs: () => clock.currentTimeMillisUnsafe(),
    branches: new Map(),
    nextBranch: 1,
    machine: new Machine(),
    turns: new MessageTurns(timers.now, fork),
    links: new Map(),
    blockRequests: new Map(),
    headerRequests: new Map(),
    plannerTimers: new Map(),
    settleTimer: undefined,
    reorgs: 0,
    rewrites: new ChainRewrites(),
    stored: [],
    storing: false,
    halted: undefined,
    storeRetry: undefined
  }
})

/** Branches that leave our chain below this height are not followed. `height`: of the tip. */
export const oldestFork = (context: Pick<SyncContext, "settled" | "params">, height: number): number =>
  context.settled ? Math.max(0, height - context.params.maxReorg) : 0

/** Sends a message to a sync peer; false if the peer is gone. */
export const send = (context: SyncContext, peer: PeerIp, message: SyncMessage): boolean => {
  const link = context.links.get(peer)
  return link?.say(message) === true
}

/** Sends a request and counts its answer as pending. */
export const request = (context: SyncContext, peer: PeerIp, message: SyncMessage): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  if (link.pendingAnswers === 0) link.lastAt = context.timers.now()
  link.pendingAnswers += 1
  link.say(message)
}

/** Notes a piece of an answer; returns ms since the piece before. `done`: it was the last one. */
export const pieceMs = (context: SyncContext, link: PeerLink, done: boolean): number => {
  const now = context.timers.now()
  const ms = now - link.lastAt
  link.lastAt = now
  if (done && link.pendingAnswers > 0) link.pendingAnswers -= 1
  return ms
}
