/** Checks that every chain store makes before it changes anything, and how long lists are cut into batches. */
import * as Limits from "../../domain/Limits.ts"
import { BranchTooLarge, ChainStoreError, NotLinked } from "../../services/ChainStore.ts"
import type { StoredBlock, Tip } from "../../services/ChainStore.ts"

const digits = /^[0-9a-f]{64}$/

export const isHash = (text: string): boolean => digits.test(text)

export const notLinked = (height: number, detail: string): ChainStoreError =>
  new ChainStoreError({ reason: new NotLinked({ height, detail }) })

/** Each block must continue the one before, from the height after `after`. `checkFirst` checks the first block's own link. */
export const checkBlocks = (after: number, blocks: ReadonlyArray<StoredBlock>): ChainStoreError | undefined => {
  let before: StoredBlock | undefined
  for (const block of blocks) {
    const height = before === undefined ? after + 1 : before.height + 1
    if (block.height !== height) return notLinked(height, `the block in this place says height ${block.height}`)
    if (before !== undefined && block.previous !== before.hash) {
      return notLinked(height, `it follows ${block.previous}, but the block before it is ${before.hash}`)
    }
    if (!isHash(block.hash) || (before === undefined && !isHash(block.previous))) {
      return notLinked(height, "a hash is not 64 lower-case hex digits")
    }
    before = block
  }
  return undefined
}

/** `after` must be a height of the chain, and the first block must follow the block there, whose hash is `hash`. */
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

/** Each batch holds at least one block, at most `most`, and about `Limits.storeBatchBytes` at most. */
export const batchesOf = (
  blocks: ReadonlyArray<StoredBlock>,
  most: number = Limits.storeBatchBlocks
): ReadonlyArray<ReadonlyArray<StoredBlock>> => {
  const batches: Array<ReadonlyArray<StoredBlock>> = []
  let from = 0
  let bytes = 0
  for (let i = 0; i < blocks.length; i++) {
    const size = blocks[i]?.bytes.length ?? 0
    if (i > from && (i - from === most || bytes + size > Limits.storeBatchBytes)) {
      batches.push(blocks.slice(from, i))
      from = i
      bytes = 0
    }
    bytes += size
  }
  if (from < blocks.length) batches.push(blocks.slice(from))
  return batches
}

/** Bytes that blocks count against `Limits.branchBytes`. */
export const branchBytes = (blocks: ReadonlyArray<StoredBlock>): number =>
  blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** Whether a branch of this many bytes may be kept. */
export const checkBranch = (bytes: number): ChainStoreError | undefined =>
  bytes > Limits.branchBytes
    ? new ChainStoreError({ reason: new BranchTooLarge({ bytes, limit: Limits.branchBytes }) })
    : undefined

/**
 * Whether blocks after `after` continue the stored branch or begin a new one. `hashes`: the hash at height `after` on the chain,
 * and on the branch (its fork included).
 */
export const stagePlace = (
  after: number,
  first: StoredBlock | undefined,
  hashes: { readonly chain: string | undefined; readonly branch: string | undefined }
): "branch" | "chain" | ChainStoreError => {
  if (first === undefined) return notLinked(after, "there are no blocks to stage")
  if (first.previous === hashes.branch) return "branch"
  if (first.previous === hashes.chain) return "chain"
  return notLinked(first.height, `it follows ${first.previous}, which is neither on the chain nor on the branch`)
}

export const noBranch = notLinked(0, "no branch is stored")

/** Whether the branch may become the chain: only if it is better. */
export const checkAdoption = (chain: Tip, branch: Tip | undefined): ChainStoreError | undefined => {
  if (branch === undefined) return noBranch
  const better = branch.height > chain.height || (branch.height === chain.height && branch.hash < chain.hash)
  if (better) return undefined
  return notLinked(branch.height, `the branch to ${branch.height} is not better than the chain to ${chain.height}`)
}
