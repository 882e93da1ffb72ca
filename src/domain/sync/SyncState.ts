/**
 * The vocabulary of headers-first sync: the state a node keeps while it follows its peers' chains, the events, and the actions to perform.
 * `SyncPlan.step(state, event) → [state, actions]` is pure.
 *
 * **What counts.** A *told* tip is an announcement: it entitles a peer to be asked for headers, no more. *Shown* headers make a branch,
 * whose bodies are requested from the peers that showed it. *Delivered* blocks are progress: they grow the chain, and their branch's
 * credit. All branches are fetched in parallel, so that a branch no peer delivers does not hold up the others.
 *
 * The planner sees heights and tips, never headers or bodies: the driver handles those, their validation and the store. State holds no
 * time: durations arrive with events, timers are the actions `Arm`/`Disarm` and the event `Fired`.
 */
import type { PeerIp } from "../peer/PeerIp.ts"
import type { Ranges } from "./Ranges.ts"

/** A block by height and hash, 64 hex digits. */
export interface SyncTip {
  readonly height: number
  readonly hash: string
}

/** Why a peer is dropped. An honest peer does none of these, however slow it is. */
export type SyncFault =
  /** A header or list of headers that breaks the rules or does not link. */
  | "bad-header"
  /** A body that breaks the rules. */
  | "bad-block"
  /** A block other than the one requested. */
  | "wrong-block"
  /** It showed the header but repeatedly says that it does not have the block. */
  | "withheld"
  /** It announced a better tip than its headers reach. */
  | "inflated-height"
  /** It claims to have more headers but sends none, or again and again only those that we have. */
  | "empty-headers"
  /** No byte of an answer over several timeouts, each twice the last. */
  | "unresponsive"
  /** Bytes, but no whole block or header list, over several timeouts, each twice the last. */
  | "stalled"
  /** An undecodable or unsolicited answer. */
  | "protocol"

/** Why a peer that announces a better chain is not asked for it at present. */
export type Holdoff =
  /** It was dropped before, and has not been connected for long enough since. */
  | "probation"
  /** Its next header is in the future by our clock. */
  | "future"
  /** Its chain forks from ours below the maximum reorg depth. */
  | "too-deep"
  /** Its copy of a block is unusable, through no fault of its own: other peers are asked for the block. */
  | "copy"
  /** Its chain is not better yet as far as it has shown it, and there is no room for more of its headers. */
  | "no-room"

/** Headers that a peer has shown and that make a better chain than ours, or did when the branch began. */
export interface SyncBranch {
  readonly id: number
  /** Height of the last block that it shares with our chain. */
  readonly fork: number
  /** Its last shown header. */
  readonly tip: SyncTip
  /** Its bodies are on disk up to here: `fork`, or higher if they are staged beside the chain. */
  readonly base: number
  /** Its bodies above `base` that arrived. */
  readonly held: Ranges
  /** bytes of its bodies in memory. */
  readonly heldBytes: number
  /** Blocks delivered for it so far. What it may cost us grows with them. */
  readonly delivered: number
  /** An earlier branch with the same headers up to a height above `fork`: those bodies are requested only once. */
  readonly trunk: { readonly id: number; readonly upTo: number } | undefined
}

/** The branch that a peer is on: it is expected to have its blocks up to `height`. */
export interface OnBranch {
  readonly branch: number
  readonly height: number
  /** Confirmed up to here by its own headers, or by its told tip if that is among them; −1: not confirmed. */
  readonly shown: number
}

/** One peer as sync sees it. */
export interface SyncPeer {
  readonly id: PeerIp
  /** The tip it announced last, whatever we accepted or refused since. */
  readonly told: SyncTip
  readonly on: OnBranch | undefined
  /** From this height on, it says that it lacks that branch's blocks. */
  readonly lacks: number
  /** Height of the last header it showed while there were more; −1: none. */
  readonly reached: number
  /** Consecutive lists of headers of our own chain, each with the claim that more follow. */
  readonly knownLists: number
  /** Headers to request from it at once. */
  readonly headerBatch: number
  /** Blocks to request from it at once, growing with good answers. */
  readonly batch: number
  /** ms. Smoothed time between an answer's pieces; `undefined` before the first. */
  readonly pieceMs: number | undefined
  /** ms. Smoothed time per block; `undefined` before the first. */
  readonly blockMs: number | undefined
  /** Requests awaiting answers, including cancelled ones, in order: answers come in request order. */
  readonly pending: ReadonlyArray<number>
  /** Consecutive timeouts without a whole piece of an answer. While over 0, others are asked instead. */
  readonly stalls: number
  /** During the last timeout at least some bytes arrived. */
  readonly trickles: boolean
  /** Number of whole pieces of answers it sent. */
  readonly answers: number
  /** Consecutive times it lacked a block whose header it had shown. */
  readonly refusals: number
  /** Consecutive unusable copies of blocks. */
  readonly badCopies: number
  /** Its headers must be requested, although its told tip is known or no better. */
  readonly recheck: boolean
  readonly holdoff: Holdoff | undefined
  /** Consecutive times it was held off: each one is twice as long. */
  readonly holdoffs: number
  /** Its chain is better than ours and forks at `fork`, too deep to follow. */
  readonly apart: { readonly fork: number; readonly depth: number } | undefined
  /** Seconds by which our clock is behind its headers, if it showed such. */
  readonly clockBehind: number | undefined
  /** The fault for which it is dropped. */
  readonly blamed: SyncFault | undefined
}

/** Blocks requested from one peer. */
export interface SyncRequest {
  readonly id: number
  readonly peer: PeerIp
  readonly branch: number
  /** The remaining range: `next…to`. Answers come in order. */
  readonly next: number
  readonly to: number
  /** Others are asked for the rest; a late answer still counts. */
  readonly stalled: boolean
  /** A second peer was asked for the rest, at the end of the window. */
  readonly doubled: boolean
}

export interface HeaderRequest {
  readonly id: number
  readonly peer: PeerIp
  /** The peer's tip before the request: its headers must reach it. */
  readonly told: SyncTip
  /** Height of our chain at the request. */
  readonly ours: number
  /** Height of the last header it had shown by then, while there were more: its headers must go beyond. −1: none. */
  readonly reached: number
  /** Others are asked instead; a late answer still counts. */
  readonly stalled: boolean
}

export interface SyncState {
  /** Our chain: what is stored. */
  readonly chain: SyncTip
  /** A branch that forks from our chain below this height is not followed. */
  readonly oldestFork: number
  readonly branches: ReadonlyArray<SyncBranch>
  /** The branch that our chain last grew by. */
  readonly current: number | undefined
  readonly peers: ReadonlyArray<SyncPeer>
  readonly headerRequests: ReadonlyArray<HeaderRequest>
  readonly requests: ReadonlyArray<SyncRequest>
  /** Id of the next request. */
  readonly nextId: number
  /** Fault counts of present and former peers, the longest unchanged first. At most `Limits.rememberedFaults`. */
  readonly faults: ReadonlyMap<PeerIp, number>
  /** The last `Done` still applies. */
  readonly synced: boolean
  /** The peer of the last `LeftBehind`, while that still applies. */
  readonly leftBehind: PeerIp | undefined
}

export type SyncTimer =
  /** One per peer that owes an answer, even to a cancelled request; any whole piece of an answer restarts it. */
  | { readonly _tag: "Answer"; readonly peer: PeerIp }
  /** One per peer that is held off. */
  | { readonly _tag: "Holdoff"; readonly peer: PeerIp }

/** Where the last of a peer's headers belongs. */
export type Placed =
  /** On our chain. */
  | { readonly _tag: "Chain" }
  /** On a branch, described here: new, longer, or unchanged. */
  | {
    readonly _tag: "Branch"
    readonly branch: Pick<SyncBranch, "id" | "fork" | "tip" | "trunk">
  }
  /** It forks from our chain at `fork` and is no better yet. */
  | { readonly _tag: "Worse"; readonly fork: number }
  /** The same, and its headers were dropped for want of room. */
  | { readonly _tag: "NoRoom"; readonly fork: number }
  /** Its chain forks from ours at `fork`, below `oldestFork`, and is better if it reaches what the peer announced. */
  | { readonly _tag: "TooDeep"; readonly fork: number }

export type SyncEvent =
  | { readonly _tag: "PeerUp"; readonly peer: PeerIp; readonly tip: SyncTip; readonly on: OnBranch | undefined }
  | { readonly _tag: "PeerDown"; readonly peer: PeerIp }
  /** `on`: where that tip is among shown headers, if it is. */
  | { readonly _tag: "TipAnnounced"; readonly peer: PeerIp; readonly tip: SyncTip; readonly on: OnBranch | undefined }
  /** `count` headers that link and break no rule, ending in `last` (the shared header before them if there are none). */
  | {
    readonly _tag: "HeadersReceived"
    readonly peer: PeerIp
    readonly request: number
    readonly count: number
    readonly last: SyncTip
    readonly placed: Placed
    /** Peers whose told tip is among these headers. */
    readonly also: ReadonlyArray<PeerIp>
    /** Whether the peer has more after `last`. `not-yet`: it sent more, which may become valid with time. */
    readonly more: "yes" | "no" | "not-yet"
    /** With `not-yet`: seconds by which our clock is behind the last header it sent, and ms until the first of them is due. */
    readonly clockBehind: number | undefined
    readonly dueMs: number
    /** ms since the request, or since the preceding piece. */
    readonly ms: number
  }
  /** An answer to a request about a former chain of ours. It holds nothing useful, and the peer is not to blame. */
  | { readonly _tag: "HeadersVoid"; readonly peer: PeerIp; readonly request: number }
  /**
   * The next `count` blocks of a request, all valid (or unread, if the request was cancelled). `done`: the answer is complete. If blocks
   * are missing then, the peer cut it short; if there are none at all, it lacks the next block.
   */
  | {
    readonly _tag: "BlocksReceived"
    readonly peer: PeerIp
    readonly request: number
    readonly count: number
    readonly done: boolean
    /** The peer's copy of the block after these is unusable; that says nothing against the block itself. */
    readonly unusable?: boolean
    /** bytes of these blocks now held. */
    readonly bytes: number
    /** ms since the preceding piece, or since the request if no earlier answer was due. */
    readonly ms: number
  }
  /** A valid block, header and body, on top of our chain or of a branch: pushed by a peer, or made here. */
  | {
    readonly _tag: "BlockAdded"
    readonly branch: Pick<SyncBranch, "id" | "fork" | "tip">
    readonly height: number
    readonly bytes: number
  }
  /** Our chain changed by blocks of `branch`. Carries every branch's new fork, and bytes held. */
  | {
    readonly _tag: "Stored"
    readonly tip: SyncTip
    readonly branch: number
    readonly oldestFork: number
    readonly branches: ReadonlyArray<Pick<SyncBranch, "id" | "fork" | "base" | "heldBytes">>
  }
  /** Bodies of a branch moved from memory to the disk, up to `base`. */
  | { readonly _tag: "Staged"; readonly branch: number; readonly base: number; readonly heldBytes: number }
  /** Bodies of a branch above that height turned out to be useless. */
  | { readonly _tag: "Discarded"; readonly branch: number; readonly above: number; readonly heldBytes: number }
  /** History is settled from now on. */
  | { readonly _tag: "Settled"; readonly oldestFork: number }
  /** What the peer sent proves that it lies. */
  | { readonly _tag: "PeerLied"; readonly peer: PeerIp; readonly fault: SyncFault; readonly detail: string }
  /** `trickled`: bytes of an answer arrived since the timer was armed. */
  | { readonly _tag: "Fired"; readonly timer: SyncTimer; readonly trickled: boolean }

export type SyncAction =
  /** Request at most `count` headers after those that the peer is showing, else after its branch, else after our chain. */
  | { readonly _tag: "GetHeaders"; readonly peer: PeerIp; readonly request: number; readonly count: number }
  /** Request `count` blocks of a branch from height `from`, by hash. At most `Limits.blocksPerRequest`. */
  | {
    readonly _tag: "GetBlocks"
    readonly peer: PeerIp
    readonly request: number
    readonly branch: number
    readonly from: number
    readonly count: number
  }
  /** The request is cancelled: do not keep bodies that still arrive for it, only report them. */
  | { readonly _tag: "Forget"; readonly request: number }
  /** The branch is dropped, with everything held of it. */
  | { readonly _tag: "DropBranch"; readonly branch: number }
  | { readonly _tag: "Arm"; readonly timer: SyncTimer; readonly ms: number }
  | { readonly _tag: "Disarm"; readonly timer: SyncTimer }
  /** The peer stalled: for the log. It is not used while other peers can be. */
  | { readonly _tag: "Stalled"; readonly peer: PeerIp; readonly stalls: number }
  /** Disconnect the peer, which reads the detail. */
  | { readonly _tag: "Drop"; readonly peer: PeerIp; readonly fault: SyncFault; readonly detail: string }
  /** In sync, by `SyncStatus.verdict`. */
  | { readonly _tag: "Done"; readonly tip: SyncTip }
  /** The peer's chain is better, and ours cannot become it. */
  | {
    readonly _tag: "LeftBehind"
    readonly peer: PeerIp
    readonly told: SyncTip
    readonly fork: number
    readonly depth: number
  }

/** A node without peers, on its own chain. */
export const start = (chain: SyncTip, oldestFork = 0): SyncState => ({
  chain,
  oldestFork,
  branches: [],
  current: undefined,
  peers: [],
  headerRequests: [],
  requests: [],
  nextId: 1,
  faults: new Map(),
  synced: false,
  leftBehind: undefined
})

/** The chain's order, on textual tips: longer, then lower hash (`ForkChoice`). */
export const isBetter = (a: SyncTip, b: SyncTip): boolean =>
  a.height > b.height || (a.height === b.height && a.hash < b.hash)
