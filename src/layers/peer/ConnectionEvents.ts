/** What a connection needs from its node, and what it reports: bytes as frames, its opening and its end. */
import type { Effect, Fiber } from "effect"
import type * as DisconnectReason from "../../domain/DisconnectReason.ts"
import type { Message } from "../../domain/wire/Message.ts"
import type { WireReader } from "../../domain/wire/Wire.ts"
import type { Timers } from "../time/Timers.ts"
import type { Lingering } from "./Lingering.ts"
import type { ReadTurns } from "./ReadTurns.ts"
import type { WaitingBytes } from "./WaitingBytes.ts"

/** What a connection needs of its node. */
export interface ConnectionIo {
  readonly timers: Timers["Service"]
  /** See `EventLoop`. */
  readonly afterTurn: (f: () => void) => void
  /** Starts an effect that ends with the node. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Bytes queued to be sent, over all connections. */
  readonly waiting: WaitingBytes
  /** Closed ends that are still being read. */
  readonly lingering: Lingering
  /** Limits how long messages are handled at a time, over all connections. */
  readonly turns: ReadTurns
}

/**
 * The reading side: one for all connections of a node that speak a wire with messages `M`. Plain functions called within a read batch; the
 * frame is the reader's current one.
 */
export interface FrameEvents<Owner, M = Message> {
  /** Bytes arrived; called before any frame in them is handed over. */
  readonly onBytes: (owner: Owner) => void
  /** Takes the reader's frame, or several (`WireReader.payloads`, within `limit`). Returns how many it took. */
  readonly onData: (owner: Owner, reader: WireReader<M>, limit: number) => number
  readonly onMessage: (owner: Owner, reader: WireReader<M>) => void
  /** The bytes are not a valid frame; reading stops. `fault` describes why. */
  readonly onMalformed: (owner: Owner, fault: string) => void
  /** The partial frame holds memory that others wait for, and has taken too long; `detail` describes it. */
  readonly onGivenUp: (owner: Owner, detail: string) => void
  /** All `frames` frames of a batch have been handed over. */
  readonly onBatch: (owner: Owner, reader: WireReader<M>, frames: number) => void
}

const nothing = () => {}

/** Reads frames and ignores them. */
export const deaf: FrameEvents<unknown, unknown> = {
  onBytes: nothing,
  onData: () => 1,
  onMessage: nothing,
  onMalformed: nothing,
  onGivenUp: nothing,
  onBatch: nothing
}

/** Opening and end of a connection. */
export interface SocketEvents<Owner> {
  /** The socket is open: bytes can flow. Called at most once. */
  readonly onOpen: (owner: Owner) => void
  /** The connection's program ended: nothing more is read or written. Called once. `opened`: whether the socket had opened. */
  readonly onEnd: (owner: Owner, reason: DisconnectReason.DisconnectReason, opened: boolean) => void
}
