/**
 * The node's chain as it follows its peers: what it is doing, in words and numbers, and a way to add a block made here.
 *
 * **Shapes**: `SyncReport` is a snapshot. **Errors**: a block that breaks a rule is refused with what is wrong with it.
 */
import type { Effect } from "effect"
import { Context, Schema } from "effect"
import type { Block } from "../domain/chain/Block.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { SyncTip } from "../domain/sync/SyncState.ts"

/** The block is not on top of our chain, or breaks a rule. `detail` says which. */
export class BlockRefused extends Schema.TaggedError<BlockRefused>()("BlockRefused", { detail: Schema.String }) {
  override get message() {
    return `the block is refused: ${this.detail}`
  }
}

/** One peer as sync uses it. */
export interface SyncPeerReport {
  readonly ip: PeerIp
  readonly height: number
  /** Blocks that this node stored and that came from it since it came up: a block that two peers sent counts for the first. */
  readonly blocks: number
  /** How it is used, or why it is not. */
  readonly use: string
  /** s. By so much its next block is ahead of this node's clock, where that is why it is not used. */
  readonly clockBehindS?: number | undefined
}

export interface SyncReport {
  readonly tip: SyncTip
  /** Height of the best header chain known. */
  readonly headers: number
  /** No connected peer, proven liars aside, announces a better chain. */
  readonly synced: boolean
  /** Whether a block made here extends the best chain that can be followed. */
  readonly mayProduce: boolean
  /** Height that sync heads for: that of the best chain that a peer announces. */
  readonly target: number
  /** `height 1200 of 2480, 5 sources`, or `height 0, 3 peers, not syncing because …`. */
  readonly line: string
  readonly peers: ReadonlyArray<SyncPeerReport>
  readonly reorgs: number
  /** Bodies in memory: they wait for those before them, or for the disk. Bounded by `Limits.syncWindowBlocks`. */
  readonly waiting: { readonly blocks: number; readonly bytes: number }
  /** Requests of peers for headers and blocks that wait for their answer. */
  readonly requests: number
}

export class Sync extends Context.Service<Sync, {
  readonly report: Effect.Effect<SyncReport>
  /** Validates, stores and announces a block made here. */
  readonly add: (block: Block) => Effect.Effect<SyncTip, BlockRefused>
}>()("timemesh/services/Sync") {}
