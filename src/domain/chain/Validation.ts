/**
 * Whether a block may follow another, from its header to its transactions, as far as that can be said without the set of
 * unspent outputs. Pure: `now` is passed in. HeaderRules.ts and BodyRules.ts hold the rules; headers-first sync calls the
 * first when a header comes and `body` when its block does.
 */
import type { Block } from "./Block.ts"
import * as BlockHeader from "./BlockHeader.ts"
import * as BodyRules from "./BodyRules.ts"
import type { ChainParams } from "./ChainParams.ts"
import * as Hash from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import * as HeaderRules from "./HeaderRules.ts"

/** A block that breaks no rule, with what was computed on the way. */
export interface Valid {
  readonly _tag: "Valid"
  readonly block: Block
  readonly hash: Hash.Hash
  readonly txids: ReadonlyArray<Hash.Hash>
}

export type BlockFault =
  | HeaderRules.HeaderFault
  | BodyRules.BodyFault
  /** Not the block that was asked for. */
  | { readonly _tag: "WrongBlock"; readonly expected: Hash.Hash; readonly actual: Hash.Hash }

/** The block against its parent: all rules. `now`: ms since 1970. */
export const block = (
  params: ChainParams,
  hasher: Hasher,
  parent: HeaderRules.Parent,
  block: Block,
  now: number
): Valid | BlockFault =>
  HeaderRules.check(params, parent, block.header, now) ??
    bodyOf(params, hasher, block, BlockHeader.hash(hasher, block.header), now)

/** The block whose header was checked before, when only its hash was kept. `now`: ms since 1970. */
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
  return BodyRules.isFault(result) ? result : { _tag: "Valid", block, hash, txids: result }
}

/** Whether the same block may be valid at a later time: no proof against the peer that sent it. */
export const passes = (fault: BlockFault): boolean =>
  fault._tag === "InFuture" || fault._tag === "AheadOfSchedule" || fault._tag === "TooEarly" ||
  fault._tag === "EmptyTransaction"

/** The fault in words, for log and operator. */
export const describe = (fault: BlockFault): string => {
  switch (fault._tag) {
    case "WrongHeight":
      return `height ${fault.actual} where ${fault.expected} must follow`
    case "WrongParent":
      return `it follows ${Hash.toHex(fault.actual)}, not ${Hash.toHex(fault.expected)}`
    case "BeforeGenesis":
      return `its timestamp ${fault.timestamp} is before the chain began (${fault.genesisTime})`
    case "InFuture":
      return `its timestamp ${fault.timestamp} is in the future (latest allowed: ${fault.latest})`
    case "TooEarly":
      return `its timestamp ${fault.timestamp} is too early for its height (earliest allowed: ${fault.earliest})`
    case "AheadOfSchedule":
      return `height ${fault.height} is not due yet (greatest: ${fault.greatest})`
    case "NoLeader":
      return "it names no leader"
    case "TreasuryTooHigh":
      return `a treasury of ${fault.actual}, over ${fault.greatest}`
    case "RewardTooLow":
      return `a reward of ${fault.actual}, under ${fault.least}`
    case "TooLarge":
      return `${fault.bytes} bytes, over ${fault.most}`
    case "WrongMerkleRoot":
      return "its merkle root is not that of its transactions"
    case "DuplicateTransaction":
      return `transaction ${fault.index} is there twice`
    case "BadVrf":
      return `VRF: ${fault.detail}`
    case "TooFewTransactions":
      return `${fault.actual} transactions; coinbase and distribution are the least`
    case "BadCoinbase":
      return `coinbase: ${fault.detail}`
    case "BadDistribution":
      return `reward distribution: ${fault.detail}`
    case "WrongReward":
      return `a reward of ${fault.actual} without fees, not ${fault.expected}`
    case "TooFewRecipients":
      return `${fault.actual} paid recipients, under ${fault.least}`
    case "EmptyTransaction":
      return `transaction ${fault.index} is empty`
    case "WrongBlock":
      return `it is block ${Hash.toHex(fault.actual)}, not ${Hash.toHex(fault.expected)}`
  }
}
