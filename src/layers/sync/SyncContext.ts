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
import type { ShownBranch } from "./ShownBranch.ts"

/** A request for bodies in flight. */
export interface BlockRequest {
  readonly peer: PeerIp
  readonly branch: ShownBranch
  next: number
  readonly to: number
  /** The planner does not want its blocks any more. */
  forgotten: boolean
}

/** A request for headers in flight. */
export interface HeaderRequest {
  readonly peer: PeerIp
  /** Where its answer may begin. */
  readonly locator: ReadonlyArray<{ readonly height: number; readonly hash: Hash.Hash }>
}

/** Headers that a peer is showing and that are not better than our chain yet. */
export interface Showing {
  readonly fork: number
  readonly headers: ReadonlyArray<Parent>
}

/** A connection that sync uses. */
export interface PeerLink {
  readonly origin: Origin
  /** Says a message of the native wire to it, or what stands for it on its own wire. False: it is gone, or does not read. */
  readonly say: (message: SyncMessage) => boolean
  /**
   * Begins anew with it. Of a peer of the TIME network, which may be right by the rules of its own: if this node refuses what it shows, it stays
   * connected, unused for a while. `undefined`: it is disconnected.
   */
  readonly again: (() => void) | undefined
  /** Requests of the peer that wait for their answer. */
  readonly requests: () => number
  /** Monotonic ms of the last piece of an answer, or of the request when no other was in flight. */
  lastAt: number
  /** Requests in flight, void ones included. */
  pendingAnswers: number
  showing: Showing | undefined
  /** The last header of its chain that it showed, while it has more: where its next headers begin. */
  last: { readonly height: number; readonly hash: Hash.Hash } | undefined
  /** Hash of the tip that the peer is known to have, hex: it is not announced to it again. */
  knownTip: string
  /** Hash of our tip that the peer was announced last, hex. */
  announced: string
  /** The tip that the peer last announced. */
  told: { readonly height: number; readonly hash: Hash.Hash }
  /** Bytes came since its answer timer was set. */
  progressed: boolean
  /** bytes of its messages that wait for their turn. */
  waitingBytes: number
  /** Nothing is read from it until less of that waits. */
  paused: boolean
  /** It was dropped: what it still sends is not read. */
  blamed: boolean
  /** Blocks stored that came from it, requested or pushed. */
  blocks: number
  /** What it asked us for. */
  readonly serve: ServeQueue
}

/** Our chain ends with `tip` now, `added` blocks further; `last` is the last of them, unless it came from the disk. */
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
  /** The headers of what is stored. */
  readonly chain: HeaderChain
  readonly branches: Map<number, ShownBranch>
  nextBranch: number
  /** History is settled: a branch that leaves our chain more than `params.maxReorg` blocks below its tip is not followed. */
  settled: boolean
  state: SyncState.SyncState
  /** Feeds the planner and does what it asks. `SyncDriver` starts it. */
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
  /** Changes of our chain that the planner has not handled yet, in order: reported when it has. */
  readonly stored: Array<StoredChange>
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

/** A branch that leaves a chain with this tip below this height is not followed. */
export const oldestFork = (context: Pick<SyncContext, "settled" | "params">, height: number): number =>
  context.settled ? Math.max(0, height - context.params.maxReorg) : 0

/** Sends to a peer of sync; false when it is gone. */
export const send = (context: SyncContext, peer: PeerIp, message: SyncMessage): boolean => {
  const link = context.links.get(peer)
  return link?.say(message) === true
}

/** Sends a request, whose answer is pending from now on. */
export const request = (context: SyncContext, peer: PeerIp, message: SyncMessage): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  if (link.pendingAnswers === 0) link.lastAt = context.timers.now()
  link.pendingAnswers += 1
  link.say(message)
}

/** A piece of an answer came: ms since the piece before. `done`: it was the last one. */
export const pieceMs = (context: SyncContext, link: PeerLink, done: boolean): number => {
  const now = context.timers.now()
  const ms = now - link.lastAt
  link.lastAt = now
  if (done && link.pendingAnswers > 0) link.pendingAnswers -= 1
  return ms
}
