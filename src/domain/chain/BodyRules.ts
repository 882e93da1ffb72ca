/**
 * Rules for a block's body under its header, from the block alone: `Fees` checks the values of spent outputs once the preceding blocks are
 * known. Signatures of inputs and the pool's share per masternode are not checked. The network does not check the former either; only
 * daemons with its masternode registry can check the latter (docs/decisions/0030).
 */
import * as Limits from "../Limits.ts"
import * as Block from "./Block.ts"
import * as ChainParams from "./ChainParams.ts"
import * as DistributionRules from "./DistributionRules.ts"
import * as Fees from "./Fees.ts"
import * as Hash from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import * as Merkle from "./Merkle.ts"
import * as SpecialDataRules from "./SpecialDataRules.ts"
import type { OutPoint, Transaction } from "./Transaction.ts"
import * as U64 from "./U64.ts"

/** `detail` is for the log. */
export type BodyFault =
  | DistributionRules.DistributionFault
  | Fees.FeeFault
  /** `committed`: the parts that the hash covers are too large on their own. */
  | { readonly _tag: "TooLarge"; readonly bytes: number; readonly limit: number; readonly committed: boolean }
  | { readonly _tag: "WrongMerkleRoot" }
  /** `index`: of the second of the two. `padded`: the list may be a good block's with its end repeated. */
  | { readonly _tag: "DuplicateTransaction"; readonly index: number; readonly padded: boolean }
  | { readonly _tag: "BadVrf"; readonly detail: string }
  | { readonly _tag: "TooFewTransactions"; readonly actual: number }
  | { readonly _tag: "BadCoinbase"; readonly detail: string }
  /** A recent transaction without inputs and outputs whose special data is missing or not genuine. */
  | { readonly _tag: "GhostTransaction"; readonly index: number }

/** A body that breaks no rule. */
export interface ValidBody {
  readonly _tag: "ValidBody"
  readonly txids: ReadonlyArray<Hash.Hash>
  /** Outputs of earlier blocks whose values the fees depend on: if there are any, `Fees.check` must run. */
  readonly spends: ReadonlyArray<OutPoint>
}

/** bytes. */
const vrfProofBytes = 80

/**
 * The first rule that the body breaks, or what was computed from a valid body.
 *
 * @param now ms since 1970
 */
export const check = (
  params: ChainParams.ChainParams,
  hasher: Hasher,
  block: Block.Block,
  now: number
): BodyFault | ValidBody => {
  const { header, transactions } = block
  if (block.bytes.length > params.maxBlockBytes) return tooLarge(params, block)
  const vrf = checkVrf(block)
  if (vrf !== undefined) return { _tag: "BadVrf", detail: vrf }
  const txids = Merkle.txids(hasher, transactions)
  if (
    !Hash.equals(Merkle.root(hasher, txids), header.merkleRoot) &&
    !Merkle.isLegacyRoot(hasher, transactions, header.merkleRoot)
  ) return { _tag: "WrongMerkleRoot" }
  const duplicate = duplicateAt(txids)
  if (duplicate !== undefined) {
    return { _tag: "DuplicateTransaction", index: duplicate, padded: Merkle.mayBePadded(hasher, txids) }
  }
  const [coinbase, distribution] = transactions
  const [coinbaseId] = txids
  if (coinbase === undefined || distribution === undefined || coinbaseId === undefined) {
    return { _tag: "TooFewTransactions", actual: transactions.length }
  }
  const spends = Fees.spentBy(block)
  return checkCoinbase(block, coinbase) ??
    (spends.length === 0 ? Fees.check(params, block, () => undefined) : undefined) ??
    DistributionRules.check(block, distribution, coinbaseId) ??
    checkGhosts(params, hasher, block, now) ??
    { _tag: "ValidBody", txids, spends }
}

const none = new Uint8Array(0)

/** The block without what a relay may add to it: proofs, signatures, attestations, memos and the reward list. */
const committedPart = (block: Block.Block): Block.BlockFields => ({
  header: { ...block.header, vrfProof: none, producerSignature: none },
  transactions: block.transactions.map((transaction): Transaction => ({ ...transaction, encryptedMemo: undefined })),
  masternodeRewards: [],
  timeAttestations: [],
  consensusParticipantsBitmap: none,
  livenessRecovery: undefined
})

const tooLarge = ({ maxBlockBytes: limit }: ChainParams.ChainParams, block: Block.Block): BodyFault => ({
  _tag: "TooLarge",
  bytes: block.bytes.length,
  limit,
  committed: Block.encode(committedPart(block)).length > limit
})

const checkVrf = ({ header: { vrfOutput, vrfProof, vrfScore } }: Block.Block): string | undefined => {
  if (vrfProof.length === 0) return undefined
  if (vrfProof.length !== vrfProofBytes) return `proof of ${vrfProof.length} bytes, expected ${vrfProofBytes}`
  let score = 0n
  for (let i = 7; i >= 0; i--) score = (score << 8n) | BigInt(vrfOutput[i] ?? 0)
  return U64.of(score) === vrfScore ? undefined : "the score does not match the output"
}

const duplicateAt = (txids: ReadonlyArray<Hash.Hash>): number | undefined => {
  if (txids.length > Limits.txidsComparedInPairs) {
    const seen = new Set<string>()
    for (const [i, txid] of txids.entries()) {
      const key = Hash.toHex(txid)
      if (seen.has(key)) return i
      seen.add(key)
    }
    return undefined
  }
  for (let i = 1; i < txids.length; i++) {
    for (let j = 0; j < i; j++) if (Hash.equals(txids[i] ?? Hash.zero, txids[j] ?? Hash.zero)) return i
  }
  return undefined
}

const checkCoinbase = (block: Block.Block, coinbase: Transaction): BodyFault | undefined => {
  const bad = (detail: string): BodyFault => ({ _tag: "BadCoinbase", detail })
  if (coinbase.inputs.length !== 0) return bad(`${coinbase.inputs.length} inputs, expected none`)
  const [output] = coinbase.outputs
  if (output === undefined || coinbase.outputs.length !== 1) {
    return bad(`${coinbase.outputs.length} outputs, expected 1`)
  }
  return output.value === block.header.blockReward
    ? undefined
    : bad(`value ${output.value}, expected the block reward ${block.header.blockReward}`)
}

const checkGhosts = (
  params: ChainParams.ChainParams,
  hasher: Hasher,
  { header, transactions }: Block.Block,
  now: number
): BodyFault | undefined => {
  if (header.height + params.recentBlocks < ChainParams.expectedHeight(params, now)) return undefined
  // The coinbase has an output and the distribution an input, so neither is a ghost.
  const index = transactions.findIndex(({ inputs, outputs, specialData }) =>
    inputs.length === 0 && outputs.length === 0 &&
    (specialData === undefined || !SpecialDataRules.isGenuine(hasher, specialData))
  )
  return index < 0 ? undefined : { _tag: "GhostTransaction", index }
}
