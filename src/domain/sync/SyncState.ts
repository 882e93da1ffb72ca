/**
 * The vocabulary of headers-first sync: what one node keeps while it follows its peers' chains, what can happen, and what
 * must be done. `SyncPlan.step(state, event) → [state, actions]` is pure.
 *
 * **What counts.** A *told* tip entitles a peer to be asked for headers, no more. *Shown* headers make a branch, whose bodies are
 * asked of the peers that showed it. *Delivered* blocks are progress: they grow the chain, and the credit of their branch. Every
 * branch is fetched beside the others, so that one that no peer delivers holds up none.
 *
 * The planner sees heights and tips, never headers or bodies: those, their validation and the store are the driver's. State holds
 * no time: durations come in with events, timers are the actions `Arm`/`Disarm` and the event `Fired`.
 */
import type { PeerIp } from "../peer/PeerIp.ts"
import type { Ranges } from "./Ranges.ts"

/** A block by height and hash, 64 hex digits. */
export interface SyncTip {
  readonly height: number
  readonly hash: string
}

/** Why a peer is dropped. An honest peer does nothing of this kind, however slow it is. */
export type SyncFault =
  /** A header or list of headers that breaks the rules or does not link. */
  | "bad-header"
  /** A body that breaks the rules. */
  | "bad-block"
  /** Another block than the one asked for. */
  | "wrong-block"
  /** It showed the header and says that it does not have the block, again and again. */
  | "withheld"
  /** It announced a height that its headers do not reach. */
  | "inflated-height"
  /** It says there are more headers and sends none. */
  | "empty-headers"
  /** No byte of an answer over several waits, each twice the last. */
  | "unresponsive"
  /** Bytes, but no whole block or header list, over several waits, each twice the last. */
  | "stalled"
  /** An answer that is undecodable, or to no request. */
  | "protocol"

/** Why a peer that announces a better chain is not asked for it, for now. */
export type Holdoff =
  /** It was dropped before, and has not yet been connected for long enough. */
  | "probation"
  /** Its next header is in the future by our clock. */
  | "future"
  /** Its chain leaves ours below the greatest reorganisation. */
  | "too-deep"
  /** Its copy of a block cannot be used, which is no fault of its own: other peers are asked for the block. */
  | "copy"

/** Headers that a peer has shown and that are better than our chain, or were when it began. */
export interface SyncBranch {
  readonly id: number
  /** Height of the last block that it shares with our chain. */
  readonly fork: number
  /** Its last shown header. */
  readonly tip: SyncTip
  /** Up to here its bodies are on the disk: `fork`, or further when they are staged beside the chain. */
  readonly base: number
  /** Its bodies above `base` that came. */
  readonly held: Ranges
  /** bytes of those in memory. */
  readonly heldBytes: number
  /** Blocks that came for it so far. What it may cost us grows with them. */
  readonly delivered: number
  /** An earlier branch with the same headers up to a height above `fork`: those bodies are asked for only once. */
  readonly trunk: { readonly id: number; readonly upTo: number } | undefined
}

/** The branch that a peer is on: it is expected to have its blocks up to `height`. */
export interface OnBranch {
  readonly branch: number
  readonly height: number
  /** Up to here its own headers say so, or its told tip, which is one of them; −1: nothing does. */
  readonly shown: number
}

/** One peer as sync sees it. */
export interface SyncPeer {
  readonly id: PeerIp
  /** The tip it announced last. Nothing that we accept or refuse changes it. */
  readonly told: SyncTip
  readonly on: OnBranch | undefined
  /** From here on it does not have that branch's blocks, by its own word. */
  readonly lacks: number
  /** Height of the last header it showed, while there were more; −1: none. */
  readonly reached: number
  /** Headers it may be asked for at once. */
  readonly headerBatch: number
  /** Blocks it may be asked for at once, growing with good answers. */
  readonly batch: number
  /** ms. Smoothed time between an answer's pieces; `undefined` before the first. */
  readonly pieceMs: number | undefined
  /** ms. Smoothed time per block; `undefined` before the first. */
  readonly blockMs: number | undefined
  /** Requests whose answers are to come, void ones too, in order: answers come in the order of the requests. */
  readonly pending: ReadonlyArray<number>
  /** Waits in a row that passed without a whole piece of an answer. While over 0, others are asked instead. */
  readonly stalls: number
  /** In the last of these waits at least bytes came. */
  readonly trickles: boolean
  /** Whole pieces of answers it sent. */
  readonly answers: number
  /** Times in a row it lacked a block whose header it had shown. */
  readonly refusals: number
  /** Copies of blocks in a row that could not be used. */
  readonly badCopies: number
  /** Its headers are to be asked for, although what it told is known or no better. */
  readonly recheck: boolean
  readonly holdoff: Holdoff | undefined
  /** How often it was held off in a row: the next time is twice as long. */
  readonly holdoffs: number
  /** Its chain is better than ours and leaves it at `fork`, too deep to follow. */
  readonly apart: { readonly fork: number; readonly depth: number } | undefined
  /** Seconds by which our clock is behind its headers, if it showed such. */
  readonly clockBehind: number | undefined
  /** It is dropped for that. */
  readonly blamed: SyncFault | undefined
}

/** Blocks asked of one peer. */
export interface SyncRequest {
  readonly id: number
  readonly peer: PeerIp
  readonly branch: number
  /** What is left of it: `next…to`. Answers come in order. */
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
  /** What the peer announced before it was asked: its headers must reach it. */
  readonly told: SyncTip
  /** Height of the last header it had shown by then, while there were more: its headers must go beyond. −1: none. */
  readonly reached: number
  /** Others are asked instead; a late answer still counts. */
  readonly stalled: boolean
}

export interface SyncState {
  /** Our chain: what is stored. */
  readonly chain: SyncTip
  /** A branch that leaves our chain below this height is not followed. */
  readonly oldestFork: number
  readonly branches: ReadonlyArray<SyncBranch>
  /** The branch that our chain last grew by. */
  readonly current: number | undefined
  readonly peers: ReadonlyArray<SyncPeer>
  readonly headerRequests: ReadonlyArray<HeaderRequest>
  readonly requests: ReadonlyArray<SyncRequest>
  /** Id of the next request. */
  readonly nextId: number
  /** Faults of peers that are or were connected, the longest unchanged first. At most `Limits.rememberedFaults`. */
  readonly faults: ReadonlyMap<PeerIp, number>
  /** The last `Done` still holds. */
  readonly synced: boolean
  /** The last `LeftBehind` still holds: of whom. */
  readonly leftBehind: PeerIp | undefined
}

export type SyncTimer =
  /** Each peer with an answer to give, to a void request too, has one: any whole piece of an answer starts it anew. */
  | { readonly _tag: "Answer"; readonly peer: PeerIp }
  /** Each peer that is held off has one. */
  | { readonly _tag: "Holdoff"; readonly peer: PeerIp }

/** Where the last of a peer's headers belongs. */
export type Placed =
  /** On our chain. */
  | { readonly _tag: "Chain" }
  /** On a branch, whose description this is: new, longer, or as it was. */
  | {
    readonly _tag: "Branch"
    readonly branch: Pick<SyncBranch, "id" | "fork" | "tip" | "trunk">
  }
  /** It leaves our chain at `fork` and is no better yet. */
  | { readonly _tag: "Worse"; readonly fork: number }
  /** It is better, and leaves our chain at `fork`, below `oldestFork`. */
  | { readonly _tag: "TooDeep"; readonly fork: number }

export type SyncEvent =
  | { readonly _tag: "PeerUp"; readonly peer: PeerIp; readonly tip: SyncTip; readonly on: OnBranch | undefined }
  | { readonly _tag: "PeerDown"; readonly peer: PeerIp }
  /** `on`: where that tip is among shown headers, if it is. */
  | { readonly _tag: "TipAnnounced"; readonly peer: PeerIp; readonly tip: SyncTip; readonly on: OnBranch | undefined }
  /** Headers that link and break no rule. `count` of them, the last is `last` (the shared one before them if none). */
  | {
    readonly _tag: "HeadersReceived"
    readonly peer: PeerIp
    readonly request: number
    readonly count: number
    readonly last: SyncTip
    readonly placed: Placed
    /** Peers whose told tip is one of these headers. */
    readonly also: ReadonlyArray<PeerIp>
    /** Whether the peer has more behind `last`. `not-yet`: it sent more, which may become valid with time. */
    readonly more: "yes" | "no" | "not-yet"
    /** With `not-yet`: seconds by which our clock is behind the last header it sent, and ms until the first of them is due. */
    readonly clockBehind: number | undefined
    readonly dueMs: number
    /** ms since the request, or since the piece before. */
    readonly ms: number
  }
  /** An answer to a request about a chain that is not ours any more. It holds nothing of use, and no peer is to blame. */
  | { readonly _tag: "HeadersVoid"; readonly peer: PeerIp; readonly request: number }
  /**
   * The next `count` blocks of a request, all valid (of a void one: unread). `done`: the answer is over; with blocks
   * missing, the peer cut it short, or lacks the next if there are none at all.
   */
  | {
    readonly _tag: "BlocksReceived"
    readonly peer: PeerIp
    readonly request: number
    readonly count: number
    readonly done: boolean
    /** The peer's copy of the block after these cannot be used, now or ever; its hash says nothing against the block. */
    readonly unusable?: boolean
    /** bytes of these blocks that are held now. */
    readonly bytes: number
    /** ms since the preceding piece, or since the request when there was nothing to answer before it. */
    readonly ms: number
  }
  /** A valid block that goes on top of our chain or of a branch, header and body: pushed by a peer, or made here. */
  | {
    readonly _tag: "BlockAdded"
    readonly branch: Pick<SyncBranch, "id" | "fork" | "tip">
    readonly height: number
    readonly bytes: number
  }
  /** Our chain is another one, by blocks of `branch`. Every branch's new fork, and bytes held. */
  | {
    readonly _tag: "Stored"
    readonly tip: SyncTip
    readonly branch: number
    readonly oldestFork: number
    readonly branches: ReadonlyArray<Pick<SyncBranch, "id" | "fork" | "base" | "heldBytes">>
  }
  /** Bodies of a branch moved from memory to the disk, up to `base`. */
  | { readonly _tag: "Staged"; readonly branch: number; readonly base: number; readonly heldBytes: number }
  /** Bodies of a branch above that height turned out to be worthless. */
  | { readonly _tag: "Discarded"; readonly branch: number; readonly above: number; readonly heldBytes: number }
  /** History counts as settled from now on. */
  | { readonly _tag: "Settled"; readonly oldestFork: number }
  /** What the peer sent proves that it lies. */
  | { readonly _tag: "PeerLied"; readonly peer: PeerIp; readonly fault: SyncFault; readonly detail: string }
  /** `trickled`: bytes of an answer came since the timer was armed. */
  | { readonly _tag: "Fired"; readonly timer: SyncTimer; readonly trickled: boolean }

export type SyncAction =
  /** Ask for at most `count` headers behind what the peer is showing, else behind the branch it is on, else behind our chain. */
  | { readonly _tag: "GetHeaders"; readonly peer: PeerIp; readonly request: number; readonly count: number }
  /** Ask for `count` blocks of a branch from height `from`, by hash. At most `Limits.blocksPerRequest`. */
  | {
    readonly _tag: "GetBlocks"
    readonly peer: PeerIp
    readonly request: number
    readonly branch: number
    readonly from: number
    readonly count: number
  }
  /** The request is void: bodies that still come for it are not to be kept, only told. */
  | { readonly _tag: "Forget"; readonly request: number }
  /** The branch is gone, and what is held of it. */
  | { readonly _tag: "DropBranch"; readonly branch: number }
  | { readonly _tag: "Arm"; readonly timer: SyncTimer; readonly ms: number }
  | { readonly _tag: "Disarm"; readonly timer: SyncTimer }
  /** The peer kept us waiting: for the log. It is not used while others can be. */
  | { readonly _tag: "Stalled"; readonly peer: PeerIp; readonly stalls: number }
  /** Disconnect the peer, which reads the detail. */
  | { readonly _tag: "Drop"; readonly peer: PeerIp; readonly fault: SyncFault; readonly detail: string }
  /** In sync, as `SyncStatus.verdict` says. */
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

/** The chain's order, on tips as text: longer, then lower hash (`ForkChoice`). */
export const isBetter = (a: SyncTip, b: SyncTip): boolean =>
  a.height > b.height || (a.height === b.height && a.hash < b.hash)
