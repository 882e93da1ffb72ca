/**
 * Gives the frames of a connection their meaning: one session for all connections of a node, in both directions. Handshake messages go to
 * `HelloExchange`, pings and pongs to the liveness, the rest to their listeners.
 */
import * as Limits from "../../domain/Limits.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as Liveness from "../../domain/peer/Liveness.ts"
import * as MessageCost from "../../domain/peer/MessageCost.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as TransportText from "../../domain/TransportText.ts"
import { headerBytes } from "../../domain/wire/Frame.ts"
import type { Decoded, WireReader } from "../../domain/wire/Wire.ts"
import * as Aliases from "./Aliases.ts"
import * as ApplicationChannels from "./ApplicationChannels.ts"
import type { FrameEvents } from "./ConnectionEvents.ts"
import * as Discovery from "./Discovery.ts"
import * as Gate from "./Gate.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as HelloExchange from "./HelloExchange.ts"
import { type NodeContext, originOf, peerOf, post, postOf } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { PeerEnd } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"
import * as Reachability from "./Reachability.ts"

export class PeerSession implements FrameEvents<PeerEnd> {
  private readonly ctx: NodeContext
  /** `Data` payloads of one batch and channel, handed over together. */
  private channel = -1
  private payloads: Array<Uint8Array> = []

  constructor(ctx: NodeContext) {
    this.ctx = ctx
  }

  onBytes(end: PeerEnd): void {
    if (Pair.listensTo(end.peer.pair) === end.id) postOf(this.ctx, end, { _tag: "Heard", end: end.id })
  }

  onData(end: PeerEnd, reader: WireReader, limit: number): number {
    const { received } = this.ctx.table.messages.native
    const first = headerBytes + reader.bodyBytes
    if (end.up === undefined) {
      received.add("Data", first)
      this.refuse(end, "Data")
      return 1
    }
    const { channel, pending } = reader
    if (channel !== this.channel) {
      this.handOver(end)
      this.channel = channel
    }
    const count = reader.payloads(limit, this.payloads)
    received.add("Data", first + pending - reader.pending, count)
    return count
  }

  onMessage(end: PeerEnd, reader: WireReader): void {
    this.handOver(end)
    // An application handler may have closed it.
    if (!end.peer.has(end)) return
    const message = reader.message()
    this.ctx.table.messages.native.received.add(message._tag, headerBytes + reader.bodyBytes)
    this.message(end, message, reader)
    this.account(end, MessageCost.of(message, reader.bodyBytes))
  }

  onMalformed(end: PeerEnd, fault: string): void {
    this.handOver(end)
    if (fault !== TransportText.tlsThere) return Protection.malformed(this.ctx, end, fault)
    postOf(this.ctx, end, {
      _tag: "Refused",
      end: end.id,
      reject: "incompatible",
      detail: fault,
      retryMs: Limits.otherTransportMs
    })
  }

  onGivenUp(end: PeerEnd, detail: string): void {
    Outgoing.close(this.ctx, end, "silent", detail)
  }

  onBatch(end: PeerEnd, { arriving }: WireReader, frames: number): void {
    this.handOver(end)
    if (end.up === undefined) return
    if (frames === 0 && arriving) this.ctx.sync.onProgress(end.up)
    Heartbeat.heard(this.ctx, end.up, frames, arriving)
  }

  private handOver(end: PeerEnd): void {
    if (this.payloads.length === 0) return
    const batch = this.payloads
    this.payloads = []
    const trouble = this.ctx.inbox.deliver(originOf(end), this.channel, batch)
    if (trouble === undefined) return
    ApplicationChannels.report(this.ctx, trouble)
    if (trouble._tag !== "Dropped") return
    this.account(end, MessageCost.unreceived(batch.length, batch.reduce((bytes, { length }) => bytes + length, 0)))
  }

  /** Charges a message to its sender's buckets. Before Up a peer has little reason to send: messages are only counted. */
  private account(end: PeerEnd, cost: MessageCost.Cost | undefined): void {
    if (cost === undefined || !end.peer.has(end)) return
    const { up } = end
    if (up !== undefined) return up.rates.charge(up.connection, cost, this.ctx.timers)
    end.earlyMessages += 1
    if (end.earlyMessages <= Limits.messagesBeforeUp) return
    Protection.flooded(this.ctx, end, `more than ${Limits.messagesBeforeUp} messages before the connection is up`)
  }

  private refuse(end: PeerEnd, tag: string): void {
    const fault = Gate.message(end, tag)
    if (fault !== undefined) Protection.violated(this.ctx, end, fault)
  }

  private message(end: PeerEnd, message: Decoded, reader: WireReader): void {
    const { ctx } = this
    switch (message._tag) {
      case "Ping":
        return pingReceived(ctx, end, message.nonce)
      case "Pong":
        return pongReceived(ctx, end, message.nonce)
      case "BadBody":
        return Protection.malformed(ctx, end, `kind ${message.kind}: ${message.reason}`)
    }
    const peer = peerOf(ctx, end)
    if (peer === undefined) return
    switch (message._tag) {
      case "Hello":
        return HelloExchange.helloReceived(ctx, peer, end, message)
      case "Commit":
        return HelloExchange.commitReceived(ctx, peer, end, message)
      case "Ack":
        return post(ctx, peer, { _tag: "AckReceived", end: end.id })
      case "Reject":
        return HelloExchange.rejectReceived(ctx, peer, end, message)
    }
    if (end.up === undefined) {
      if (message._tag !== "Peers" || !HelloExchange.mayBeTold(end)) return this.refuse(end, message._tag)
      // Addresses from a node that has not sent a Hello are not believed.
      return end.greeting === undefined ? undefined : Discovery.peersReceived(ctx, peer, end, message.peers, asTold)
    }
    switch (message._tag) {
      case "Data":
        return
      case "Peers":
        return Discovery.peersReceived(ctx, peer, end, message.peers, asTold)
      case "AskPeers":
        return Discovery.asked(ctx, peer, end.up)
      case "AskDialBack":
        return Reachability.ask(ctx, peer, end.up, message.request)
      case "DialBack":
        return Reachability.answered(ctx, end.up, message)
      case "SameProcess":
        return Aliases.proofReceived(ctx, peer, end.up, message.proof)
      case "Unknown":
        return ctx.emit({ _tag: "UnknownFrame", ip: peer.ip, kind: message.kind })
      case "OwnMasternode":
      case "Masternodes":
      case "SeenMasternodes":
        return ctx.masternodes.onMessage(end.up, message)
      default:
        // Sync may hold blocks until earlier blocks have arrived.
        reader.keep()
        return ctx.sync.onMessage(end.up, message)
    }
  }
}

const asTold = (address: PeerAddress): PeerAddress => address

const pingReceived = (ctx: NodeContext, end: PeerEnd, nonce: bigint): void => {
  const { up } = end
  // The lower peer may ping while it commits; a ping before Up is out of turn and gets no answer.
  if (up === undefined) return
  end.pingsReceived += 1
  note(ctx, end, "PingReceived", nonce)
  if (!ctx.rules.answersPing(up.connection.queuedBytes)) return
  end.pongsSent += 1
  note(ctx, end, "PongSent", nonce)
  Outgoing.control(ctx, end, { _tag: "Pong", nonce })
  // The answer closes an end whose outbox is full.
  if (end.up === up) Heartbeat.answered(ctx, up)
}

const pongReceived = (ctx: NodeContext, end: PeerEnd, nonce: bigint): void => {
  const { up } = end
  if (up === undefined) return
  const [liveness, rttMs] = Liveness.pong(up.liveness, nonce, ctx.timers.now())
  up.liveness = liveness
  end.pongsReceived += 1
  ctx.emit({
    _tag: "PongReceived",
    ip: end.ip,
    connection: end.id,
    direction: end.direction,
    socket: up.connection.socketName,
    nonce,
    rttMs
  })
  // Only a challenged end waits for its pong; most pongs answer liveness pings.
  if (end.peer.pair.probe !== undefined) postOf(ctx, end, { _tag: "PongReceived", end: end.id, nonce })
}

const note = (ctx: NodeContext, end: PeerEnd, _tag: "PingReceived" | "PongSent", nonce: bigint): void =>
  ctx.emit({
    _tag,
    ip: end.ip,
    connection: end.id,
    direction: end.direction,
    socket: end.socketName,
    nonce
  })
