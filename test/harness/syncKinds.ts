/** Who may be a peer in the planner's world, and what a run says. */
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import type * as SyncState from "../../src/domain/sync/SyncState.ts"

/** `at`: the height from which the peer misbehaves. */
export type Kind =
  | { readonly _tag: "Honest" }
  /** Tells of a height it does not have; its headers end before. */
  | { readonly _tag: "Inflates" }
  /** The same, and says there is more. */
  | { readonly _tag: "Promises" }
  /** Shows headers, has no bodies from `at`: says so, or says nothing. */
  | { readonly _tag: "Withholds"; readonly at: number; readonly silent: boolean }
  /** Headers or bodies from `at` are false. */
  | { readonly _tag: "BadHeader" | "BadBlock"; readonly at: number }
  /** Answers nothing at all. */
  | { readonly _tag: "Silent" }

export interface PeerSpec {
  readonly kind: Kind
  /** By height, genesis first. */
  readonly chain: ReadonlyArray<string>
  readonly latencyMs: number
  readonly blockMs: number
  /** Blocks in one piece of an answer. */
  readonly piece: number
}

export interface World {
  readonly store: ReadonlyArray<string>
  readonly state: SyncState.SyncState
  readonly blamed: ReadonlyMap<PeerIp, SyncState.SyncFault>
  /** How often each peer was dropped. */
  readonly dropped: ReadonlyMap<PeerIp, number>
  /** Peers whose better chain could not become ours, in the order of the reports. */
  readonly left: ReadonlyArray<PeerIp>
  /** The height, whether the node called itself in sync, and how many peers it had dropped, after each event. */
  readonly behind: ReadonlyArray<{
    readonly at: number
    readonly height: number
    readonly synced: boolean
    readonly dropped: number
  }>
  readonly stalled: ReadonlySet<PeerIp>
  /** Blocks stored that came from the peer first. */
  readonly brought: ReadonlyMap<PeerIp, number>
  readonly ms: number
  readonly done: boolean
}
