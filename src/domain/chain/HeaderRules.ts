/**
 * Rules for a header, given its parent: headers-first sync checks them before it requests a body.
 *
 * Some faults pass with time (`passes`): a node whose clock is behind may refuse now what it must accept later. They are no proof against
 * the peer that sent the block.
 */
import type { BlockHeader } from "./BlockHeader.ts"
import * as ChainParams from "./ChainParams.ts"
import * as Hash from "./Hash.ts"
import * as U64 from "./U64.ts"

/** What a block's successor is checked against. */
export interface Parent {
  readonly height: number
  readonly hash: Hash.Hash
  readonly treasuryBalance: U64.U64
}

export type HeaderFault =
  | { readonly _tag: "WrongHeight"; readonly expected: number; readonly actual: number }
  | { readonly _tag: "WrongParent"; readonly expected: Hash.Hash; readonly actual: Hash.Hash }
  /** Seconds since 1970, as in the next two. */
  | { readonly _tag: "BeforeGenesis"; readonly timestamp: number; readonly genesisTime: number }
  | { readonly _tag: "InFuture"; readonly timestamp: number; readonly latest: number }
  | { readonly _tag: "TooEarly"; readonly timestamp: number; readonly earliest: number }
  | { readonly _tag: "AheadOfSchedule"; readonly height: number; readonly greatest: number }
  | { readonly _tag: "NoLeader" }
  /** White space at either end: the network trims it before it stores the block, which changes the hash. */
  | { readonly _tag: "UntrimmedLeader" }
  /** Satoshi. */
  | { readonly _tag: "TreasuryTooHigh"; readonly actual: U64.U64; readonly greatest: U64.U64 }
  /** Satoshi. */
  | { readonly _tag: "RewardTooLow"; readonly actual: U64.U64; readonly least: number }

/** Whether the same header may be valid at a later time. */
export const passes = (fault: HeaderFault): boolean => fault._tag === "InFuture" || fault._tag === "AheadOfSchedule"

/** This header as the parent of the next. */
export const parentOf = (header: BlockHeader, hash: Hash.Hash): Parent => ({
  height: header.height,
  hash,
  treasuryBalance: header.treasuryBalance
})

/** A parent of which only place and hash are known: any treasury may follow it. */
export const bareParent = (height: number, hash: Hash.Hash): Parent => ({ height, hash, treasuryBalance: U64.max })

/**
 * The first rule that the header breaks as the successor of `parent`; `undefined` if it breaks none.
 *
 * @param now ms since 1970
 */
export const check = (
  params: ChainParams.ChainParams,
  parent: Parent,
  header: BlockHeader,
  now: number
): HeaderFault | undefined => {
  const { height, timestamp } = header
  if (height !== parent.height + 1) return { _tag: "WrongHeight", expected: parent.height + 1, actual: height }
  if (!Hash.equals(header.previousHash, parent.hash)) {
    return { _tag: "WrongParent", expected: parent.hash, actual: header.previousHash }
  }
  const time = checkTime(params, height, timestamp, now)
  if (time !== undefined) return time
  if (height >= params.leaderFrom && header.leader === "") return { _tag: "NoLeader" }
  if (isUntrimmed(header.leader)) return { _tag: "UntrimmedLeader" }
  const greatest = U64.add(parent.treasuryBalance, params.treasuryStep)
  if (header.treasuryBalance > greatest) {
    return { _tag: "TreasuryTooHigh", actual: header.treasuryBalance, greatest }
  }
  // The reward is emission plus fees minus the treasury's part. Fees need the inputs' values, but are never negative.
  if (header.blockReward < params.blockReward) {
    return { _tag: "RewardTooLow", actual: header.blockReward, least: params.blockReward }
  }
  return undefined
}

/** White space as Unicode has it, which is what the network trims; JavaScript's own definition differs. */
const whiteSpace = /\p{White_Space}/u

/** Looks at the ends alone: a peer's text may be as long as a frame. */
const isUntrimmed = (text: string): boolean =>
  whiteSpace.test(text.charAt(0)) || whiteSpace.test(text.charAt(text.length - 1))

const checkTime = (
  params: ChainParams.ChainParams,
  height: number,
  timestamp: number,
  now: number
): HeaderFault | undefined => {
  const { genesisTime } = params
  if (timestamp < genesisTime) return { _tag: "BeforeGenesis", timestamp, genesisTime }
  const latest = Math.floor(now / 1000) + params.futureSeconds
  if (timestamp > latest) return { _tag: "InFuture", timestamp, latest }
  const greatest = ChainParams.maxHeight(params, now)
  if (height > greatest) return { _tag: "AheadOfSchedule", height, greatest }
  const earliest = ChainParams.dueAt(params, height) - params.earlySeconds
  return timestamp < earliest ? { _tag: "TooEarly", timestamp, earliest } : undefined
}
