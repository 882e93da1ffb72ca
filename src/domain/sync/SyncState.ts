/**
 * The vocabulary of headers-first sync: what one node keeps while it follows its peers' chains, what can happen, and what
 * must be done. `SyncPlan.step(state, event) → [state, actions]` is pure.
 *
 * The planner decides whom to ask for what, and who pays when it does not come. It sees heights and tips, never headers or
 * bodies: those, their validation, the header chain and the store are the driver's. State holds no time: durations come
 * in with events, timers are the actions `Arm`/`Disarm` and the event `Fired`.
 */
import type { PeerIp } from "../peer/PeerIp.ts"
import type { Ranges } from "./Ranges.ts"

/** A block by height and hash, 64 hex digits. */
export interface SyncTip {
  readonly height: number
  readonly hash: string
}

/** What a peer is blamed for. Each is a thing an honest peer does not do, however slow it is. */
export type SyncFault =
  /** A header or list of headers that breaks the rules or does not link. */
  | "bad-header"
  /** A body that breaks the rules. */
  | "bad-block"
  /** Another block than the one asked for. */
  | "wrong-block"
  /** It showed the header and does not give the body, again and again. */
  | "withheld"
  /** It told of a height that its headers do not reach. */
  | "inflated-height"
  /** It says there are more headers and sends none. */
  | "empty-headers"
  /** Not a byte of an answer over several waits, each twice the last. */
  | "unresponsive"
  /** An answer that is none, or to no question. */
  | "protocol"

/** One peer as sync sees it. */
export interface SyncPeer {
  readonly id: PeerIp
  /** What it last told of itself. */
  readonly tip: SyncTip
  /** Up to here its own headers showed its chain to be our header chain. */
  readonly shared: number
  /** From here on it does not have our header chain's blocks, by its own word. */
  readonly lacks: number
  /** ms. Smoothed time between an answer's pieces; `undefined` before the first. */
  readonly pieceMs: number | undefined
  /** ms. Smoothed time per block; `undefined` before the first. */
  readonly blockMs: number | undefined
  /** Blocks it may be asked for at once, growing with good answers. */
  readonly batch: number
  /** Answers to void requests that are still to come: nothing takes a request back. */
  readonly owed: number
  /** Waits in a row that passed without a byte of an answer. While over 0, others are asked instead. */
  readonly stalls: number
  /** Times in a row it lacked a block whose header it had shown. */
  readonly refusals: number
  /** Its headers are to be asked for again, although its tip is no better than ours. */
  readonly recheck: boolean
  /** Its chain is better than ours but leaves it too deep. */
  readonly tooDeep: boolean
  /** It lied: not used until it has gone. */
  readonly blamed: SyncFault | undefined
}

/** Blocks asked of one peer. */
export interface SyncRequest {
  readonly id: number
  readonly peer: PeerIp
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
  /** The height the peer told of before it was asked: its headers must reach it. */
  readonly told: number
  /** Height of the last header of the conversation so far; −1: none yet. */
  readonly reached: number
}

export interface SyncState {
  /** Our chain: what is stored. */
  readonly chain: SyncTip
  /** Tip of the best header chain known. */
  readonly headers: SyncTip
  /** Up to here our chain is the header chain: the tip of `chain`, or where the header chain leaves it. */
  readonly base: number
  /** Bodies above `base` that came and wait for those before them. */
  readonly held: Ranges
  readonly heldBytes: number
  readonly peers: ReadonlyArray<SyncPeer>
  readonly headerRequest: HeaderRequest | undefined
  readonly requests: ReadonlyArray<SyncRequest>
  /** Id of the next request. */
  readonly nextId: number
  /** The last `Done` still holds. */
  readonly synced: boolean
}

/** Each peer with an answer to give, to a void request too, has one running timer: any piece of an answer starts it anew. */
export interface SyncTimer {
  readonly peer: PeerIp
}

export type SyncEvent =
  | { readonly _tag: "PeerUp"; readonly peer: PeerIp; readonly tip: SyncTip }
  | { readonly _tag: "PeerDown"; readonly peer: PeerIp }
  | { readonly _tag: "TipAnnounced"; readonly peer: PeerIp; readonly tip: SyncTip }
  /**
   * Headers that link and break no rule. `count` of them, the last is `last` (the shared one before them when there are
   * none); `fork`: height of the last header that is in our header chain too.
   */
  | {
    readonly _tag: "HeadersReceived"
    readonly peer: PeerIp
    /** The request this answers: answers come in the order of the requests. */
    readonly request: number
    readonly count: number
    readonly fork: number
    readonly last: SyncTip
    /** `adopted`: our header chain now is theirs up to `last`. `kept`: ours is at least as good. */
    readonly choice: "adopted" | "kept" | "too-deep"
    /** The last height at which our chain and the header chain, as it is now, are the same. */
    readonly base: number
    /** Bytes of all bodies that are held still. */
    readonly heldBytes: number
    /** Whether the peer has more behind `last`. `not-yet`: it sent more, which may become valid with time. */
    readonly more: "yes" | "no" | "not-yet"
    /** ms since the request. */
    readonly ms: number
  }
  /**
   * An answer to a question about a chain that is not ours any more: our header chain has moved to another branch since. There
   * is nothing in it to use, and nobody is to blame.
   */
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
    /** Bytes of all bodies that are held now. */
    readonly heldBytes: number
    /** ms since the preceding piece, or since the request when there was nothing to answer before it. */
    readonly ms: number
  }
  /** Bytes of an answer came that are no whole piece yet: the peer is slow, not silent. */
  | { readonly _tag: "Progress"; readonly peer: PeerIp }
  /** Our chain changed: by bodies asked for, by a block pushed to us, or made here. `headers`: the header chain's tip now. */
  | {
    readonly _tag: "Stored"
    readonly tip: SyncTip
    readonly headers: SyncTip
    /** The last height at which the two are the same chain. */
    readonly base: number
    /** Bytes of all bodies that are held still. */
    readonly heldBytes: number
  }
  /** What the peer sent proves that it lies. */
  | { readonly _tag: "PeerLied"; readonly peer: PeerIp; readonly fault: SyncFault; readonly detail: string }
  | { readonly _tag: "Fired"; readonly timer: SyncTimer }

export type SyncAction =
  /** Ask for headers behind a locator: of the branch the peer is showing, else of the header chain. */
  | { readonly _tag: "GetHeaders"; readonly peer: PeerIp; readonly request: number }
  /** Ask for `count` blocks of the header chain from height `from`, by hash. At most `Limits.blocksPerRequest`. */
  | {
    readonly _tag: "GetBlocks"
    readonly peer: PeerIp
    readonly request: number
    readonly from: number
    readonly count: number
  }
  /** The request is void: bodies that still come for it are not to be kept, only told. */
  | { readonly _tag: "Forget"; readonly request: number }
  | { readonly _tag: "Arm"; readonly timer: SyncTimer; readonly ms: number }
  | { readonly _tag: "Disarm"; readonly timer: SyncTimer }
  /** The peer kept us waiting: for the log. It is not used while others can be. */
  | { readonly _tag: "Stalled"; readonly peer: PeerIp; readonly stalls: number }
  | { readonly _tag: "Blame"; readonly peer: PeerIp; readonly fault: SyncFault; readonly detail: string }
  /** Nobody who answers has the header chain's bodies: it is our chain again, and held bodies above `base` are dropped. */
  | { readonly _tag: "Abandon"; readonly base: number }
  /** Our chain is as good as any that a usable peer tells of. */
  | { readonly _tag: "Done"; readonly tip: SyncTip }

/** A node that knows no peer, on its own chain. */
export const start = (chain: SyncTip): SyncState => ({
  chain,
  headers: chain,
  base: chain.height,
  held: [],
  heldBytes: 0,
  peers: [],
  headerRequest: undefined,
  requests: [],
  nextId: 1,
  synced: false
})

/** The chain's order, on tips as text: longer, then lower hash (`ForkChoice`). */
export const isBetter = (a: SyncTip, b: SyncTip): boolean =>
  a.height > b.height || (a.height === b.height && a.hash < b.hash)
