/**
 * What a wire is: how it splits a byte stream into frames and encodes messages. Each connection has one wire; the messages mean the same on
 * all of them.
 *
 * **Hot path.** Most received frames are `Data`. A reader returns `data` for them, and provides channel and payloads without a message
 * object, a run of frames at a time. All other frames go through `message`.
 */
import type { Message } from "./Message.ts"

/** A frame of a kind unknown to this version: skipped and counted after Up, an error before. */
export interface Unknown {
  readonly _tag: "Unknown"
  readonly kind: number
}

/** A frame of a known kind with an invalid body: ends the connection (`bad-frame`). */
export interface BadBody {
  readonly _tag: "BadBody"
  readonly kind: number
  /** In words, for the log. */
  readonly reason: string
}

/** `M`: the messages of the wire. */
export type Decoded<M = Message> = M | Unknown | BadBody

/** Socket output for one message: one buffer, or head and body separately, so that a long body is never copied. */
export type Encoded = readonly [Uint8Array] | readonly [head: Uint8Array, body: Uint8Array]

/**
 * `none`: no whole frame yet. `data`: a frame of an application channel. `message`: any other frame. `malformed`: bytes that are not a
 * frame, or a frame over the limit; the reader stays in this state.
 */
export type Next = "none" | "data" | "message" | "malformed"

/**
 * Splits one direction of one connection into frames. `push` the socket's bytes, then `read` until it returns `none` or `malformed`. The
 * current frame stays readable until the next `read`.
 *
 * **Ownership.** Pushed chunks belong to the reader. A frame's bytes stay unchanged until `recycle`, which may reclaim buffers of frames
 * that were not kept (`keep`).
 */
export interface WireReader<M = Message> {
  readonly push: (chunk: Uint8Array) => void
  /** @param limit current maximum frame, bytes */
  readonly read: (limit: number) => Next
  /** Of the current `data` frame. */
  readonly channel: number
  /**
   * Appends the payload of the current `data` frame, and of the frames after it that are of the same channel, within the limit and whole in
   * the same chunk: all views. Returns their number; `read` continues after them.
   */
  readonly payloads: (limit: number, into: Array<Uint8Array>) => number
  /** bytes. Body of the current frame. */
  readonly bodyBytes: number
  /** The current `message` frame. Total: accepts any bytes. */
  readonly message: () => Decoded<M>
  /** After `malformed`: what is wrong, in words. */
  readonly fault: (limit: number) => string
  /** After `none`: whether a frame has begun but is not complete. */
  readonly arriving: boolean
  /** Bytes held of incomplete frames. */
  readonly pending: number
  /** Total bytes of the arriving frame, from its header; 0 while unknown. */
  readonly announced: number
  /** Keeps the current frame's bytes beyond this batch. */
  readonly keep: () => void
  /** The frames read so far are no longer needed, except kept ones. */
  readonly recycle: () => void
  /** Releases spare memory: an idle connection holds none. */
  readonly rest: () => void
}

/** Frames in one buffer, with their number. */
export interface DataBatch {
  readonly frame: Uint8Array
  readonly count: number
}

/** Allocates buffers of which every byte will be written. */
export interface Allocator {
  readonly allocate: (bytes: number) => Uint8Array
}

/** How a wire encodes messages `M` as a byte stream. */
export interface Framing<M = Message> {
  /** Its name in `status` and logs. */
  readonly name: string
  /** bytes. Maximum frame before and after Up, and maximum payload of a `Data`. */
  readonly limits: { readonly beforeUp: number; readonly up: number; readonly payload: number }
  /** A reader for one direction of a connection. `allocate` returns a buffer of which every byte will be written. */
  readonly reader: (allocate: (bytes: number) => Uint8Array) => WireReader<M>
}

export interface Wire extends Framing {
  readonly encode: (message: Message) => Encoded
  /** A payload on an application channel. */
  readonly encodeData: (channel: number, payload: Uint8Array) => Encoded
  /** Short payloads of one channel, from the `from`th on, in one buffer from the allocator. See `NativeEncoder`. */
  readonly encodeDataBatch: (
    channel: number,
    payloads: ReadonlyArray<Uint8Array>,
    from: number,
    allocator: Allocator
  ) => DataBatch
}
