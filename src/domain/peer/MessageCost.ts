/**
 * What a message costs its sender at the receiving node: which of the sender's buckets (`Limits.messageRates`) it draws on, and how many
 * tokens. Application data with a receiver is free, as are answers to this node's requests; unsolicited answers end the connection.
 */
import * as Limits from "../Limits.ts"
import type { TimeMessage } from "../wire/time/TimeMessage.ts"
import type { Decoded } from "../wire/Wire.ts"
import type { Rate } from "./TokenBucket.ts"

export type Bucket = keyof typeof Limits.messageRates

/** Tokens of one bucket. */
export interface Cost {
  readonly bucket: Bucket
  readonly tokens: number
}

export const rateOf = (bucket: Bucket): Rate => Limits.messageRates[bucket]

/** One for the message, plus one for each whole `unit` of its bytes. */
const bySize = (bytes: number, unit: number): number => 1 + Math.floor(bytes / unit)

const KiB = 1_024
const one = (bucket: Bucket): Cost => ({ bucket, tokens: 1 })

/** The cost of every message of a kind, created once. */
const fixed = {
  ping: one("ping"),
  pong: one("pong"),
  handshake: one("handshake"),
  askAddresses: one("askAddresses"),
  request: one("request"),
  tip: one("announce")
}

/** `bytes`: of the body. `undefined` if the message is free. */
export const of = (message: Decoded, bytes: number): Cost | undefined => {
  switch (message._tag) {
    case "Ping":
      return fixed.ping
    case "Pong":
      return fixed.pong
    case "Hello":
    case "Commit":
    case "Ack":
    case "Reject":
    case "SameProcess":
      return fixed.handshake
    case "Peers":
      return { bucket: "addresses", tokens: 1 + message.peers.length }
    case "AskPeers":
    case "AskDialBack":
    case "DialBack":
      return fixed.askAddresses
    case "GetHeaders":
    case "GetBlocks":
      return fixed.request
    case "Tip":
      return fixed.tip
    case "NewBlock":
      return { bucket: "announce", tokens: bySize(bytes, 4 * KiB) }
    case "OwnMasternode":
    case "Masternodes":
    case "SeenMasternodes":
      return { bucket: "masternode", tokens: bySize(bytes, KiB) }
    case "Unknown":
      return { bucket: "unknown", tokens: bySize(bytes, 16 * KiB) }
    // The last of these ends the connection.
    case "Data":
    case "Headers":
    case "Blocks":
    case "BadBody":
      return undefined
  }
}

/** The same for a message of the TIME wire. Other TIME network gossip (votes, proposals, transactions) costs the same as unknown messages. */
export const ofTime = (message: Decoded<TimeMessage>, bytes: number): Cost | undefined => {
  switch (message._tag) {
    case "Ping":
      return fixed.ping
    case "Pong":
      return fixed.pong
    case "Handshake":
    case "Ack":
    case "Version":
      return fixed.handshake
    case "PeersResponse":
      return { bucket: "addresses", tokens: 1 + message.addresses.length }
    case "PeerExchange":
      return { bucket: "addresses", tokens: 1 + message.peers.length }
    case "MasternodesResponse":
      return { bucket: "addresses", tokens: 1 + message.masternodes.length }
    case "GetPeers":
    case "GetMasternodes":
      return fixed.askAddresses
    case "GetGenesisHash":
    case "GetBlockHeight":
    case "GetChainTip":
    case "GetBlocks":
    case "RequestGenesis":
    case "BlockRequest":
    case "GetBlockHash":
    case "GetBlockRange":
    case "GetChainWork":
    case "GetChainWorkAt":
    case "MempoolSyncRequest":
      return fixed.request
    case "ChainTipResponse":
    case "BlockInventory":
    case "ForkAlert":
    // Unsolicited answers that end no connection: block hashes are requested a dozen at once, for a search by halves.
    case "BlockHashResponse":
    case "BlockHeightResponse":
    case "GenesisHashResponse":
    case "ChainWorkResponse":
    case "ChainWorkAtResponse":
      return fixed.tip
    case "BlockAnnouncement":
    case "TimeLockBlockProposal":
    case "BlockResponse":
    case "GenesisAnnouncement":
    // This node never requests a range.
    case "BlockRangeResponse":
      return { bucket: "announce", tokens: bySize(bytes, 4 * KiB) }
    // Unsolicited answers end the connection, and so does the last of these.
    case "BlocksResponse":
    case "BadBody":
      return undefined
    default:
      return { bucket: "unknown", tokens: bySize(bytes, 16 * KiB) }
  }
}

/** Application data without a receiver. `bytes`: of all payloads. */
export const unreceived = (messages: number, bytes: number): Cost => ({
  bucket: "unreceived",
  tokens: messages + Math.floor(bytes / KiB)
})
