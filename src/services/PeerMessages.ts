/**
 * The node's own protocols over the peers' connections: what `ConnectionManager` is to applications, for the layers.
 *
 * **Shapes**: messages of `domain/wire/SyncMessage`. Bytes in a received message are views that stay valid; they hold the
 * frame they came in (up to 8 MiB) in memory as long as they are kept. **Ordering**: in order per connection.
 * **Concurrency**: handlers are plain functions inside the read loop; `send` never waits.
 */
import type { Effect, Scope } from "effect"
import { Context } from "effect"
import type { SyncMessage } from "../domain/wire/SyncMessage.ts"
import type { Origin } from "./ConnectionManager.ts"

/** What a protocol hears of the peers. Times are not given: use the clock. */
export interface PeerListener {
  /** A connection is up; `tip` is what the peer's Hello said, `capabilities` its bit set. */
  readonly onUp: (from: Origin, tip: { readonly height: number; readonly hash: string }, capabilities: number) => void
  readonly onDown: (from: Origin) => void
  readonly onMessage: (from: Origin, message: SyncMessage) => void
  /** Bytes of a frame came, and the frame is not whole yet: the peer is slow, not silent. */
  readonly onProgress: (from: Origin) => void
}

export class PeerMessages extends Context.Service<PeerMessages, {
  /**
   * One listener at a time, until the scope closes. Connections that are up already are told as `onUp` first, each followed by what it
   * sent since: on a node with a chain nothing is lost between Up and here.
   */
  readonly listen: (listener: PeerListener) => Effect.Effect<void, never, Scope.Scope>
  /** Queues a message. False when that connection is not up any more, or does not read. */
  readonly send: (to: Origin, message: SyncMessage) => boolean
  /** Waits until at most `bytes` are queued for the connection, or it is not up any more. */
  readonly whenLow: (to: Origin, bytes: number) => Effect.Effect<void>
  /** Reads no more from the connection: the peer's window closes. Each call needs a `resumeReading`. */
  readonly pauseReading: (from: Origin) => void
  readonly resumeReading: (from: Origin) => void
  /** Ends the connection because the peer broke a rule; the peer reads `protocol` and the detail. */
  readonly drop: (to: Origin, detail: string) => void
}>()("timemesh/services/PeerMessages") {}
