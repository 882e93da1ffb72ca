/**
 * What a wire is: how a byte stream is cut into frames and how messages are coded. Each connection has one; what the messages mean is
 * the same over all of them.
 *
 * **Hot path.** `Data` frames are most of what comes: a reader answers `data` for them, and gives channel and payloads without a message
 * object, a run of frames at a time. Everything else goes through `message`.
 */
import type { Message } from "./Message.ts"

/** The fault of a stream that is TLS where none was expected. A peer so met is not dialled again soon: see `Limits.otherTransportMs`. */
export const speaksTls = "this endpoint speaks TLS, and this node does not: one of the two needs another --transport"

/** A frame of a kind this version does not know: skipped and counted after Up, an error before. */
export interface Unknown {
  readonly _tag: "Unknown"
  readonly kind: number
}

/** A frame of a known kind whose body does not fit it: ends the connection (`bad-frame`). */
export interface BadBody {
  readonly _tag: "BadBody"
  readonly kind: number
  /** In words, for the log. */
  readonly reason: string
}

/** `M`: the messages of the wire. */
export type Decoded<M = Message> = M | Unknown | BadBody

/** What goes into a socket for one message: one buffer, or head and body apart, so that a long body is never copied. */
export type Encoded = readonly [Uint8Array] | readonly [head: Uint8Array, body: Uint8Array]

/**
 * `none`: no whole frame yet. `data`: a frame of an application channel. `message`: any other frame. `malformed`: bytes that are no
 * frame, or one over the limit; the reader stays so.
 */
export type Next = "none" | "data" | "message" | "malformed"

/**
 * Cuts one direction of one connection. `push` what the socket gave, then `read` until it says `none` or `malformed`. The current frame
 * stays readable until the next `read`.
 *
 * **Ownership.** Chunks pushed belong to the reader. A frame's bytes stay as they are until `recycle`, which may take buffers back of
 * frames whose bytes were not kept (`keep`).
 */
export interface WireReader<M = Message> {
  readonly push: (chunk: Uint8Array) => void
  /** @param limit greatest frame now, bytes */
  readonly read: (limit: number) => Next
  /** Of the current `data` frame. */
  readonly channel: number
  /**
   * Appends the payload of the current `data` frame, and those of the frames behind it as long as they are of the same channel, within
   * the limit and whole in the same chunk: all views. How many; `read` goes on behind them.
   */
  readonly payloads: (limit: number, into: Array<Uint8Array>) => number
  /** bytes. Body of the current frame. */
  readonly bodyBytes: number
  /** The current `message` frame. Total: whatever its bytes are. */
  readonly message: () => Decoded<M>
  /** After `malformed`: what is wrong, in words. */
  readonly fault: (limit: number) => string
  /** After `none`: whether a frame has begun and not ended. */
  readonly arriving: boolean
  /** Bytes held of frames that are not whole. */
  readonly pending: number
  /** Bytes of the frame that arrives, in all, by its head; 0 while that is not known. */
  readonly announced: number
  /** The bytes of the current frame are kept beyond this batch. */
  readonly keep: () => void
  /** The frames read so far are done with, but for those kept. */
  readonly recycle: () => void
  /** Lets go of spare memory: an idle connection holds none. */
  readonly rest: () => void
}

/** Frames in one buffer, and how many they are. */
export interface DataBatch {
  readonly frame: Uint8Array
  readonly count: number
}

/** Gives buffers of which every byte will be written. */
export interface Allocator {
  readonly allocate: (bytes: number) => Uint8Array
}

/** How a wire cuts a stream into messages `M`. */
export interface Framing<M = Message> {
  /** As `status` and logs name it. */
  readonly name: string
  /** bytes. Greatest frame before and after Up, and greatest payload of a `Data`. */
  readonly limits: { readonly beforeUp: number; readonly up: number; readonly payload: number }
  /** A reader for one direction of a connection. `allocate` gives a buffer of which every byte will be written. */
  readonly reader: (allocate: (bytes: number) => Uint8Array) => WireReader<M>
}

export interface Wire extends Framing {
  readonly encode: (message: Message) => Encoded
  /** A payload on an application channel. */
  readonly encodeData: (channel: number, payload: Uint8Array) => Encoded
  /** Short payloads of one channel, from the `from`th on, in one buffer of the allocator's. See `NativeEncoder`. */
  readonly encodeDataBatch: (
    channel: number,
    payloads: ReadonlyArray<Uint8Array>,
    from: number,
    allocator: Allocator
  ) => DataBatch
}
