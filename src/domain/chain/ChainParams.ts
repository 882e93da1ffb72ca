/** Chain rules that differ between networks, and shared numbers that every rule refers to. */
import { type NetworkName, networks } from "../Network.ts"
import * as Block from "./Block.ts"
import * as Hash from "./Hash.ts"

export interface ChainParams {
  readonly network: NetworkName
  /** Block 0. */
  readonly genesis: Block.Block
  readonly genesisHash: Hash.Hash
  /** Seconds since 1970 at which the schedule begins. */
  readonly genesisTime: number
  /** Scheduled seconds between blocks. */
  readonly intervalSeconds: number
  /** Satoshi. Reward of a block without fees: emission minus the treasury's part. */
  readonly blockReward: number
  /** Satoshi. Maximum growth of the treasury per block. */
  readonly treasuryStep: number
  /** bytes of bincode. */
  readonly maxBlockBytes: number
  /** Blocks. A better chain that forks deeper below our tip is not followed. */
  readonly maxReorg: number
  /** Seconds by which a block's timestamp may be ahead of now. */
  readonly futureSeconds: number
  /** Seconds by which a block's scheduled time may be ahead of now. */
  readonly aheadSeconds: number
  /** Seconds by which a block's timestamp may precede its scheduled time, however old the block. */
  readonly earlySeconds: number
  /** Blocks behind the schedule up to which a block counts as recent: recent blocks may not contain ghost transactions. */
  readonly recentBlocks: number
  /** From this height on a block names its leader. */
  readonly leaderFrom: number
}

const none = new Uint8Array(0)

interface Origin {
  readonly time: number
  readonly leader: string
  readonly free: number
  readonly bitmap: Uint8Array
  readonly treasury: number
  readonly rewards: ReadonlyArray<Block.MasternodeReward>
}

const reward = (address: string, amount = 0): Block.MasternodeReward => ({ address, amount })

const genesisOf = (origin: Origin): Block.Block =>
  Block.make({
    header: {
      version: 1,
      height: 0,
      previousHash: Hash.zero,
      merkleRoot: Hash.zero,
      timestamp: origin.time,
      blockReward: 10_000_000_000,
      leader: origin.leader,
      attestationRoot: Hash.zero,
      masternodeTiers: { free: origin.free, bronze: 0, silver: 0, gold: 0 },
      vrfProof: none,
      vrfOutput: Hash.zero,
      vrfScore: 0,
      activeMasternodesBitmap: origin.bitmap,
      livenessRecovery: false,
      producerSignature: none,
      totalFees: 0,
      treasuryBalance: origin.treasury
    },
    transactions: [],
    masternodeRewards: origin.rewards,
    timeAttestations: [],
    consensusParticipantsBitmap: none,
    livenessRecovery: false
  })

const make = (network: NetworkName, intervalSeconds: number, origin: Origin): ChainParams => ({
  network,
  genesis: genesisOf(origin),
  genesisHash: Hash.fromHexUnsafe(networks[network].genesis),
  genesisTime: origin.time,
  intervalSeconds,
  blockReward: 9_500_000_000,
  treasuryStep: 500_000_000,
  maxBlockBytes: 4_000_000,
  maxReorg: 100,
  futureSeconds: 5,
  aheadSeconds: 10,
  earlySeconds: 30,
  recentBlocks: 10,
  leaderFrom: 4
})

/** Genesis and rules of the TIME network's testnet. */
export const testnet: ChainParams = make("testnet", 600, {
  time: 1_764_547_200,
  leader: "165.232.154.150",
  free: 6,
  bitmap: Uint8Array.of(0xfc),
  treasury: 500_000_000,
  rewards: [
    reward("64.91.241.10"),
    reward("178.128.199.144"),
    reward("50.28.104.50"),
    reward("165.84.215.117"),
    reward("165.232.154.150", 10_000_000_000),
    reward("69.167.168.176")
  ]
})

/** Genesis and rules of the TIME network's mainnet. */
export const mainnet: ChainParams = make("mainnet", 600, {
  time: 1_776_211_200,
  leader: "",
  free: 0,
  bitmap: none,
  treasury: 10_000_000_000,
  rewards: []
})

/** timemesh's own: built like the testnet's, with one masternode at 127.0.0.1. A block per second, so that long chains fit in the past. */
export const devnet: ChainParams = make("devnet", 1, {
  time: 1_764_547_200,
  leader: "127.0.0.1",
  free: 1,
  bitmap: Uint8Array.of(0x80),
  treasury: 500_000_000,
  rewards: [reward("127.0.0.1", 10_000_000_000)]
})

export const chainParams: Readonly<Record<NetworkName, ChainParams>> = { testnet, mainnet, devnet }

/** Seconds since 1970 at which a block of this height is due. */
export const dueAt = (params: ChainParams, height: number): number =>
  params.genesisTime + params.intervalSeconds * height

/** The scheduled height at `now` (ms since 1970); 0 before genesis. */
export const expectedHeight = (params: ChainParams, now: number): number =>
  Math.max(0, Math.floor((Math.floor(now / 1000) - params.genesisTime) / params.intervalSeconds))

/** The maximum height that can be due at `now` (ms since 1970), tolerance included. */
export const maxHeight = (params: ChainParams, now: number): number =>
  Math.floor((now / 1000 + params.aheadSeconds - params.genesisTime) / params.intervalSeconds)
