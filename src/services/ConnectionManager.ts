/**
 * Keeps exactly one connection to every known peer, and carries the application's messages over it.
 *
 * **Shapes**: an application message is a payload on a numbered channel (0…65535). Payloads received are views into the
 * read buffer and valid only during the handler: copy what is kept (streams copy for you). **Ordering**: in order and at
 * most once per connection; what was queued at Down is lost. **Errors**: `SendError` says why a message cannot go out.
 * **Concurrency**: all of it may be called from many fibers; interruption of a waiting `send` sends nothing.
 */
import type { Effect, Scope, Stream } from "effect"
import { Context, Schema } from "effect"
import type { PeerAddress } from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Subnet } from "../domain/peer/Subnet.ts"
import type { Ban } from "../domain/protection/BanList.ts"

/** No connection is up with that peer; `why` of `PeerState` tells more. */
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
/** The payload exceeds what one frame carries. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { bytes: Schema.Int, max: Schema.Int }) {
  override get message() {
    return `payload of ${this.bytes} bytes exceeds limit ${this.max}: send it in parts`
  }
}
/** A channel is a whole number from 0 to 65535. `channel`: what was given, as text: it may be no number at all. */
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

/** The channel has a receiver: there is one at a time. */
export class ChannelTaken extends Schema.TaggedError<ChannelTaken>()("ChannelTaken", { channel: Schema.Int }) {
  override get message() {
    return `channel ${this.channel} has a receiver already: use another channel, or close the scope of the first receiver`
  }
}

/** An address to connect to is not a peer's: no unicast address, no port, or this node's own. */
export class InvalidPeer extends Schema.TaggedError<InvalidPeer>()("InvalidPeer", {
  input: Schema.optional(Schema.String),
  problem: Schema.String,
  fix: Schema.String
}) {
  override get message() {
    return `peer "${this.input ?? ""}" ${this.problem}; ${this.fix}`
  }
}

/** The ban cannot be made. `problem` and `fix` are for a person. */
export class InvalidBan extends Schema.TaggedError<InvalidBan>()("InvalidBan", {
  input: Schema.String,
  problem: Schema.String,
  fix: Schema.String
}) {
  override get message() {
    return `ban of ${this.input} ${this.problem}; ${this.fix}`
  }
}

/** A ban as it stands. Times are wall time, ms. */
export interface BanReport extends Ban {
  /** ms until it ends. */
  readonly leftMs: number
}

/** The reader of `messages` fell behind by more than its buffer; messages were lost, so the stream ends. */
export class Lagged extends Schema.TaggedError<Lagged>()("Lagged", { channel: Schema.Int, buffered: Schema.Int }) {
  override get message() {
    return `the reader of channel ${this.channel} fell behind by ${this.buffered} messages and lost some: read faster, or use receive`
  }
}

/** A connection as a message's origin. */
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
   * Queues one message for every connected peer (but `except`) without waiting; a peer whose outbox is full is
   * disconnected (`outbox-full`). Gives the number of peers it was queued for.
   */
  readonly broadcast: (
    channel: number,
    payload: Uint8Array,
    except?: ReadonlyArray<PeerIp>
  ) => Effect.Effect<number, TooLarge | InvalidChannel>
  /**
   * Calls `handler` with the payloads of one read batch, in order, until the scope closes. The fastest way to receive: a
   * plain function inside the read loop, so keep it short.
   *
   * Messages that came while the channel had no receiver are handed over first, before this returns: the node holds them up
   * to `Limits.heldBytes`, and logs what it has to drop. A handler that throws is logged with its cause and ends that connection
   * (`application`, at both ends), not the node; from the `Limits.handlerFailures`th time in a row on, messages of that peer on
   * that channel are dropped instead, with a warning, and the connection stays.
   */
  readonly receive: (
    channel: number,
    handler: (from: Origin, payloads: ReadonlyArray<Uint8Array>) => void
  ) => Effect.Effect<void, ChannelTaken | InvalidChannel, Scope.Scope>
  /** The messages of a channel as a stream, payloads copied; buffers `Limits.streamBuffer` messages, then ends with `Lagged`. */
  readonly messages: (channel: number) => Stream.Stream<Received, ChannelTaken | InvalidChannel | Lagged>
  /** Makes an address known, so that the pair gets connected; which end dials follows from the ranks. */
  readonly connect: (to: PeerAddress) => Effect.Effect<void, InvalidPeer>
  /** Ends the connection (peer reads `operator`) and stops dialling the peer until it is named again. False if there was none. */
  readonly disconnect: (ip: PeerIp) => Effect.Effect<boolean>
  /**
   * Drops every connection to these addresses without a word, refuses theirs, and does not dial them until another call no
   * longer names them; dials then resume at once. Replaces the list of the call before: the empty one ends all isolation. For
   * drills: to the peers it looks like a cut cable.
   */
  readonly isolate: (ips: ReadonlyArray<PeerIp>) => Effect.Effect<void>
  /**
   * Bans addresses: their connections end (the peer reads `banned` and for how long), their sockets are closed at accept, and they are not
   * dialled. In place of an earlier ban of the same addresses. An operator's ban holds for configured peers too. Stored at once.
   */
  readonly ban: (
    subnet: Subnet,
    options?: { readonly forMs?: number | undefined; readonly reason?: string | undefined }
  ) => Effect.Effect<BanReport, InvalidBan>
  /** Lifts exactly that ban; peers that it held off are dialled soon. False if there is none. */
  readonly unban: (subnet: Subnet) => Effect.Effect<boolean>
  /**
   * Forgets the key by which a peer is known, and dials it soon: the key that it shows next is trusted. False if it is known by none; always
   * so over the plain transport.
   */
  readonly trust: (ip: PeerIp) => Effect.Effect<boolean>
  /** Every ban, by address. */
  readonly bans: Effect.Effect<ReadonlyArray<BanReport>>
  /** Where this node listens. */
  readonly address: PeerAddress
}>()("timemesh/services/ConnectionManager") {}
