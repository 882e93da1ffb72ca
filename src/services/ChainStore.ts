/**
 * The blocks of one network's best chain, on disk or in memory: heights 0 to tip without a gap, with the genesis at height 0. Beside it is
 * at most one **branch**: blocks that leave the chain at a height (`fork`) and wait until they are better than it.
 *
 * **Shapes**: a block is stored as its bytes, never re-encoded; hashes are 64 lower-case hex digits. The store checks links and
 * heights, not the blocks' contents: the caller has validated them. **Units**: heights and counts of blocks; bytes.
 * **Errors**: one `ChainStoreError` per boundary. After `NotLinked` and `BranchTooLarge` nothing changed. After the others, the completed
 * batches of that call are stored, so ask `tip` or `branch`. **Ordering**: reads see the last completed change. **Concurrency**: any number
 * of fibers. Changes run one at a time, in call order, and readers do not wait for them. Interrupting a change keeps its completed batches;
 * a reorganisation is all or nothing.
 */
import type { Effect } from "effect"
import { Context, Schema } from "effect"
import type { Hash } from "../domain/chain/Hash.ts"
import * as Problem from "../domain/Problem.ts"

/** The database holds another network's chain, or the directory is not ours. */
export class WrongNetwork extends Schema.TaggedError<WrongNetwork>()("WrongNetwork", {
  where: Schema.String,
  expected: Schema.String,
  found: Schema.String
}) {
  get what() {
    return `${this.where} does not hold the ${this.expected} chain (found: ${this.found})`
  }
  get fix() {
    return "choose the right network with --network NAME, or another directory with --data-dir DIR"
  }
  override get message() {
    return Problem.text(this)
  }
}
/** The stored data contradicts itself. `where` names the file; `repair` the command that repairs it. */
export class Damaged extends Schema.TaggedError<Damaged>()("Damaged", {
  where: Schema.String,
  /** The damaged block, if it is one. */
  height: Schema.optional(Schema.Int),
  detail: Schema.String,
  repair: Schema.String
}) {
  get what() {
    return `${this.where} is damaged: ${this.detail}`
  }
  get fix() {
    return this.repair
  }
  override get message() {
    return Problem.text(this)
  }
}
/** No room left (disk full, or database at its maximum size). The chain is intact. */
export class Full extends Schema.TaggedError<Full>()("Full", { where: Schema.String, detail: Schema.String }) {
  get what() {
    return `${this.where} cannot grow: ${this.detail}`
  }
  get fix() {
    return "free some space (the stored chain is intact)"
  }
  override get message() {
    return Problem.text(this)
  }
}
/** The block does not continue the chain, or the branch, at that height. */
export class NotLinked extends Schema.TaggedError<NotLinked>()("NotLinked", {
  height: Schema.Int,
  detail: Schema.String
}) {
  get what() {
    return `block ${this.height} does not continue the chain: ${this.detail}`
  }
  get fix(): string | undefined {
    return undefined
  }
  override get message() {
    return this.what
  }
}
/** The branch exceeds the disk space allowed for a branch. Bytes. */
export class BranchTooLarge extends Schema.TaggedError<BranchTooLarge>()("BranchTooLarge", {
  bytes: Schema.Int,
  limit: Schema.Int
}) {
  get what() {
    return `the branch takes ${this.bytes} bytes, over the limit of ${this.limit}`
  }
  get fix(): string | undefined {
    return undefined
  }
  override get message() {
    return this.what
  }
}
/** The database failed otherwise (gone, locked, server stopped). */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  where: Schema.String,
  detail: Schema.String,
  fix: Schema.optional(Schema.String),
  cause: Schema.Defect()
}) {
  get what() {
    return `${this.where} cannot be used: ${this.detail}`
  }
  override get message() {
    return Problem.text(this)
  }
}

export class ChainStoreError extends Schema.TaggedError<ChainStoreError>()("ChainStoreError", {
  reason: Schema.Union([WrongNetwork, Damaged, Full, NotLinked, BranchTooLarge, Unavailable])
}) {
  /** What is wrong, and where. */
  get what(): string {
    return this.reason.what
  }
  get fix(): string | undefined {
    return this.reason.fix
  }
  /** Both: the one text for log, `status`, events and commands. */
  override get message(): string {
    return this.reason.message
  }
}

/** Height and hash of the last block. */
export interface Tip {
  readonly height: number
  readonly hash: string
}

/** A block with what the store's indexes keep of it. `StoredBlocks.toStored` makes one from a valid block. */
export interface StoredBlock {
  readonly height: number
  readonly hash: string
  /** Hash of the preceding block. */
  readonly previous: string
  /** The whole block, bincode. The store reads the header in it, for its index. */
  readonly bytes: Uint8Array
  /**
   * Ids of its transactions, in order, if there are more than coinbase and reward distribution: recomputing them would cost as much as
   * validation did. A block with just those two has its ids computed on demand, because storing them would slow sync more.
   */
  readonly txids: ReadonlyArray<Hash> | undefined
}

/** The branch beside the chain. */
export interface Branch {
  /** Height of the last block that it shares with the chain. */
  readonly fork: number
  /** Its last block. */
  readonly tip: Tip
  /** Total size of its blocks; at most `Limits.branchBytes`. */
  readonly bytes: number
}

/** The chain, or the branch beside it. */
export type Side = "chain" | "branch"

/** Blocks up to a height: the chain's, or the chain's up to the fork and the branch's above it. */
export interface Span {
  readonly on: Side
  readonly upTo: number
}

/** Position of a transaction in a block. `txid`: 64 hex digits. */
export interface TransactionPlace {
  readonly txid: string
  readonly index: number
}

export class ChainStore extends Context.Service<ChainStore, {
  readonly tip: Effect.Effect<Tip, ChainStoreError>
  /**
   * Drops every block above `after` and appends the blocks in order, as one atomic change up to `Limits.storeBatchBlocks`. Longer lists go
   * in batches, each atomic and each leaving a linked chain. A reorganisation (where `after` is below the tip) is always one batch, however
   * long. `blocks` may be empty: a rewind. Dropping a branch's fork drops the branch; a rewind to genesis makes the chain unsettled.
   */
  readonly append: (after: number, blocks: ReadonlyArray<StoredBlock>) => Effect.Effect<Tip, ChainStoreError>
  /**
   * Bytes of the blocks from a height on, ascending: at most `count`, `Limits.storeReadRows` and `maxBytes` (but at least one block). All
   * from one chain, even during a reorganisation.
   */
  readonly blocks: (
    from: number,
    count: number,
    maxBytes: number
  ) => Effect.Effect<ReadonlyArray<Uint8Array>, ChainStoreError>
  /** Hashes from a height on, ascending, at most `count` with no other bound; all from one chain. */
  readonly hashes: (from: number, count: number) => Effect.Effect<ReadonlyArray<string>, ChainStoreError>
  /**
   * Headers from a height on, ascending, encoded as by `BlockHeader.encode`: at most `count` and `Limits.storeReadRows`, all from one
   * chain. Read from an index, without reading blocks.
   */
  readonly headers: (from: number, count: number) => Effect.Effect<ReadonlyArray<Uint8Array>, ChainStoreError>
  /** Height of a block on the chain; -1 if it is not. The first call may read all hashes (a second per million). */
  readonly heightOf: (hash: string) => Effect.Effect<number, ChainStoreError>
  /**
   * Looks up transactions by their ids. Calls `found` with each block that has some of them and their places in it, ascending. If several
   * blocks have an id, the first counts. One block at a time is in memory. The first call may read the ids of all transactions (two seconds
   * per million blocks).
   */
  readonly findTransactions: (
    txids: ReadonlySet<string>,
    within: Span,
    found: (block: Uint8Array, places: ReadonlyArray<TransactionPlace>) => void
  ) => Effect.Effect<void, ChainStoreError>

  /** The branch stored beside the chain, if any. It survives a restart. */
  readonly branch: Effect.Effect<Branch | undefined, ChainStoreError>
  /**
   * Stores blocks of a branch without touching the chain. If `after` is on the stored branch (its fork included) and the first block
   * follows it, replaces the branch's blocks above it. Otherwise starts a new branch, which must leave the chain at `after`, and drops the
   * old one. Batched as in `append`, each batch atomic. `blocks` must not be empty.
   */
  readonly stage: (after: number, blocks: ReadonlyArray<StoredBlock>) => Effect.Effect<Branch, ChainStoreError>
  /** Hashes of the branch's own blocks from a height on, ascending, at most `count`. */
  readonly branchHashes: (from: number, count: number) => Effect.Effect<ReadonlyArray<string>, ChainStoreError>
  /**
   * Makes the branch the chain: drops the chain's blocks above the fork and moves the branch's into their place, as one atomic change
   * however long both are. Fails with `NotLinked` unless the branch is better: higher, or equally high with a lower tip hash.
   */
  readonly adopt: Effect.Effect<Tip, ChainStoreError>
  /** Drops the branch. */
  readonly unstage: Effect.Effect<void, ChainStoreError>

  /**
   * Whether the chain's history is settled, so that only branches of up to `ChainParams.maxReorg` blocks may replace its end. A new
   * database is unsettled; the state survives a restart.
   */
  readonly settled: Effect.Effect<boolean, ChainStoreError>
  /** Marks the chain's history as settled. */
  readonly settle: Effect.Effect<void, ChainStoreError>
}>()("timemesh/services/ChainStore") {}
