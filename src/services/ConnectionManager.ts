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

/** No connection is up with that peer; `why` of `PeerState` tells more. */
export class NotConnected extends Schema.TaggedError<NotConnected>()("NotConnected", { ip: Schema.String }) {}
/** The connection went down while the message waited. Whether earlier messages arrived is not known. */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", {
  ip: Schema.String,
  reason: Schema.String
}) {}
/** The payload exceeds what one frame carries. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { bytes: Schema.Int, max: Schema.Int }) {}

export class SendError extends Schema.TaggedError<SendError>()("SendError", {
  reason: Schema.Union([NotConnected, ConnectionLost, TooLarge])
}) {}

/** Somebody already receives on that channel. */
export class ChannelTaken extends Schema.TaggedError<ChannelTaken>()("ChannelTaken", { channel: Schema.Int }) {}

/** The reader of `messages` fell behind by more than its buffer; messages were lost, so the stream ends. */
export class Lagged extends Schema.TaggedError<Lagged>()("Lagged", { channel: Schema.Int, buffered: Schema.Int }) {}

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
  ) => Effect.Effect<number, TooLarge>
  /**
   * Calls `handler` with the payloads of one read batch, in order, until the scope closes. The fastest way to receive: a
   * plain function inside the read loop, so keep it short. A throwing handler ends that connection, not the node.
   */
  readonly receive: (
    channel: number,
    handler: (from: Origin, payloads: ReadonlyArray<Uint8Array>) => void
  ) => Effect.Effect<void, ChannelTaken, Scope.Scope>
  /** The messages of a channel as a stream, payloads copied; buffers `Limits.streamBuffer` messages, then ends with `Lagged`. */
  readonly messages: (channel: number) => Stream.Stream<Received, ChannelTaken | Lagged>
  /** Makes an address known, so that the pair gets connected; who dials follows from the ranks. */
  readonly connect: (to: PeerAddress) => Effect.Effect<void>
  /** Ends the connection (peer reads `operator`) and stops dialling the peer until it is named again. False if there was none. */
  readonly disconnect: (ip: PeerIp) => Effect.Effect<boolean>
  /**
   * Drops every connection to these addresses without a word, refuses theirs, and does not dial them until another call no
   * longer names them; dials then resume at once. Replaces the list of the call before: the empty one ends all isolation. For
   * drills: to the peers it looks like a cut cable.
   */
  readonly isolate: (ips: ReadonlyArray<PeerIp>) => Effect.Effect<void>
  /** Where this node listens. */
  readonly address: PeerAddress
}>()("timemesh/services/ConnectionManager") {}
