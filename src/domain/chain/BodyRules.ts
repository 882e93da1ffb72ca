/**
 * What a block's body must satisfy under its header, as far as that can be said without the set of unspent outputs:
 * transaction signatures, fees, and the pool's share per masternode are not checked here.
 */
import type { Block, MasternodeReward } from "./Block.ts"
import * as ChainParams from "./ChainParams.ts"
import * as Hash from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import * as Merkle from "./Merkle.ts"
import type { Transaction, TxOutput } from "./Transaction.ts"
import * as U64 from "./U64.ts"

/** `detail` is in words, for the log. */
export type BodyFault =
  | { readonly _tag: "TooLarge"; readonly bytes: number; readonly most: number }
  | { readonly _tag: "WrongMerkleRoot" }
  /** `index`: of the second of the two. */
  | { readonly _tag: "DuplicateTransaction"; readonly index: number }
  | { readonly _tag: "BadVrf"; readonly detail: string }
  | { readonly _tag: "TooFewTransactions"; readonly actual: number }
  | { readonly _tag: "BadCoinbase"; readonly detail: string }
  | { readonly _tag: "BadDistribution"; readonly detail: string }
  /** Satoshi. */
  | { readonly _tag: "WrongReward"; readonly actual: U64.U64; readonly expected: number }
  | { readonly _tag: "TooFewRecipients"; readonly actual: number; readonly least: number }
  | { readonly _tag: "EmptyTransaction"; readonly index: number }

/** bytes. */
const vrfProofBytes = 80

/**
 * The first rule that the body breaks, or the ids of its transactions.
 *
 * @param now ms since 1970
 */
export const check = (
  params: ChainParams.ChainParams,
  hasher: Hasher,
  block: Block,
  now: number
): BodyFault | ReadonlyArray<Hash.Hash> => {
  const { header, transactions } = block
  if (block.bytes.length > params.maxBlockBytes) {
    return { _tag: "TooLarge", bytes: block.bytes.length, most: params.maxBlockBytes }
  }
  const vrf = checkVrf(block)
  if (vrf !== undefined) return { _tag: "BadVrf", detail: vrf }
  const txids = Merkle.txids(hasher, transactions)
  if (
    !Hash.equals(Merkle.root(hasher, txids), header.merkleRoot) &&
    !Merkle.isLegacyRoot(hasher, transactions, header.merkleRoot)
  ) return { _tag: "WrongMerkleRoot" }
  const duplicate = duplicateAt(txids)
  if (duplicate !== undefined) return { _tag: "DuplicateTransaction", index: duplicate }
  const [coinbase, distribution] = transactions
  const [coinbaseId] = txids
  if (coinbase === undefined || distribution === undefined || coinbaseId === undefined) {
    return { _tag: "TooFewTransactions", actual: transactions.length }
  }
  // Further transactions may carry fees, which add to the reward; the header's rules hold it from below.
  if (transactions.length === 2 && header.blockReward !== params.blockReward) {
    return { _tag: "WrongReward", actual: header.blockReward, expected: params.blockReward }
  }
  return checkCoinbase(block, coinbase) ??
    checkDistribution(block, distribution, coinbaseId) ??
    checkRecipients(block) ??
    checkEmpty(params, block, now) ??
    txids
}

export const isFault = (result: BodyFault | ReadonlyArray<Hash.Hash>): result is BodyFault => "_tag" in result

const checkVrf = ({ header: { vrfOutput, vrfProof, vrfScore } }: Block): string | undefined => {
  if (vrfProof.length === 0) return undefined
  if (vrfProof.length !== vrfProofBytes) return `a proof of ${vrfProof.length} bytes`
  let score = 0n
  for (let i = 7; i >= 0; i--) score = (score << 8n) | BigInt(vrfOutput[i] ?? 0)
  return U64.of(score) === vrfScore ? undefined : "the score is not that of the output"
}

/** Up to this many ids, comparing each with each is faster than a set. */
const fewTransactions = 8

const duplicateAt = (txids: ReadonlyArray<Hash.Hash>): number | undefined => {
  if (txids.length > fewTransactions) {
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

const checkCoinbase = (block: Block, coinbase: Transaction): BodyFault | undefined => {
  const bad = (detail: string): BodyFault => ({ _tag: "BadCoinbase", detail })
  if (coinbase.inputs.length !== 0) return bad("it has inputs")
  const [output] = coinbase.outputs
  if (output === undefined || coinbase.outputs.length !== 1) return bad(`it has ${coinbase.outputs.length} outputs`)
  return output.value === block.header.blockReward ? undefined : bad("its value is not the block's reward")
}

const checkDistribution = (block: Block, distribution: Transaction, coinbaseId: Hash.Hash): BodyFault | undefined => {
  const bad = (detail: string): BodyFault => ({ _tag: "BadDistribution", detail })
  const [input] = distribution.inputs
  if (input === undefined || distribution.inputs.length !== 1) return bad(`it has ${distribution.inputs.length} inputs`)
  const { txid, vout } = input.previousOutput
  if (vout !== 0 || !Hash.equals(txid, coinbaseId)) return bad("it does not spend the coinbase")
  const { masternodeRewards } = block
  if (!paysEach(distribution.outputs, masternodeRewards) && !paysSums(distribution.outputs, masternodeRewards)) {
    return bad("its outputs are not the masternode rewards")
  }
  let sum: U64.U64 = 0
  for (const { amount } of masternodeRewards) sum = U64.add(sum, amount)
  const { blockReward } = block.header
  if (sum > blockReward) return bad("it pays more than the block's reward")
  // Each share is rounded down, so at most one satoshi per share is lost.
  if (U64.add(sum, masternodeRewards.length) < blockReward) return bad("it pays less than the block's reward")
  return undefined
}

const isAddress = (script: Uint8Array, address: string): boolean => {
  if (script.length !== address.length) return false
  for (let i = 0; i < script.length; i++) if (script[i] !== address.charCodeAt(i)) return false
  return true
}

/** Output by output, the usual case. */
const paysEach = (outputs: ReadonlyArray<TxOutput>, rewards: ReadonlyArray<MasternodeReward>): boolean => {
  if (outputs.length !== rewards.length) return false
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]
    const reward = rewards[i]
    if (output === undefined || reward === undefined) return false
    if (output.value !== reward.amount || !isAddress(output.scriptPubkey, reward.address)) return false
  }
  return true
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** In any order, an address perhaps several times, nothing paid perhaps left out. */
const paysSums = (outputs: ReadonlyArray<TxOutput>, rewards: ReadonlyArray<MasternodeReward>): boolean => {
  const due = new Map<string, U64.U64>()
  for (const { address, amount } of rewards) due.set(address, U64.add(due.get(address) ?? 0, amount))
  const paid = new Map<string, U64.U64>()
  for (const { scriptPubkey, value } of outputs) {
    const address = utf8.decode(scriptPubkey)
    paid.set(address, U64.add(paid.get(address) ?? 0, value))
  }
  for (const [address, value] of paid) if (value !== (due.get(address) ?? 0)) return false
  for (const [address, amount] of due) if (amount !== (paid.get(address) ?? 0)) return false
  return true
}

/** Unless the network is smaller, at least so many are paid. */
const leastRecipients = 3

const checkRecipients = ({ header, masternodeRewards }: Block): BodyFault | undefined => {
  let bits = 0
  for (const byte of header.activeMasternodesBitmap) {
    for (let rest = byte; rest > 0; rest &= rest - 1) bits++
    if (bits >= leastRecipients) break
  }
  const least = Math.max(1, Math.min(leastRecipients, bits))
  const paid = new Set<string>()
  for (const { address, amount } of masternodeRewards) if (amount > 0) paid.add(address)
  return paid.size >= least ? undefined : { _tag: "TooFewRecipients", actual: paid.size, least }
}

/** A recent transaction that moves nothing must say something. Whether that is signed rightly is not checked here. */
const checkEmpty = (params: ChainParams.ChainParams, block: Block, now: number): BodyFault | undefined => {
  if (block.transactions.length === 2) return undefined
  if (block.header.height + params.recentBlocks < ChainParams.maxHeight(params, now)) return undefined
  const index = block.transactions.findIndex((transaction, i) =>
    i > 1 && transaction.inputs.length === 0 && transaction.outputs.length === 0 &&
    transaction.specialData === undefined
  )
  return index < 0 ? undefined : { _tag: "EmptyTransaction", index }
}
