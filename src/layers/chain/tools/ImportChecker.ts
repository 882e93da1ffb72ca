/** Checks the records of a block file in order, and remembers where the chain ends. */
import { Data } from "effect"
import * as Block from "../../../domain/chain/Block.ts"
import * as BlockHeader from "../../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../../domain/chain/ChainParams.ts"
import * as Hash from "../../../domain/chain/Hash.ts"
import type { Hasher } from "../../../domain/chain/Hasher.ts"
import type { Parent } from "../../../domain/chain/HeaderRules.ts"
import * as HeaderRules from "../../../domain/chain/HeaderRules.ts"
import * as Validation from "../../../domain/chain/Validation.ts"
import type { NetworkName } from "../../../domain/Network.ts"
import type { StoredBlock } from "../../../services/ChainStore.ts"
import { toStored } from "../StoredBlocks.ts"
import type * as ChainFile from "./ChainFile.ts"

/** A block of the file cannot follow. `height`: the height it should have; `offset`: of its length in the file, bytes. */
export class ImportError extends Data.TaggedError("ImportError")<{
  readonly file: string
  readonly height: number
  readonly offset: number
  readonly detail: string
  /** The file's network, if it is another one. */
  readonly network: NetworkName | undefined
}> {
  override get message() {
    return `${this.file}: block ${this.height} at byte ${this.offset}: ${this.detail}`
  }
}

export interface Checked {
  readonly blocks: ReadonlyArray<StoredBlock>
  readonly error: ImportError | undefined
  /** The fault is in the last block before this one, which must not be kept. */
  readonly dropLast: boolean
}

export interface ImportOptions {
  readonly params: ChainParams
  readonly hasher: Hasher
  /** For errors. */
  readonly file: string
  /** Where the stored chain ends, and its hashes by height. */
  readonly tip: Parent
  readonly known: ReadonlyArray<string>
}

export class ImportChecker {
  private readonly options: ImportOptions
  private parent: Parent
  /** Height of the last record, to name the next in errors. */
  private last: number | undefined
  /** Offset of the last new block. */
  private lastNew: number | undefined
  private unlinked = false
  /** File offsets of new blocks by height, until they are stored. */
  private readonly offsets = new Map<number, number>()
  /** Number of blocks that the chain already had. */
  skipped = 0

  constructor(options: ImportOptions) {
    this.options = options
    this.parent = options.tip
  }

  batch({ broken, records }: ChainFile.FileBatch, now: number): Checked {
    const blocks: Array<StoredBlock> = []
    for (const [i, record] of records.entries()) {
      const checked = this.check(record, now)
      if (checked instanceof ImportError) return this.culprit(blocks, checked, record, records[i + 1])
      if (checked !== undefined) blocks.push(checked)
    }
    const error = broken === undefined ? undefined : this.fault(broken.offset, this.due, broken.detail)
    return { blocks, error, dropLast: false }
  }

  wrongFees(height: number, detail: string): ImportError {
    return this.fault(this.offsets.get(height) ?? 0, height, detail)
  }

  /** Blocks up to that height are stored: forget their offsets. */
  stored(height: number): void {
    for (const known of this.offsets.keys()) if (known <= height) this.offsets.delete(known)
  }

  /** Height that the next record should have. */
  private get due(): number {
    return (this.last ?? this.parent.height) + 1
  }

  private fault(offset: number, height: number, detail: string): ImportError {
    return new ImportError({ file: this.options.file, height, offset, detail, network: undefined })
  }

  private check({ bytes, offset }: ChainFile.FileRecord, now: number): StoredBlock | ImportError | undefined {
    const block = Block.decode(bytes)
    if (Block.isMalformed(block)) return this.fault(offset, this.due, `undecodable block (${block.reason})`)
    const { height } = block.header
    return height > this.parent.height || (this.last !== undefined && height !== this.due)
      ? this.checkNew(block, offset, now)
      : this.checkKnown(block, offset)
  }

  private checkNew(block: Block.Block, offset: number, now: number): StoredBlock | ImportError {
    const { due, parent } = this
    const { hasher, params } = this.options
    const { height } = block.header
    const verdict = height === due && height === parent.height + 1
      ? Validation.block(params, hasher, parent, block, now)
      : { _tag: "WrongHeight" as const, expected: due, actual: height }
    this.unlinked = verdict._tag === "WrongParent"
    if (verdict._tag !== "Valid") return this.fault(offset, due, Validation.describe(verdict))
    this.last = height
    this.lastNew = offset
    this.offsets.set(height, offset)
    this.parent = HeaderRules.parentOf(block.header, verdict.hash)
    return toStored(verdict)
  }

  /** A block at a height that the stored chain has: it must be the same. */
  private checkKnown({ header }: Block.Block, offset: number): ImportError | undefined {
    const { hasher, known } = this.options
    const { height } = header
    if (known[height] !== Hash.toHex(BlockHeader.hash(hasher, header))) {
      const detail = height === 0
        ? "it is not this network's first block"
        : `the chain has another block there (${known[height]}); \`timemesh chain rewind ${height - 1}\` makes room`
      return this.fault(offset, height, detail)
    }
    this.last = height
    this.skipped += 1
    return undefined
  }

  /**
   * A flipped bit in hashed data can leave a block that breaks no rule; the fault then shows only in the next block's link. The
   * block after both tells which of the two was changed.
   */
  private culprit(
    blocks: ReadonlyArray<StoredBlock>,
    error: ImportError,
    record: ChainFile.FileRecord,
    next: ChainFile.FileRecord | undefined
  ): Checked {
    const { lastNew, unlinked } = this
    const [block, after] = [Block.decode(record.bytes), next && Block.decode(next.bytes)]
    if (
      !unlinked || lastNew === undefined || Block.isMalformed(block) || after === undefined ||
      Block.isMalformed(after) ||
      !Hash.equals(after.header.previousHash, BlockHeader.hash(this.options.hasher, block.header))
    ) return { blocks, error, dropLast: false }
    const detail = "it is not the block that those after it follow"
    return { blocks, error: this.fault(lastNew, error.height - 1, detail), dropLast: true }
  }
}
