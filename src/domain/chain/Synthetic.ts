/**
 * Blocks made here, for tests and for devnet: no masternodes, no votes, no signatures. Every node accepts them, including the TIME
 * network's reference daemon on testnet: an unknown leader and an empty bitmap leave the vote rules nothing to check. This is not
 * consensus: anyone can make any number of them.
 */
import * as Block from "./Block.ts"
import * as BlockHeader from "./BlockHeader.ts"
import * as ChainParams from "./ChainParams.ts"
import * as Hash from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import type { Parent } from "./HeaderRules.ts"
import * as Merkle from "./Merkle.ts"
import type { Transaction } from "./Transaction.ts"
import * as Txid from "./Txid.ts"
import * as U64 from "./U64.ts"

export interface Options {
  /** Any non-empty text, in practice an IP. Must not be a masternode's. */
  readonly leader: string
  /** Receives the reward. ASCII. */
  readonly address: string
}

export interface Made {
  readonly block: Block.Block
  readonly hash: Hash.Hash
  /** Ids of its two transactions. */
  readonly txids: readonly [coinbase: Hash.Hash, distribution: Hash.Hash]
}

/** The block is not due until after `now`. Seconds since 1970. */
export interface NotDue {
  readonly _tag: "NotDue"
  readonly height: number
  readonly dueAt: number
}

const none = new Uint8Array(0)
const toUtf8 = new TextEncoder()
const coinbaseText = toUtf8.encode("BLOCK_REWARD_")

const coinbaseScript = (height: number): Uint8Array => {
  const script = new Uint8Array(coinbaseText.length + 8)
  script.set(coinbaseText)
  new DataView(script.buffer).setBigUint64(coinbaseText.length, BigInt(height), true)
  return script
}

/** A producer's block: on top of any parent, at any time (seconds since 1970) that the rules allow. */
export const onTop = (
  params: ChainParams.ChainParams,
  hasher: Hasher,
  parent: Parent,
  timestamp: number,
  options: Options
): Made => {
  const height = parent.height + 1
  const value = params.blockReward
  const coinbase: Transaction = {
    version: 1,
    inputs: [],
    outputs: [{ value, scriptPubkey: coinbaseScript(height) }],
    lockTime: 0,
    timestamp,
    specialData: undefined,
    encryptedMemo: undefined
  }
  const coinbaseId = Txid.of(hasher, coinbase)
  const distribution: Transaction = {
    version: 1,
    inputs: [{ previousOutput: { txid: coinbaseId, vout: 0 }, scriptSig: none, sequence: 0xffff_ffff }],
    outputs: [{ value, scriptPubkey: toUtf8.encode(options.address) }],
    lockTime: 0,
    timestamp,
    specialData: undefined,
    encryptedMemo: undefined
  }
  const txids = [coinbaseId, Txid.of(hasher, distribution)] as const
  const block = Block.make({
    header: {
      version: 1,
      height,
      previousHash: parent.hash,
      merkleRoot: Merkle.root(hasher, txids),
      timestamp,
      blockReward: value,
      leader: options.leader,
      attestationRoot: Hash.zero,
      masternodeTiers: { free: 1, bronze: 0, silver: 0, gold: 0 },
      vrfProof: none,
      vrfOutput: Hash.zero,
      vrfScore: 0,
      activeMasternodesBitmap: none,
      livenessRecovery: false,
      producerSignature: none,
      totalFees: 0,
      treasuryBalance: U64.add(parent.treasuryBalance, params.treasuryStep)
    },
    transactions: [coinbase, distribution],
    masternodeRewards: [{ address: options.address, amount: value }],
    timeAttestations: [],
    consensusParticipantsBitmap: none,
    livenessRecovery: false
  })
  return { block, hash: BlockHeader.hash(hasher, block.header), txids }
}

/** The scheduled block on top of the parent: the same options always give the same chain. `now`: ms since 1970. */
export const block = (
  params: ChainParams.ChainParams,
  hasher: Hasher,
  parent: Parent,
  options: Options,
  now: number
): Made | NotDue => {
  const dueAt = ChainParams.dueAt(params, parent.height + 1)
  return dueAt * 1000 > now
    ? { _tag: "NotDue", height: parent.height + 1, dueAt }
    : onTop(params, hasher, parent, dueAt, options)
}

export const isNotDue = (made: Made | NotDue): made is NotDue => "_tag" in made

/** The parent of block 1. */
export const genesisParent = (params: ChainParams.ChainParams): Parent => ({
  height: 0,
  hash: params.genesisHash,
  treasuryBalance: params.genesis.header.treasuryBalance
})
