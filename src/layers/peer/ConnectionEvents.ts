/** What a connection needs of its node, and what it tells: its bytes as frames, its begin and its end. */
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
  /** Bytes that wait, of all connections. */
  readonly waiting: WaitingBytes
  /** Ends that were closed and are read on. */
  readonly lingering: Lingering
  /** How long messages are handled at a time, of all connections. */
  readonly turns: ReadTurns
}

/**
 * The reading side, one for all connections of a node that speak a wire with messages `M`. Plain functions inside a read batch; the frame is
 * the reader's current one.
 */
export interface FrameEvents<Owner, M = Message> {
  /** Bytes came, before any frame in them is handed over. */
  readonly onBytes: (owner: Owner) => void
  /** Takes the reader's frame, or several (`WireReader.payloads`, within `limit`): how many. */
  readonly onData: (owner: Owner, reader: WireReader<M>, limit: number) => number
  readonly onMessage: (owner: Owner, reader: WireReader<M>) => void
  /** The bytes are no frame; nothing more is read. `fault` says why, in words. */
  readonly onMalformed: (owner: Owner, fault: string) => void
  /** The frame under way takes memory that others wait for, and has taken too long; in words. */
  readonly onGivenUp: (owner: Owner, detail: string) => void
  /** All frames of a batch have been handed over: `frames` many. */
  readonly onBatch: (owner: Owner, reader: WireReader<M>, frames: number) => void
}

const nothing = () => {}

/** Reads frames and does nothing about them. */
export const deaf: FrameEvents<unknown, unknown> = {
  onBytes: nothing,
  onData: () => 1,
  onMessage: nothing,
  onMalformed: nothing,
  onGivenUp: nothing,
  onBatch: nothing
}

/** Begin and end of a connection. */
export interface SocketEvents<Owner> {
  /** The socket is open: bytes can flow. Called once at most. */
  readonly onOpen: (owner: Owner) => void
  /** The program ended: nothing more comes or goes. Called once; `opened` tells whether it ever got as far. */
  readonly onEnd: (owner: Owner, reason: DisconnectReason.DisconnectReason, opened: boolean) => void
}
