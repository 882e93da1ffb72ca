/**
 * The messages of TIME network peers that timemesh reads: connection, chain and masternodes. Every other variant is skipped by the length
 * of its frame.
 *
 * **Shapes.** One table: for each message, its number on the wire (the index of the variant) and its fields in order. The type, the schema,
 * the decoder and the encoder follow from it. Heights are numbers; hashes are views into the frame (`WireReader.keep`).
 */
import { Schema } from "effect"
import * as Limits from "../../Limits.ts"
import * as T from "./TimeLayout.ts"

export const tiers = ["Free", "Bronze", "Silver", "Gold"] as const
export type Tier = typeof tiers[number]

const tier = T.oneOf(tiers)
const outpoint = T.struct({ txid: T.hash, vout: T.u32 })
const proof = T.bytes(Limits.timeProofBytes)
const blocks = T.list(T.block, Limits.timeBlocks)

/** A masternode in a list: a claim of the peer that sends it. `address` is an IP without a port. */
const listedMasternode = T.struct({
  address: T.text,
  rewardAddress: T.text,
  tier,
  publicKey: T.publicKey,
  collateral: T.option(outpoint),
  /** Seconds since 1970. */
  registeredAt: T.u64
})

/** Another peer of the sender. `connections`: 65535 is unknown. `isMasternode` is true of any peer whose load is known. */
const exchangedPeer = T.struct({
  address: T.text,
  connections: T.u16,
  isMasternode: T.bool,
  tier: T.option(tier)
})

const announcement1 = { address: T.text, rewardAddress: T.text, tier, publicKey: T.publicKey }
const announcement2 = { ...announcement1, collateral: T.option(outpoint) }
const announcement3 = { ...announcement2, certificate: proof, startedAt: T.u64 }
const range = { start: T.natural, end: T.natural }
const beat = { nonce: T.u64, timestamp: T.i64, height: T.option(T.natural) }

/** `[number, fields]`, by name. Both ends of a range are inclusive. */
export const table = {
  GetGenesisHash: [0, {}],
  GenesisHashResponse: [1, { hash: T.hash }],
  GetBlockHeight: [2, {}],
  BlockHeightResponse: [3, { height: T.natural }],
  GetChainTip: [4, {}],
  ChainTipResponse: [5, { height: T.natural, hash: T.hash }],
  GetBlocks: [6, range],
  BlocksResponse: [7, { blocks }],
  RequestGenesis: [8, {}],
  GenesisAnnouncement: [9, { block: T.block }],
  Handshake: [10, { magic: T.raw(4), version: T.u32, network: T.words, commitCount: T.u32 }],
  Ack: [11, { of: T.words }],
  BlockAnnouncement: [20, { block: T.block }],
  BlockInventory: [21, { height: T.natural }],
  BlockRequest: [22, { height: T.natural }],
  BlockResponse: [23, { block: T.block }],
  MasternodeAnnouncement: [28, announcement1],
  MasternodeUnlock: [29, { address: T.text, collateral: outpoint, timestamp: T.u64, signature: proof }],
  GetMasternodes: [30, {}],
  MasternodesResponse: [31, { masternodes: T.list(listedMasternode, Limits.timeListEntries) }],
  MasternodeInactive: [32, { address: T.text, timestamp: T.u64 }],
  Version: [35, {
    version: T.words,
    commitDate: T.words,
    commitCount: T.words,
    protocol: T.u32,
    network: T.words,
    listens: T.text,
    timestamp: T.i64,
    capabilities: T.list(T.words, Limits.timeCapabilities),
    wallet: T.option(T.text),
    genesis: T.option(T.text)
  }],
  Ping: [36, beat],
  Pong: [37, beat],
  MempoolSyncRequest: [40, {}],
  GetPeers: [42, {}],
  /** `IP` or `IP:PORT` each. */
  PeersResponse: [43, { addresses: T.list(T.text, Limits.timeListEntries) }],
  PeerExchange: [44, { peers: T.list(exchangedPeer, Limits.timeListEntries) }],
  GetBlockHash: [45, { height: T.natural }],
  BlockHashResponse: [46, { height: T.natural, hash: T.option(T.hash) }],
  GetBlockRange: [49, range],
  BlockRangeResponse: [50, { blocks }],
  ForkAlert: [51, {
    yourHeight: T.natural,
    yourHash: T.hash,
    consensusHeight: T.natural,
    consensusHash: T.hash,
    consensusPeers: T.natural,
    message: T.words
  }],
  /** A producer's block: sent as a proposal, and again when the producer has accepted it itself. The message does not say which. */
  TimeLockBlockProposal: [61, { block: T.block }],
  GetChainWork: [64, {}],
  ChainWorkResponse: [65, { height: T.natural, tipHash: T.hash, work: T.u128 }],
  GetChainWorkAt: [66, { height: T.natural }],
  ChainWorkAtResponse: [67, { height: T.natural, hash: T.hash, work: T.u128 }],
  MasternodeStatusGossip: [71, {
    reporter: T.text,
    visible: T.list(T.text, Limits.timeListEntries),
    timestamp: T.u64
  }],
  MasternodeStartedAtGossip: [72, {
    started: T.list(T.struct({ address: T.text, startedAt: T.u64 }), Limits.timeListEntries)
  }],
  MasternodeAnnouncementV2: [73, announcement2],
  MasternodeAnnouncementV3: [74, announcement3],
  MasternodeAnnouncementV4: [75, { ...announcement3, collateralProof: proof }],
  ConnectivityWarning: [84, { message: T.words }]
} as const satisfies Readonly<Record<string, readonly [number: number, fields: T.Fields]>>

export type Tag = keyof typeof table

type MessageOf<K extends Tag> = { readonly _tag: K } & T.Struct<typeof table[K][1]>

/** Any message of the table. */
export type TimeMessage = { readonly [K in Tag]: MessageOf<K> }[Tag]

/** One message of the table, by name. */
export type Message<K extends Tag> = Extract<TimeMessage, { readonly _tag: K }>

export type ListedMasternode = T.ValueOf<typeof listedMasternode>
export type ExchangedPeer = T.ValueOf<typeof exchangedPeer>
export type OutPoint = T.ValueOf<typeof outpoint>

export const tags = Object.keys(table) as ReadonlyArray<Tag>

/** Every decoded message satisfies it. For tests and tools: no message is checked with it at run time. */
export const TimeMessage: Schema.Codec<TimeMessage> = Schema.Union(
  tags.map((tag) => T.tagged(tag, table[tag][1]))
) as unknown as Schema.Codec<TimeMessage>

// --- versions ---------------------------------------------------------------------

/**
 * The commit count is the version of the network's software, sent in a Handshake. Variant 72 exists from this count on; earlier versions
 * had today's 73 at 72, and so on.
 */
export const commitCountOf72 = 2_202
/** timemesh's own commit count: the version whose messages it speaks. */
export const commitCount = 2_344
const inserted = 72

/**
 * This version's number for a message that a peer sent as `index`. `undefined`: the peer has not sent its commit count, and the number
 * depends on it.
 */
export const numberOf = (index: number, peerCommitCount: number | undefined): number | undefined => {
  if (index < inserted) return index
  if (peerCommitCount === undefined) return undefined
  return peerCommitCount < commitCountOf72 ? index + 1 : index
}

/** The number under which such a peer reads it; `undefined` if that version has none. */
export const indexFor = (number: number, peerCommitCount: number): number | undefined => {
  if (number < inserted || peerCommitCount >= commitCountOf72) return number
  return number === inserted ? undefined : number - 1
}
