/**
 * What a message costs the node that receives it: of which of the sender's buckets (`Limits.messageRates`), and how many tokens. Application
 * data with a receiver costs nothing, nor do answers to what this node asked for: what nobody asked for ends the connection.
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

/** One for the message, one for each whole `unit` of its bytes. */
const bySize = (bytes: number, unit: number): number => 1 + Math.floor(bytes / unit)

const KiB = 1_024
const one = (bucket: Bucket): Cost => ({ bucket, tokens: 1 })

/** What every message of a kind costs: made once. */
const fixed = {
  ping: one("ping"),
  pong: one("pong"),
  handshake: one("handshake"),
  askAddresses: one("askAddresses"),
  request: one("request"),
  tip: one("announce")
}

/** `bytes`: of the body. `undefined`: it is free. */
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

/** The same for a message of the TIME wire. What the network gossips beside (votes, proposals, transactions) costs as what is not known. */
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
    // Answers that end no connection where nothing was asked: the first is asked for by halves, a dozen at once.
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
    // This node asks for no range.
    case "BlockRangeResponse":
      return { bucket: "announce", tokens: bySize(bytes, 4 * KiB) }
    // What was not asked for ends the connection, and so does the last.
    case "BlocksResponse":
    case "BadBody":
      return undefined
    default:
      return { bucket: "unknown", tokens: bySize(bytes, 16 * KiB) }
  }
}

/** Application data for which there is no receiver. `bytes`: of all payloads. */
export const unreceived = (messages: number, bytes: number): Cost => ({
  bucket: "unreceived",
  tokens: messages + Math.floor(bytes / KiB)
})
