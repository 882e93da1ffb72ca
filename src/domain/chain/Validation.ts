/**
 * Whether a block may follow another, from its header to its transactions. Pure: `now` is passed in. HeaderRules.ts and BodyRules.ts hold
 * the rules: headers-first sync checks the former when a header arrives, and calls `body` when its block does. The fee rule (Fees.ts) needs
 * outputs of earlier blocks and runs once those are stored.
 */
import type { Block } from "./Block.ts"
import * as BlockHeader from "./BlockHeader.ts"
import * as BodyRules from "./BodyRules.ts"
import type { ChainParams } from "./ChainParams.ts"
import * as Hash from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import * as HeaderRules from "./HeaderRules.ts"
import type { OutPoint } from "./Transaction.ts"

/** A block that breaks no rule, with what was computed during validation. */
export interface Valid {
  readonly _tag: "Valid"
  readonly block: Block
  readonly hash: Hash.Hash
  readonly txids: ReadonlyArray<Hash.Hash>
  /** Outputs of earlier blocks that it spends: if there are any, `Fees.check` must run before the block is stored. */
  readonly spends: ReadonlyArray<OutPoint>
}

export type BlockFault =
  | HeaderRules.HeaderFault
  | BodyRules.BodyFault
  /** Not the block that was requested. */
  | { readonly _tag: "WrongBlock"; readonly expected: Hash.Hash; readonly actual: Hash.Hash }

/** Checks the block against its parent: all rules. `now`: ms since 1970. */
export const block = (
  params: ChainParams,
  hasher: Hasher,
  parent: HeaderRules.Parent,
  block: Block,
  now: number
): Valid | BlockFault =>
  HeaderRules.check(params, parent, block.header, now) ??
    bodyOf(params, hasher, block, BlockHeader.hash(hasher, block.header), now)

/** Checks a block whose header was checked earlier, when only the header's hash was kept. `now`: ms since 1970. */
export const body = (
  params: ChainParams,
  hasher: Hasher,
  expected: Hash.Hash,
  block: Block,
  now: number
): Valid | BlockFault => {
  const actual = BlockHeader.hash(hasher, block.header)
  return Hash.equals(actual, expected)
    ? bodyOf(params, hasher, block, actual, now)
    : { _tag: "WrongBlock", expected, actual }
}

const bodyOf = (
  params: ChainParams,
  hasher: Hasher,
  block: Block,
  hash: Hash.Hash,
  now: number
): Valid | BlockFault => {
  const result = BodyRules.check(params, hasher, block, now)
  return result._tag === "ValidBody"
    ? { _tag: "Valid", block, hash, txids: result.txids, spends: result.spends }
    : result
}

/**
 * What a fault proves. `block`: the hash covers the fault, so no copy of the block, and no chain with it, can be valid. `copy`: only this
 * copy is bad, and another peer may have a good one. `later`: the same copy may be valid later.
 */
export type Scope = "block" | "copy" | "later"

export const scope = (fault: BlockFault): Scope => {
  switch (fault._tag) {
    case "InFuture":
    case "AheadOfSchedule":
    case "GhostTransaction":
      return "later"
    case "WrongBlock":
    case "WrongMerkleRoot":
    case "BadVrf":
    case "BadRewardList":
    case "TooFewRecipients":
      return "copy"
    case "TooLarge":
      return fault.committed ? "block" : "copy"
    case "DuplicateTransaction":
      return fault.padded ? "copy" : "block"
    default:
      return "block"
  }
}

/**
 * Whether the fault proves that the peer that sent the copy made it up. No node keeps a block whose transactions do not match its merkle
 * root, or sends another block than the one requested. With any other bad copy, the peer may be an honest relay.
 */
export const isForged = (fault: BlockFault): boolean => fault._tag === "WrongBlock" || fault._tag === "WrongMerkleRoot"

/** The fault in words, for log and operator. */
export const describe = (fault: BlockFault): string => {
  switch (fault._tag) {
    case "WrongHeight":
      return `height ${fault.actual}, expected ${fault.expected}`
    case "WrongParent":
      return `previous hash ${Hash.toHex(fault.actual)}, expected ${Hash.toHex(fault.expected)}`
    case "BeforeGenesis":
      return `timestamp ${fault.timestamp} is before genesis (${fault.genesisTime})`
    case "InFuture":
      return `timestamp ${fault.timestamp} is in the future (latest allowed: ${fault.latest})`
    case "TooEarly":
      return `timestamp ${fault.timestamp} is too early for its height (earliest allowed: ${fault.earliest})`
    case "AheadOfSchedule":
      return `height ${fault.height} is not due yet (highest due: ${fault.greatest})`
    case "NoLeader":
      return "missing leader"
    case "UntrimmedLeader":
      return "leader begins or ends with white space"
    case "TreasuryTooHigh":
      return `treasury balance ${fault.actual} exceeds limit ${fault.greatest}`
    case "RewardTooLow":
      return `block reward ${fault.actual} is below the minimum ${fault.least}`
    case "TooLarge":
      return `block size ${fault.bytes} exceeds limit ${fault.limit}`
    case "WrongMerkleRoot":
      return "merkle root does not match the transactions"
    case "DuplicateTransaction":
      return `transaction ${fault.index} is a duplicate`
    case "BadVrf":
      return `VRF: ${fault.detail}`
    case "TooFewTransactions":
      return `${fault.actual} transactions, expected at least 2 (coinbase and reward distribution)`
    case "BadCoinbase":
      return `coinbase: ${fault.detail}`
    case "BadDistribution":
      return `reward distribution: ${fault.detail}`
    case "BadRewardList":
      return `masternode rewards: ${fault.detail}`
    case "WrongReward":
      return `block reward ${fault.actual}, expected ${fault.expected}`
    case "AmountOverflow":
      return `transaction ${fault.index}: ${fault.side} exceed 64 bits`
    case "TooFewRecipients":
      return `${fault.actual} paid recipients, expected at least ${fault.minimum}`
    case "GhostTransaction":
      return `transaction ${fault.index} has no inputs, no outputs and no genuine special data`
    case "WrongBlock":
      return `block hash ${Hash.toHex(fault.actual)}, expected ${Hash.toHex(fault.expected)}`
  }
}
