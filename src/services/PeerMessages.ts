/**
 * The node's own protocols over its peer connections: the layers' counterpart to the application's `ConnectionManager`.
 *
 * **Shapes**: messages of `domain/wire/SyncMessage` and `domain/wire/MasternodeMessage`, each with its own listener. Bytes in a received
 * message are views that stay valid; while kept, they hold their whole frame (up to 8 MiB) in memory. **Ordering**: in order per
 * connection. **Concurrency**: handlers are plain functions inside the read loop; `send` never waits.
 */
import type { Effect, Scope } from "effect"
import { Context } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Offence } from "../domain/protection/Offence.ts"
import type { MasternodeMessage } from "../domain/wire/MasternodeMessage.ts"
import type { SyncMessage } from "../domain/wire/SyncMessage.ts"
import type { TimeMessage } from "../domain/wire/time/TimeMessage.ts"
import type { Origin } from "./ConnectionManager.ts"

/** What both ends of a connection know about it and no third party can choose. */
export interface PeerSession {
  /** Nonces of our Hello and of the peer's. */
  readonly ownNonce: bigint
  readonly peerNonce: bigint
  /** Our address as the peer's Hello names it. */
  readonly ownIp: PeerIp
}

/** Blocks for a peer of the TIME network, as stored: they are sent without being decoded. */
export interface BlocksOut {
  readonly _tag: "StoredBlocks"
  readonly as: "BlocksResponse" | "BlockRangeResponse" | "BlockResponse" | "GenesisAnnouncement"
  /** Exactly one for the last two. */
  readonly blocks: ReadonlyArray<Uint8Array>
}

/** A protocol's callbacks for peers. No times are passed: use the clock. */
export interface PeerListener<M = SyncMessage> {
  /** A connection is up; `tip` and `capabilities` (a bit set) are from the peer's Hello. */
  readonly onUp: (
    from: Origin,
    tip: { readonly height: number; readonly hash: string },
    capabilities: number,
    session: PeerSession
  ) => void
  readonly onDown: (from: Origin) => void
  readonly onMessage: (from: Origin, message: M) => void
  /** Part of a frame arrived: the peer is slow, not silent. */
  readonly onProgress: (from: Origin) => void
}

export class PeerMessages extends Context.Service<PeerMessages, {
  /**
   * One listener at a time, until the scope closes. Connections already up are reported by `onUp` first, each followed by the messages it
   * sent since. On a node with a chain nothing is lost between Up and this call.
   */
  readonly listen: (listener: PeerListener) => Effect.Effect<void, never, Scope.Scope>
  /** The same for messages of masternodes. */
  readonly listenMasternodes: (listener: PeerListener<MasternodeMessage>) => Effect.Effect<void, never, Scope.Scope>
  /** The same for masternode messages from peers of the TIME network. */
  readonly listenTimeMasternodes: (listener: PeerListener<TimeMessage>) => Effect.Effect<void, never, Scope.Scope>
  /** The same for chain messages from peers of the TIME network. Their tip is unknown at Up and must be requested. */
  readonly listenTime: (listener: PeerListener<TimeMessage>) => Effect.Effect<void, never, Scope.Scope>
  /** Queues a message. False if that connection is no longer up, or does not read. */
  readonly send: (to: Origin, message: SyncMessage | MasternodeMessage) => boolean
  /**
   * Queues a message for a peer of the TIME network. False if that connection is no longer up, does not read, or this would exceed the rate
   * at which the peer reads that kind. Also false for an announcement of this node's masternode that is too early or was already sent on
   * this connection.
   */
  readonly sendTime: (to: Origin, message: TimeMessage | BlocksOut) => boolean
  /** ms until a message of the kind may be sent there; 0 means now. */
  readonly timeWaitMs: (to: Origin, tag: TimeMessage["_tag"]) => number
  /** Waits until at most `bytes` are queued for the connection, or it is no longer up. */
  readonly whenLow: (to: Origin, bytes: number) => Effect.Effect<void>
  /** Stops reading from the connection, so that the peer's window closes. Each call needs a matching `resumeReading`. */
  readonly pauseReading: (from: Origin) => void
  readonly resumeReading: (from: Origin) => void
  /** Ends the connection because the peer broke a rule; the peer reads `protocol` and the detail. */
  readonly drop: (to: Origin, detail: string) => void
  /** The peer did something that no honest peer does and may be banned for it. Call this before the `drop` that follows. */
  readonly report: (of: PeerIp, offence: Offence) => void
}>()("timemesh/services/PeerMessages") {}
