/**
 * Keeps exactly one connection to every known peer, and carries the application's messages over it.
 *
 * **Shapes**: an application message is a payload on a numbered channel (0…65535). Received payloads are views into the read buffer, valid
 * only during the handler: copy what you keep (streams copy for you). **Ordering**: in order and at most once per connection; messages
 * still queued at Down are lost. **Errors**: `SendError` says why a message cannot be sent. **Concurrency**: every operation may be called
 * from many fibers; interrupting a waiting `send` sends nothing.
 */
import type { Effect, Scope, Stream } from "effect"
import { Context, Schema } from "effect"
import type { PeerAddress } from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Subnet } from "../domain/peer/Subnet.ts"
import * as Problem from "../domain/Problem.ts"
import type { Ban } from "../domain/protection/BanList.ts"

/** No connection to that peer is up; `PeerState.why` explains. */
export class NotConnected extends Schema.TaggedError<NotConnected>()("NotConnected", { ip: Schema.String }) {
  override get message() {
    return `no connection to ${this.ip} is up: PeerState.why says why not`
  }
}
/** The connection went down while the message waited. Whether earlier messages arrived is not known. */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", {
  ip: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the connection to ${this.ip} went down (${this.reason}) while the message was queued: send it again when it is up`
  }
}
/** The payload exceeds the maximum of one frame. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { bytes: Schema.Int, max: Schema.Int }) {
  override get message() {
    return `payload of ${this.bytes} bytes exceeds limit ${this.max}: send it in parts`
  }
}
/** A channel is a whole number from 0 to 65535. `channel`: the given value as text, since it may not be a number. */
export class InvalidChannel extends Schema.TaggedError<InvalidChannel>()("InvalidChannel", {
  channel: Schema.String
}) {
  override get message() {
    return `channel ${this.channel} is not a whole number from 0 to 65535`
  }
}

export class SendError extends Schema.TaggedError<SendError>()("SendError", {
  reason: Schema.Union([NotConnected, ConnectionLost, TooLarge, InvalidChannel])
}) {
  override get message() {
    return this.reason.message
  }
}

/** The channel already has a receiver; only one is allowed at a time. */
export class ChannelTaken extends Schema.TaggedError<ChannelTaken>()("ChannelTaken", { channel: Schema.Int }) {
  override get message() {
    return `channel ${this.channel} has a receiver already: use another channel, or close the scope of the first receiver`
  }
}

/** The address to connect to is not a peer's: it is not unicast, has no valid port, or is this node's own. */
export class InvalidPeer extends Schema.TaggedError<InvalidPeer>()("InvalidPeer", {
  input: Schema.optional(Schema.String),
  problem: Schema.String,
  fix: Schema.String
}) {
  get what() {
    return `peer "${this.input ?? ""}" ${this.problem}`
  }
  override get message() {
    return Problem.text(this)
  }
}

/** The ban cannot be made. `problem` and `fix` are for the operator. */
export class InvalidBan extends Schema.TaggedError<InvalidBan>()("InvalidBan", {
  input: Schema.String,
  problem: Schema.String,
  fix: Schema.String
}) {
  get what() {
    return `ban of ${this.input} ${this.problem}`
  }
  override get message() {
    return Problem.text(this)
  }
}

/** A current ban. Times are wall time, ms. */
export interface BanReport extends Ban {
  /** ms until it ends. */
  readonly leftMs: number
}

/** The reader of `messages` fell behind by more than its buffer. Messages were lost, so the stream ends. */
export class Lagged extends Schema.TaggedError<Lagged>()("Lagged", { channel: Schema.Int, buffered: Schema.Int }) {
  override get message() {
    return `the reader of channel ${this.channel} fell behind by ${this.buffered} messages and lost some: read faster, or use receive`
  }
}

/** The connection from which a message came. */
export interface Origin {
  readonly ip: PeerIp
  readonly connection: number
}

export interface Received {
  readonly from: Origin
  readonly channel: number
  readonly payload: Uint8Array
}

export class ConnectionManager extends Context.Service<ConnectionManager, {
  /** Queues one message for a peer. Waits while that peer's outbox is above its high mark. */
  readonly send: (to: PeerIp, channel: number, payload: Uint8Array) => Effect.Effect<void, SendError>
  /** As `send` for many messages at once, in order: one frame each, one wait, coalesced writes. */
  readonly sendAll: (
    to: PeerIp,
    channel: number,
    payloads: ReadonlyArray<Uint8Array>
  ) => Effect.Effect<void, SendError>
  /**
   * Queues one message for every connected peer (except `except`) without waiting. A peer whose outbox is full is disconnected
   * (`outbox-full`). Returns the number of peers it was queued for.
   */
  readonly broadcast: (
    channel: number,
    payload: Uint8Array,
    except?: ReadonlyArray<PeerIp>
  ) => Effect.Effect<number, TooLarge | InvalidChannel>
  /**
   * Calls `handler` with the payloads of one read batch, in order, until the scope closes. The fastest way to receive: a plain function
   * inside the read loop, so keep it short.
   *
   * Messages that arrived while the channel had no receiver are delivered first, before this returns. The node holds up to
   * `Limits.heldBytes` of them and logs what it drops. A handler that throws is logged with its cause and ends that connection
   * (`application`, at both ends), not the node. From the `Limits.handlerFailures`th failure in a row, messages of that peer on that
   * channel are dropped with a warning instead, and the connection stays up.
   */
  readonly receive: (
    channel: number,
    handler: (from: Origin, payloads: ReadonlyArray<Uint8Array>) => void
  ) => Effect.Effect<void, ChannelTaken | InvalidChannel, Scope.Scope>
  /** The messages of a channel as a stream, payloads copied; buffers `Limits.streamBuffer` messages, then ends with `Lagged`. */
  readonly messages: (channel: number) => Stream.Stream<Received, ChannelTaken | InvalidChannel | Lagged>
  /** Makes an address known, so that the pair gets connected. The ranks decide which end dials. */
  readonly connect: (to: PeerAddress) => Effect.Effect<void, InvalidPeer>
  /** Ends the connection (the peer reads `operator`) and stops dialling the peer until it is named again. False if there was no connection. */
  readonly disconnect: (ip: PeerIp) => Effect.Effect<boolean>
  /**
   * Drops every connection to these addresses without a Reject, refuses theirs, and does not dial them until a later call omits them; dials
   * then resume at once. Each call replaces the previous list, so an empty list ends all isolation. For drills: to the peers it looks like
   * a cut cable.
   */
  readonly isolate: (ips: ReadonlyArray<PeerIp>) => Effect.Effect<void>
  /**
   * Bans addresses: their connections end (the peer reads `banned` and for how long), their sockets are closed at accept, and they are not
   * dialled. Replaces an earlier ban of the same addresses. An operator's ban applies to configured peers too. Stored at once.
   */
  readonly ban: (
    subnet: Subnet,
    options?: { readonly forMs?: number | undefined; readonly reason?: string | undefined }
  ) => Effect.Effect<BanReport, InvalidBan>
  /** Lifts exactly that ban; peers it kept away are dialled soon. False if there is no such ban. */
  readonly unban: (subnet: Subnet) => Effect.Effect<boolean>
  /**
   * Forgets the key pinned for a peer and dials it soon: the next key it shows is trusted. False if no key is pinned, as always over the
   * plain transport.
   */
  readonly trust: (ip: PeerIp) => Effect.Effect<boolean>
  /** Every ban, by address. */
  readonly bans: Effect.Effect<ReadonlyArray<BanReport>>
  /** Where this node listens. */
  readonly address: PeerAddress
}>()("timemesh/services/ConnectionManager") {}
