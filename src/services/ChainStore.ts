/**
 * The blocks of one network's best chain, on disk or in memory: heights 0 to tip without a gap, height 0 the genesis.
 *
 * **Shapes**: a block is stored as its bytes, never re-encoded; hashes are 64 lower-case hex digits. The store checks links and
 * heights, not the blocks' contents: whoever appends has validated. **Units**: heights and counts of blocks; bytes.
 * **Errors**: one `ChainStoreError` per boundary. After `NotLinked` the chain is as it was before the call; after the others
 * the batches of that call that were complete are there, so ask `tip`. **Ordering**: reads see the last completed `append`.
 * **Concurrency**: any number of fibers; appends run one after the other, in the order of the calls, and readers do not wait
 * for them. Interrupting an `append` leaves what it had completed: whole batches, or of a reorganisation all or nothing.
 */
import type { Effect } from "effect"
import { Context, Schema } from "effect"

/** The database holds another network's chain, or the directory is not ours. */
export class WrongNetwork extends Schema.TaggedError<WrongNetwork>()("WrongNetwork", {
  where: Schema.String,
  expected: Schema.String,
  found: Schema.String
}) {}
/** What is stored contradicts itself. `where` names the file; `repair` the command that repairs it. */
export class Damaged extends Schema.TaggedError<Damaged>()("Damaged", {
  where: Schema.String,
  detail: Schema.String,
  repair: Schema.String
}) {}
/** No room left (disk full, database at its greatest size). The chain is intact. */
export class Full extends Schema.TaggedError<Full>()("Full", { where: Schema.String, detail: Schema.String }) {}
/** The block does not continue the chain at that height. */
export class NotLinked extends Schema.TaggedError<NotLinked>()("NotLinked", {
  height: Schema.Int,
  detail: Schema.String
}) {}
/** The database failed otherwise (gone, locked, server stopped). */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  where: Schema.String,
  cause: Schema.Defect()
}) {}

export class ChainStoreError extends Schema.TaggedError<ChainStoreError>()("ChainStoreError", {
  reason: Schema.Union([WrongNetwork, Damaged, Full, NotLinked, Unavailable])
}) {}

/** Height and hash of the last block. */
export interface Tip {
  readonly height: number
  readonly hash: string
}

export interface StoredBlock {
  readonly height: number
  readonly hash: string
  /** Hash of the block before it. */
  readonly previous: string
  /** The whole block, bincode. */
  readonly bytes: Uint8Array
}

export class ChainStore extends Context.Service<ChainStore, {
  readonly tip: Effect.Effect<Tip, ChainStoreError>
  /**
   * Drops every block above `after` and appends the blocks, in order, as one atomic change up to
   * `Limits.storeBatchBlocks`; longer lists in batches, each atomic and each leaving a linked chain. A reorganisation (where
   * `after` is below the tip) is always one batch, however long. `blocks` may be empty: a rewind.
   */
  readonly append: (after: number, blocks: ReadonlyArray<StoredBlock>) => Effect.Effect<Tip, ChainStoreError>
  /**
   * Bytes of the blocks from a height on, ascending: at most `count` and at most `Limits.storeReadRows`, at most `maxBytes` (but
   * one block at least). All of one chain, also when it is being reorganised.
   */
  readonly blocks: (
    from: number,
    count: number,
    maxBytes: number
  ) => Effect.Effect<ReadonlyArray<Uint8Array>, ChainStoreError>
  /** Hashes from a height on, ascending, at most `count`, however many; all of one chain. */
  readonly hashes: (from: number, count: number) => Effect.Effect<ReadonlyArray<string>, ChainStoreError>
  /** Height of a block on the chain; -1 if it is not. The first call may read all hashes (a second per million). */
  readonly heightOf: (hash: string) => Effect.Effect<number, ChainStoreError>
}>()("timemesh/services/ChainStore") {}
