/**
 * What the parts of sync share: the planner's state, the best header chain, bodies that wait, requests in flight. All of it is
 * touched only from synchronous code. Each part is a module of functions over this context.
 */
import { Clock, Effect, type Fiber, type Scope } from "effect"
import type * as ChainParams from "../../domain/chain/ChainParams.ts"
import type * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { HeaderChain } from "../../domain/chain/HeaderChain.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type * as SyncState from "../../domain/sync/SyncState.ts"
import type { SyncMessage } from "../../domain/wire/SyncMessage.ts"
import type { ChainStore } from "../../services/ChainStore.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { LocalChain } from "../../services/LocalChain.ts"
import type { NodeEvents, Untimed } from "../../services/NodeEvents.ts"
import type { PeerMessages } from "../../services/PeerMessages.ts"
import { Machine } from "../time/Machine.ts"
import { NodeFibers } from "../time/NodeFibers.ts"
import * as Timers from "../time/Timers.ts"
import { ChainRewrites } from "./ChainRewrites.ts"
import { HeldBodies } from "./HeldBodies.ts"
import { MessageTurns } from "./MessageTurns.ts"
import type { ServeQueue } from "./ServeQueue.ts"

/** A request for bodies in flight. */
export interface BlockRequest {
  readonly peer: PeerIp
  next: number
  readonly to: number
  /** The planner does not want its blocks any more. */
  forgotten: boolean
}

/** A request for headers in flight. */
export interface HeaderRequest {
  readonly peer: PeerIp
  /** Where its answer may begin: hashes of our header chain as it was then. */
  readonly locator: ReadonlyArray<Hash.Hash>
}

/** Headers that a peer is showing and that are not better than ours yet. */
export interface Branch {
  readonly fork: number
  readonly headers: Array<Parent>
}

/** A connection that sync uses. */
export interface PeerLink {
  readonly origin: Origin
  /** Monotonic ms of the last piece of an answer, or of the request when no other was in flight. */
  lastAt: number
  /** Requests in flight, void ones included. */
  pendingAnswers: number
  branch: Branch | undefined
  /** Hash of the tip that the peer is known to have, hex: it is not announced to it again. */
  knownTip: string
  /** The tip that the peer last announced. */
  told: SyncState.SyncTip
  /** Runs until headers that were in the future are asked for again. */
  futureRetry: Timers.Timer | undefined
  /** Bytes came since its answer timer was set. */
  progressed: boolean
  /** It lied: what it sends is not read any more. */
  blamed: boolean
  /** Blocks stored that came from it, requested or pushed. */
  blocks: number
  /** What it asked us for. */
  readonly serve: ServeQueue
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
  readonly headers: HeaderChain
  /** Headers of our stored chain above `state.base`, up to our tip, where the header chain is another one. `OwnBranch` keeps it. */
  ownBranch: Array<Parent>
  /** A branch may leave our chain at most `params.maxReorg` below this height; 0: at any height. */
  settledHeight: number
  state: SyncState.SyncState
  /** Feeds the planner and does what it asks. `SyncDriver` starts it. */
  readonly machine: Machine<SyncState.SyncEvent>
  readonly turns: MessageTurns
  readonly held: HeldBodies
  readonly links: Map<PeerIp, PeerLink>
  readonly blockRequests: Map<number, BlockRequest>
  readonly headerRequests: Map<number, HeaderRequest>
  /** The planner's timers: a peer that owes an answer has one. */
  readonly answerTimers: Map<PeerIp, Timers.Timer>
  /** Runs until the node's first chain counts as settled. */
  settleTimer: Timers.Timer | undefined
  reorgs: number
  readonly rewrites: ChainRewrites
  /** An append is under way. */
  storing: boolean
  /** Why the last append failed, until one succeeds or none is due. */
  halted: string | undefined
  /** Runs until the failed append is tried again. */
  storeRetry: Timers.Timer | undefined
}

export const make = Effect.fnUntraced(function*(
  given: Pick<
    SyncContext,
    "params" | "hasher" | "store" | "messages" | "localChain" | "headers" | "state" | "settledHeight"
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
    ownBranch: [],
    machine: new Machine(),
    turns: new MessageTurns(timers.now, fork),
    held: new HeldBodies(),
    links: new Map(),
    blockRequests: new Map(),
    headerRequests: new Map(),
    answerTimers: new Map(),
    settleTimer: undefined,
    reorgs: 0,
    rewrites: new ChainRewrites(),
    storing: false,
    halted: undefined,
    storeRetry: undefined
  }
})

/** Sends to a peer of sync; false when it is gone. */
export const send = (context: SyncContext, peer: PeerIp, message: SyncMessage): boolean => {
  const link = context.links.get(peer)
  return link !== undefined && context.messages.send(link.origin, message)
}

/** Sends a request, whose answer is pending from now on. */
export const request = (context: SyncContext, peer: PeerIp, message: SyncMessage): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  if (link.pendingAnswers === 0) link.lastAt = context.timers.now()
  link.pendingAnswers += 1
  context.messages.send(link.origin, message)
}

/** A piece of an answer came: ms since the piece before. `done`: it was the last one. */
export const pieceMs = (context: SyncContext, link: PeerLink, done: boolean): number => {
  const now = context.timers.now()
  const ms = now - link.lastAt
  link.lastAt = now
  if (done && link.pendingAnswers > 0) link.pendingAnswers -= 1
  return ms
}
