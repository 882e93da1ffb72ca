/**
 * The node's chain as it follows its peers: its state in words and numbers, and a way to add a block made here.
 *
 * **Shapes**: `SyncReport` is a snapshot. **Errors**: a block that breaks a rule is refused with the rule it breaks.
 */
import type { Effect } from "effect"
import { Context, Schema } from "effect"
import type { Block } from "../domain/chain/Block.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Problem } from "../domain/Problem.ts"
import type { SyncTip } from "../domain/sync/SyncState.ts"

/** The block does not extend our tip, or breaks a rule. `detail` says which. */
export class BlockRefused extends Schema.TaggedError<BlockRefused>()("BlockRefused", { detail: Schema.String }) {
  override get message() {
    return `the block is refused: ${this.detail}`
  }
}

/** One peer as sync uses it. */
export interface SyncPeerReport {
  readonly ip: PeerIp
  readonly height: number
  /** Blocks from this peer that this node stored since the peer came up. If two peers sent a block, it counts for the first. */
  readonly blocks: number
  /** How the peer is used, or why it is not. */
  readonly use: string
  /** s. How far its next block is ahead of this node's clock, if that is why it is not used. */
  readonly clockBehindS?: number | undefined
}

export interface SyncReport {
  readonly tip: SyncTip
  /** Height of the best header chain known. */
  readonly headers: number
  /** No connected peer, except proven liars, announces a better chain. */
  readonly synced: boolean
  /** Whether a block made here extends the best chain that can be followed: true without peers. */
  readonly mayProduce: boolean
  /** Height that sync is heading for: the height of the best chain that a peer announces. */
  readonly target: number
  /** `height 1200 of 2480, 5 sources`, or `height 0, 3 peers, not syncing because …`. */
  readonly line: string
  /** Why blocks are not stored (a full disk, say); absent while they are. */
  readonly halted?: Problem | undefined
  readonly peers: ReadonlyArray<SyncPeerReport>
  readonly reorgs: number
  /** Bodies in memory, waiting for earlier bodies or for the disk. Bounded by `Limits.syncWindowBlocks`. */
  readonly waiting: { readonly blocks: number; readonly bytes: number }
  /** Peers' requests for headers and blocks that are not answered yet. */
  readonly requests: number
}

export class Sync extends Context.Service<Sync, {
  readonly report: Effect.Effect<SyncReport>
  /** Validates, stores and announces a block made here. */
  readonly add: (block: Block) => Effect.Effect<SyncTip, BlockRefused>
}>()("timemesh/services/Sync") {}
