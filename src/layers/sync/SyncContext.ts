/**
 * What the parts of sync share: the planner's state, the best header chain, bodies that wait, requests under way. All of it is
 * touched only from synchronous code.
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
import type { ChainStore, ChainStoreError } from "../../services/ChainStore.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { LocalChain } from "../../services/LocalChain.ts"
import type { NodeEvents, Untimed } from "../../services/NodeEvents.ts"
import type { PeerMessages } from "../../services/PeerMessages.ts"
import { NodeFibers } from "../time/NodeFibers.ts"
import * as Timers from "../time/Timers.ts"
import { HeldBodies } from "./HeldBodies.ts"

/** A request for bodies under way. */
export interface Asked {
  readonly peer: PeerIp
  next: number
  readonly to: number
  forgotten: boolean
}

/** A request for headers under way. */
export interface Conversation {
  readonly peer: PeerIp
  /** What it was asked to go on from: hashes of our header chain as it was then. */
  readonly locator: ReadonlyArray<Hash.Hash>
}

/** Headers that a peer is showing and that are no better than ours yet. */
export interface Branch {
  readonly fork: number
  readonly headers: Array<Parent>
}

export interface PeerLink {
  readonly origin: Origin
  /** Monotonic ms of the last piece of an answer, or of the request when there was nothing to answer before. */
  lastAt: number
  /** Answers still to come. */
  owed: number
  branch: Branch | undefined
  /** The tip we know it to have, as hex: not told to it again. */
  knownTip: string
  /** Where it last told us that its chain ends. */
  told: SyncState.SyncTip
  /** Runs until what it showed of the future is looked at again. */
  again: Timers.Timer | undefined
  /** Bytes came since its timer was set. */
  progressed: boolean
  /** It lied: what it says is not read any more. */
  blamed: boolean
  /** Blocks that we stored and that came from it, asked for or pushed. */
  blocks: number
}

export interface SyncCore {
  readonly params: ChainParams.ChainParams
  readonly hasher: Hasher
  readonly store: ChainStore["Service"]
  readonly messages: PeerMessages["Service"]
  readonly localChain: LocalChain["Service"]
  readonly wheel: Timers.Timers["Service"]
  readonly emit: (event: Untimed) => void
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Wall time, ms. */
  readonly wall: () => number
  readonly headers: HeaderChain
  /** Headers of our stored chain where the header chain is another one: up to our tip. `SyncStash` keeps it. */
  stash: Array<Parent>
  /** Height below which history counts as settled. */
  settled: number
  state: SyncState.SyncState
  readonly held: HeldBodies
  readonly links: Map<PeerIp, PeerLink>
  readonly asked: Map<number, Asked>
  /** Requests for headers under way, by number. */
  readonly conversations: Map<number, Conversation>
  readonly timers: Map<PeerIp, Timers.Timer>
  reorgs: number
  /** Grows by one before stored blocks are replaced, and by one after: odd while that is under way. */
  rewrites: number
  /** Why the store does not take blocks just now. */
  halted: string | undefined
  /** Feeds the planner and does what it asks. Set by `SyncDriver`. */
  dispatch: (event: SyncState.SyncEvent) => void
}

/** Everything but `dispatch`. */
export const make = Effect.fnUntraced(function*(
  given: Pick<SyncCore, "params" | "hasher" | "store" | "messages" | "localChain" | "headers" | "state" | "settled">,
  events: NodeEvents["Service"]
): Effect.fn.Return<SyncCore, never, NodeFibers | Timers.Timers | Scope.Scope> {
  const clock = yield* Clock.Clock
  const { fork } = yield* NodeFibers
  const wall = () => clock.currentTimeMillisUnsafe()
  return {
    ...given,
    wheel: yield* Timers.inScope(yield* Timers.Timers),
    emit: events.emit,
    fork,
    wall,
    stash: [],
    held: new HeldBodies(),
    links: new Map(),
    asked: new Map(),
    conversations: new Map(),
    timers: new Map(),
    reorgs: 0,
    rewrites: 0,
    halted: undefined,
    dispatch: () => {}
  }
})

/** Sends to a peer of sync; false when it is gone. */
export const send = (core: SyncCore, peer: PeerIp, message: SyncMessage): boolean => {
  const link = core.links.get(peer)
  return link !== undefined && core.messages.send(link.origin, message)
}

/** A request went out: the peer owes one more answer. */
export const asked = (core: SyncCore, peer: PeerIp): void => {
  const link = core.links.get(peer)
  if (link === undefined) return
  if (link.owed === 0) link.lastAt = core.wheel.now()
  link.owed += 1
}

/** A piece of an answer came. ms since the piece before. */
export const pieceMs = (core: SyncCore, link: PeerLink, done: boolean): number => {
  const now = core.wheel.now()
  const ms = now - link.lastAt
  link.lastAt = now
  if (done && link.owed > 0) link.owed -= 1
  return ms
}

/** A failure of the store, for the log and the status line. */
export const storeWords = (error: ChainStoreError): string => `${error.reason._tag}: ${error.reason.message}`
