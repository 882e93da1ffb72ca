/** What every chain store checks before it changes anything, and how it cuts long lists into batches. */
import * as Limits from "../../domain/Limits.ts"
import { ChainStoreError, NotLinked } from "../../services/ChainStore.ts"
import type { StoredBlock, Tip } from "../../services/ChainStore.ts"

const digits = /^[0-9a-f]{64}$/

export const isHash = (text: string): boolean => digits.test(text)

export const notLinked = (height: number, detail: string): ChainStoreError =>
  new ChainStoreError({ reason: new NotLinked({ height, detail }) })

/** The blocks continue one another from the height after `after`; the first one's own link is checked by `checkFirst`. */
export const checkBlocks = (after: number, blocks: ReadonlyArray<StoredBlock>): ChainStoreError | undefined => {
  let before: StoredBlock | undefined
  for (const block of blocks) {
    const height = before === undefined ? after + 1 : before.height + 1
    if (block.height !== height) return notLinked(height, `the block in this place says height ${block.height}`)
    if (!isHash(block.hash) || !isHash(block.previous)) {
      return notLinked(height, "a hash is not 64 lower-case hex digits")
    }
    if (before !== undefined && block.previous !== before.hash) {
      return notLinked(height, `it follows ${block.previous}, but the block before it is ${before.hash}`)
    }
    before = block
  }
  return undefined
}

/** `after` is on the chain, and the first block follows the one there (`hash`). */
export const checkFirst = (
  after: number,
  tip: Tip,
  hash: string | undefined,
  first: StoredBlock | undefined
): ChainStoreError | undefined => {
  if (after < 0 || after > tip.height || hash === undefined) {
    return notLinked(after, `there is no such height: the chain has 0 to ${tip.height}`)
  }
  if (first !== undefined && first.previous !== hash) {
    return notLinked(first.height, `it follows ${first.previous}, but the block before it is ${hash}`)
  }
  return undefined
}

/** At most `Limits.storeBatchBlocks` and about `Limits.storeBatchBytes` each, at least one block. */
export const batchesOf = (blocks: ReadonlyArray<StoredBlock>): ReadonlyArray<ReadonlyArray<StoredBlock>> => {
  const batches: Array<ReadonlyArray<StoredBlock>> = []
  let from = 0
  let bytes = 0
  for (let i = 0; i < blocks.length; i++) {
    const size = blocks[i]?.bytes.length ?? 0
    if (i > from && (i - from === Limits.storeBatchBlocks || bytes + size > Limits.storeBatchBytes)) {
      batches.push(blocks.slice(from, i))
      from = i
      bytes = 0
    }
    bytes += size
  }
  if (from < blocks.length) batches.push(blocks.slice(from))
  return batches
}
