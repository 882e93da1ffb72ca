/**
 * The node's own protocols over the peers' connections: what `ConnectionManager` is to applications, for the layers.
 *
 * **Shapes**: messages of `domain/wire/SyncMessage` and `domain/wire/MasternodeMessage`, each with a listener of its own. Bytes in a received message are views that stay valid; they hold the
 * frame they came in (up to 8 MiB) in memory as long as they are kept. **Ordering**: in order per connection.
 * **Concurrency**: handlers are plain functions inside the read loop; `send` never waits.
 */
import type { Effect, Scope } from "effect"
import { Context } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Offence } from "../domain/protection/Offence.ts"
import type { MasternodeMessage } from "../domain/wire/MasternodeMessage.ts"
import type { SyncMessage } from "../domain/wire/SyncMessage.ts"
import type { TimeMessage } from "../domain/wire/time/TimeMessage.ts"
import type { Origin } from "./ConnectionManager.ts"

/** What both ends of a connection know of it, and no third party can choose. */
export interface PeerSession {
  /** Nonces of our Hello and of the peer's. */
  readonly ownNonce: bigint
  readonly peerNonce: bigint
  /** Our address as the peer's Hello names it. */
  readonly ownIp: PeerIp
}

/** Blocks for a peer of the TIME network, as they are stored: they are sent without being decoded. */
export interface BlocksOut {
  readonly _tag: "StoredBlocks"
  readonly as: "BlocksResponse" | "BlockRangeResponse" | "BlockResponse" | "GenesisAnnouncement"
  /** One for the last two. */
  readonly blocks: ReadonlyArray<Uint8Array>
}

/** What a protocol hears of the peers. Times are not given: use the clock. */
export interface PeerListener<M = SyncMessage> {
  /** A connection is up; `tip` is what the peer's Hello said, `capabilities` its bit set. */
  readonly onUp: (
    from: Origin,
    tip: { readonly height: number; readonly hash: string },
    capabilities: number,
    session: PeerSession
  ) => void
  readonly onDown: (from: Origin) => void
  readonly onMessage: (from: Origin, message: M) => void
  /** Bytes of a frame came, and the frame is not whole yet: the peer is slow, not silent. */
  readonly onProgress: (from: Origin) => void
}

export class PeerMessages extends Context.Service<PeerMessages, {
  /**
   * One listener at a time, until the scope closes. Connections that are up already are told as `onUp` first, each followed by what it
   * sent since: on a node with a chain nothing is lost between Up and here.
   */
  readonly listen: (listener: PeerListener) => Effect.Effect<void, never, Scope.Scope>
  /** The same for messages of masternodes. */
  readonly listenMasternodes: (listener: PeerListener<MasternodeMessage>) => Effect.Effect<void, never, Scope.Scope>
  /** The same for what peers of the TIME network say of masternodes. */
  readonly listenTimeMasternodes: (listener: PeerListener<TimeMessage>) => Effect.Effect<void, never, Scope.Scope>
  /** The same for what peers of the TIME network say of the chain. Their tip is not known at Up: it is asked for. */
  readonly listenTime: (listener: PeerListener<TimeMessage>) => Effect.Effect<void, never, Scope.Scope>
  /** Queues a message. False when that connection is not up any more, or does not read. */
  readonly send: (to: Origin, message: SyncMessage | MasternodeMessage) => boolean
  /**
   * Queues a message for a peer of the TIME network. False when that connection is not up any more, does not read, or would be sent more of the
   * kind than the peer reads; an announcement of this node's masternode also when it is too early, or was sent on this connection.
   */
  readonly sendTime: (to: Origin, message: TimeMessage | BlocksOut) => boolean
  /** ms until a message of the kind may be sent there; 0: now. */
  readonly timeWaitMs: (to: Origin, tag: TimeMessage["_tag"]) => number
  /** Waits until at most `bytes` are queued for the connection, or it is not up any more. */
  readonly whenLow: (to: Origin, bytes: number) => Effect.Effect<void>
  /** Reads no more from the connection: the peer's window closes. Each call needs a `resumeReading`. */
  readonly pauseReading: (from: Origin) => void
  readonly resumeReading: (from: Origin) => void
  /** Ends the connection because the peer broke a rule; the peer reads `protocol` and the detail. */
  readonly drop: (to: Origin, detail: string) => void
  /** The peer did what no honest peer does: it may be banned for it. Report it before the `drop` that follows. */
  readonly report: (of: PeerIp, offence: Offence) => void
}>()("timemesh/services/PeerMessages") {}
