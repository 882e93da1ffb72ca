/**
 * Gives the frames of a TIME-network connection their meaning, and sends the answers that a good peer owes: at once, from what the node
 * knows. Messages about the chain beyond its tip go to `ctx.timeChain`, those about masternodes to `ctx.timeMasternodes`.
 *
 * **Before Up** one message is expected: the Ack to our dial, or the Handshake of a peer that dialled us. All later messages may follow in
 * the same batch. A later Handshake, Ack or Version is ignored, as the daemon does too.
 */
import { Result } from "effect"
import * as Hash from "../../domain/chain/Hash.ts"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import { Capability } from "../../domain/pair/Handshake.ts"
import * as TimeHandshake from "../../domain/pair/TimeHandshake.ts"
import * as Liveness from "../../domain/peer/Liveness.ts"
import * as MessageCost from "../../domain/peer/MessageCost.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as TimeEncoder from "../../domain/wire/time/TimeEncoder.ts"
import type { Message, Tag, TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import type { Decoded, WireReader } from "../../domain/wire/Wire.ts"
import type { FrameEvents } from "./ConnectionEvents.ts"
import * as Discovery from "./Discovery.ts"
import * as Gate from "./Gate.ts"
import * as Heartbeat from "./Heartbeat.ts"
import { type NodeContext, peerOf, postTime } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"
import * as TimeOutgoing from "./TimeOutgoing.ts"

/** The software name of a peer with this commit count. */
export const softwareOf = (commitCount: number | undefined): string =>
  commitCount === undefined ? "timed" : `timed/${commitCount}`

/** Sends this node's Handshake. */
export const greet = (ctx: NodeContext, end: PeerEnd): void => {
  const handshake = TimeHandshake.own(ctx.setup.network.name)
  if (handshake !== undefined) TimeOutgoing.send(ctx, end, handshake)
}

/**
 * The connection is up: sends what lets the peer use it at once. The daemon accepts blocks only from a peer whose genesis it knows, and asks
 * for it only on its own inbound connections. It learns of a longer chain from a tip.
 */
export const opened = (ctx: NodeContext, { end }: Up): void => {
  TimeOutgoing.send(ctx, end, genesisHash(ctx))
  // Before our own tip: the daemon answers a longer chain at once with a request for blocks, and by then we must know its tip.
  TimeOutgoing.send(ctx, end, { _tag: "GetChainTip" })
  TimeOutgoing.send(ctx, end, chainTip(ctx))
  TimeOutgoing.send(ctx, end, { _tag: "GetPeers" })
  TimeOutgoing.send(ctx, end, { _tag: "GetGenesisHash" })
}

/** The only genesis that this node ever names: a wrong one means a permanent ban. */
const genesisHash = ({ setup }: NodeContext): Message<"GenesisHashResponse"> => ({
  _tag: "GenesisHashResponse",
  hash: Hash.fromHexUnsafe(setup.network.genesis)
})

const chainTip = ({ localChain }: NodeContext): Message<"ChainTipResponse"> => {
  const { hash, height } = localChain.tip()
  return { _tag: "ChainTipResponse", height, hash: Hash.fromHexUnsafe(hash) }
}

export class TimeSession implements FrameEvents<PeerEnd, TimeMessage> {
  private readonly ctx: NodeContext

  constructor(ctx: NodeContext) {
    this.ctx = ctx
  }

  onBytes(): void {}

  onData(): number {
    return 1
  }

  onMessage(end: PeerEnd, reader: WireReader<TimeMessage>): void {
    const { ctx } = this
    const message = reader.message()
    ctx.table.messages.time.received.add(message._tag, TimeEncoder.lengthBytes + reader.bodyBytes)
    const peer = peerOf(ctx, end)
    if (peer === undefined) return
    if (message._tag === "BadBody") {
      return Protection.malformed(ctx, end, `variant ${message.kind}: ${message.reason}`)
    }
    const { up } = end
    if (up === undefined) return greeted(ctx, peer, end, message)
    if (message._tag !== "Unknown") received(ctx, peer, up, message, reader)
    const cost = MessageCost.ofTime(message, reader.bodyBytes)
    if (cost !== undefined && end.up === up) up.rates.charge(up.connection, cost, ctx.timers)
  }

  onMalformed(end: PeerEnd, fault: string): void {
    Protection.malformed(this.ctx, end, fault)
  }

  onGivenUp(end: PeerEnd, detail: string): void {
    Outgoing.close(this.ctx, end, "silent", detail)
  }

  onBatch(end: PeerEnd, { arriving }: WireReader<TimeMessage>, frames: number): void {
    if (end.up === undefined) return
    if (frames === 0 && arriving) this.ctx.timeChain.onProgress(end.up)
    Heartbeat.heard(this.ctx, end.up, frames, arriving)
  }
}

// --- before Up --------------------------------------------------------------------

const greeted = (ctx: NodeContext, peer: Peer, end: PeerEnd, message: Decoded<TimeMessage>): void => {
  switch (message._tag) {
    case "Handshake":
      return handshake(ctx, peer, end, message)
    case "Ack":
      if (end.direction === "outbound") return taken(ctx, peer, end)
      break
    case "ForkAlert":
      // How the daemon refuses a version; it sends nothing afterwards.
      if (end.direction === "outbound") {
        return postTime(ctx, peer, { _tag: "Unfit", end: end.id, detail: `the peer refuses: ${message.message}` })
      }
      break
  }
  // Other messages on a dial before its Ack are neither a refusal nor an answer.
  if (end.direction === "inbound") {
    Protection.violated(ctx, end, `${message._tag} before the peer's Handshake`)
  }
}

const handshake = (ctx: NodeContext, peer: Peer, end: PeerEnd, message: Message<"Handshake">): void => {
  if (!isFit(ctx, peer, end, message)) return
  if (end.direction === "inbound") taken(ctx, peer, end)
}

/** Notes the first Handshake of a connection. False: the peer does not fit, and the connection is closed. */
const isFit = (ctx: NodeContext, peer: Peer, end: PeerEnd, message: Message<"Handshake">): boolean => {
  const { time } = end
  if (time === undefined || time.commitCount !== undefined) return true
  time.commitCount = message.commitCount
  const detail = TimeHandshake.unfit(ctx.setup.network.name, message)
  if (detail === undefined) {
    if (end.up !== undefined) peer.note({ software: softwareOf(message.commitCount) })
    return true
  }
  postTime(ctx, peer, { _tag: "Unfit", end: end.id, detail })
  return false
}

/** The peer sent what this end waits for, an Ack or its Handshake: the end comes up if there is a place. */
const taken = (ctx: NodeContext, peer: Peer, end: PeerEnd): void => {
  const full = Gate.full(ctx, peer, end)
  if (full !== undefined) {
    return postTime(ctx, peer, {
      _tag: "Stopped",
      reason: DisconnectReason.rejected("full", "local", full),
      retryMs: Limits.retryFullMs
    })
  }
  Gate.takePlace(ctx, peer, end)
  ctx.slots.identified(end)
  peer.note({ saidHello: true })
  postTime(ctx, peer, { _tag: end.direction === "inbound" ? "HandshakeReceived" : "AckReceived", end: end.id })
}

// --- while it is up ---------------------------------------------------------------

/** Messages about the chain: the sync layer answers or uses them. */
const ofChain: ReadonlySet<Tag> = new Set<Tag>([
  "ChainTipResponse",
  "BlockHeightResponse",
  "GetBlocks",
  "BlocksResponse",
  "RequestGenesis",
  "GenesisAnnouncement",
  "BlockAnnouncement",
  "TimeLockBlockProposal",
  "BlockInventory",
  "BlockRequest",
  "BlockResponse",
  "GetBlockHash",
  "BlockHashResponse",
  "GetBlockRange",
  "BlockRangeResponse",
  "ForkAlert",
  "GetChainWork",
  "ChainWorkResponse",
  "GetChainWorkAt",
  "ChainWorkAtResponse"
])

/** Messages about masternodes: the registry keeps what is of value. */
const ofMasternodes: ReadonlySet<Tag> = new Set<Tag>([
  "MasternodesResponse",
  "MasternodeAnnouncement",
  "MasternodeAnnouncementV2",
  "MasternodeAnnouncementV3",
  "MasternodeAnnouncementV4",
  "MasternodeStatusGossip",
  "MasternodeInactive",
  "MasternodeUnlock"
])

const received = (
  ctx: NodeContext,
  peer: Peer,
  up: Up,
  message: TimeMessage,
  reader: WireReader<TimeMessage>
): void => {
  const { end } = up
  const answer = (answer: TimeMessage) => TimeOutgoing.send(ctx, end, answer)
  switch (message._tag) {
    case "Ping":
      return pinged(ctx, up, message)
    case "Pong":
      return ponged(ctx, up, message)
    case "Handshake":
      isFit(ctx, peer, end, message)
      return
    case "GetGenesisHash":
      answer(genesisHash(ctx))
      return
    case "GenesisHashResponse":
      return genesisTold(ctx, peer, up, message)
    case "GetChainTip":
      answer(chainTip(ctx))
      postTime(ctx, peer, { _tag: "Asked", end: end.id })
      return
    case "GetBlockHeight":
      answer({ _tag: "BlockHeightResponse", height: ctx.localChain.tip().height })
      return
    case "MempoolSyncRequest":
      return TimeOutgoing.sendEmptyMempool(ctx, end)
    case "GetPeers":
      answer({ _tag: "PeersResponse", addresses: Discovery.answer(ctx, peer).map(PeerAddress.format) })
      return
    case "GetMasternodes":
      // Naming a masternode would make the peer dial it, on our claim alone.
      answer({ _tag: "MasternodesResponse", masternodes: [] })
      return
    case "PeersResponse":
      return told(ctx, peer, end, message.addresses)
    case "PeerExchange":
      return told(ctx, peer, end, message.peers.map(({ address }) => address))
    case "BlocksResponse":
      // A node with a chain checks for itself what it asked for. Without a chain, it asked for none.
      if ((ctx.localChain.capabilities & Capability.chain) === 0) {
        return Protection.violated(ctx, end, "unsolicited blocks")
      }
      break
    case "MasternodesResponse":
      told(ctx, peer, end, message.masternodes.map(({ address }) => address))
      break
  }
  if (ofMasternodes.has(message._tag)) {
    reader.keep()
    return ctx.timeMasternodes.onMessage(up, message)
  }
  if (!ofChain.has(message._tag)) return
  // The message's hashes and blocks are views into the frame.
  reader.keep()
  ctx.timeChain.onMessage(up, message)
}

const pinged = (ctx: NodeContext, up: Up, { nonce }: Message<"Ping">): void => {
  const { connection, end } = up
  end.pingsReceived += 1
  note(ctx, up, "PingReceived", BigInt(nonce))
  if (!ctx.rules.answersPing(connection.queuedBytes)) return
  end.pongsSent += 1
  note(ctx, up, "PongSent", BigInt(nonce))
  TimeOutgoing.send(ctx, end, {
    _tag: "Pong",
    nonce,
    timestamp: TimeOutgoing.seconds(ctx),
    height: ctx.localChain.tip().height
  })
  // The answer closes an end whose outbox is full.
  if (end.up === up) Heartbeat.answered(ctx, up)
}

const ponged = (ctx: NodeContext, up: Up, { nonce }: Message<"Pong">): void => {
  const { connection, end } = up
  const [liveness, rttMs] = Liveness.pong(up.liveness, BigInt(nonce), ctx.timers.now())
  up.liveness = liveness
  end.pongsReceived += 1
  ctx.emit({
    _tag: "PongReceived",
    ip: end.ip,
    connection: end.id,
    direction: end.direction,
    socket: connection.socketName,
    nonce: BigInt(nonce),
    rttMs
  })
}

const note = (ctx: NodeContext, { connection, end }: Up, _tag: "PingReceived" | "PongSent", nonce: bigint): void =>
  ctx.emit({
    _tag,
    ip: end.ip,
    connection: end.id,
    direction: end.direction,
    socket: connection.socketName,
    nonce
  })

const genesisTold = (ctx: NodeContext, peer: Peer, { end }: Up, { hash }: Message<"GenesisHashResponse">): void => {
  const { genesis, name } = ctx.setup.network
  const other = Hash.toHex(hash)
  if (other === genesis) return
  const detail = `the peer's genesis is ${other.slice(0, 16)}, that of ${name} ${genesis.slice(0, 16)}`
  postTime(ctx, peer, { _tag: "Unfit", end: end.id, detail })
}

/** Gossiped addresses, with or without a port: the network's nodes listen on its port, whatever a list claims. */
const told = (ctx: NodeContext, peer: Peer, end: PeerEnd, addresses: ReadonlyArray<string>): void => {
  const { port } = ctx.setup.network
  Discovery.peersReceived(ctx, peer, end, addresses.slice(0, Limits.peersPerMessage), (text) => {
    const at = PeerAddress.fromString(text, port)
    return Result.isSuccess(at) ? { ip: at.success.ip, port } : undefined
  })
}
