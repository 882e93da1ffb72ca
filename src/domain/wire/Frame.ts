/**
 * Splits the native byte stream into frames: u32 big-endian length of kind and body, u8 kind, body.
 *
 * **Shapes.** `push` the socket's bytes, then call `next` while it returns `frame`. The frame is then in the reader's fields `kind`,
 * `buffer`, `start`, `end` until the next call; nothing is allocated for it. Its bytes are a view into the pushed chunk. If its body spans
 * chunks, they are in a buffer of its own, allocated when the last byte has arrived. So a header never makes the reader allocate: it holds
 * only what was received.
 *
 * **Bounds.** `next` takes the current limit, so that it can change between two frames of one chunk. Once a reader returned `bad`, it stays
 * bad.
 *
 * **Ownership.** The reader keeps pushed chunks until they are consumed; the caller must not write to them afterwards. A frame's bytes stay
 * unchanged until `recycle` is called, which may reclaim buffers of frames that were not kept (`keep`).
 */
import * as Limits from "../Limits.ts"

/** bytes. Length and kind, before every body. */
export const headerBytes = 5

/** `none`: no whole frame yet. `bad`: the length in `badLength` is below the minimum or above the limit. */
export type Next = "frame" | "none" | "bad"

const empty = new Uint8Array(0)

/**
 * Whether the start of a stream contains its whole first frame, or a length that a reader with this limit refuses: then there is something
 * to process. Costs one look at each chunk, and keeps nothing.
 */
export const beginsWhole = (chunks: Iterable<Uint8Array>, limit: number): boolean => {
  let length = 0
  let bytes = 0
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.length && bytes + i < 4; i++) length = length * 256 + (chunk[i] ?? 0)
    bytes += chunk.length
  }
  return bytes >= 4 && (length > limit || bytes >= 4 + length)
}

export class FrameReader {
  /** Of the current frame. */
  kind = 0
  /** Holds the body of the current frame at `start` (inclusive) to `end` (exclusive). */
  buffer: Uint8Array = empty
  start = 0
  end = 0
  /** The length (of kind and body) that caused `bad`. */
  badLength = 0

  /** Current chunk, read from `position` on. */
  protected chunk: Uint8Array = empty
  protected position = 0
  /** Chunks after `chunk`, in order; `gathered` follows them. */
  private queue: Array<Uint8Array> = []
  private gathered: Uint8Array | undefined
  private gatheredBytes = 0
  protected unread = 0
  private failed = false
  private readonly make: (bytes: number) => Uint8Array
  private readonly least: number
  /** The latest allocated buffer, while it is not kept; and a reclaimed one. */
  private lent: Uint8Array | undefined
  private spare: Uint8Array | undefined

  /**
   * @param make allocates a buffer for a frame that spans chunks; every byte of it is written, so it need not be zeroed
   * @param least minimum length of a frame, bytes: 1 where each has a kind. A frame of 0 leaves `end` one before `start`
   */
  constructor(make: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes), least: 0 | 1 = 1) {
    this.make = make
    this.least = least
  }

  /** Bytes pushed that are not yet part of a frame. After `none`: the bytes of a frame that is still arriving. */
  get pending(): number {
    return this.unread
  }

  /** After `none`: whether a frame has begun but is not complete. */
  get arriving(): boolean {
    return this.unread > 0
  }

  /** After `none`: the total length of the arriving frame, header included; 0 until its length has arrived. */
  get announced(): number {
    return this.unread < 4 ? 0 : 4 + this.peekLength()
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.failed) return
    if (this.unread === 0) {
      this.chunk = chunk
      this.position = 0
    } else {
      this.enqueue(chunk)
    }
    this.unread += chunk.length
  }

  /** @param limit maximum length (kind and body) of a frame, bytes */
  next(limit: number): Next {
    if (this.failed) return "bad"
    const chunk = this.chunk
    const position = this.position
    const rest = chunk.length - position
    if (rest < 4) return this.nextAcross(limit)
    const length = (((chunk[position] ?? 0) << 24) | ((chunk[position + 1] ?? 0) << 16) |
      ((chunk[position + 2] ?? 0) << 8) | (chunk[position + 3] ?? 0)) >>> 0
    if (length < this.least || length > limit) return this.fail(length)
    if (rest - 4 < length) return this.nextAcross(limit)
    this.position = position + 4 + length
    this.unread -= 4 + length
    this.kind = chunk[position + 4] ?? 0
    this.buffer = chunk
    this.start = position + headerBytes
    this.end = this.position
    return "frame"
  }

  /** As `next`, for a header or body that spans chunks. */
  private nextAcross(limit: number): Next {
    if (this.unread < 4) return this.none()
    const length = this.peekLength()
    if (length < this.least || length > limit) return this.fail(length)
    if (this.unread - 4 < length) return this.none()
    this.copy(new Uint8Array(4))
    if (this.position === this.chunk.length) this.advance()
    if (this.chunk.length - this.position >= length) {
      this.buffer = this.chunk
      this.start = this.position + 1
      this.end = this.position += length
      this.unread -= length
    } else {
      this.buffer = this.lend(length)
      this.copy(this.buffer.subarray(0, length))
      this.start = 1
      this.end = length
    }
    this.kind = this.buffer[this.start - 1] ?? 0
    return "frame"
  }

  /**
   * A buffer for a frame that spans chunks. Most long frames do, and a new buffer for each would cost more in garbage collection than the
   * copy itself.
   */
  private lend(length: number): Uint8Array {
    const { spare } = this
    if (spare !== undefined && spare.length >= length) {
      this.spare = undefined
      this.lent = spare
      return spare
    }
    const made = this.make(length)
    if (length <= Limits.spareFrameBytes) this.lent = made
    return made
  }

  /** Keeps the current frame's bytes beyond this batch: its buffer is not reclaimed. */
  keep(): void {
    if (this.buffer === this.lent) this.lent = undefined
  }

  /** The bytes of the frames read so far are no longer needed, except kept ones. */
  recycle(): void {
    if (this.lent === undefined) return
    this.spare = this.lent
    this.lent = undefined
  }

  /** Releases the reclaimed buffer: an idle connection holds none. */
  rest(): void {
    this.spare = undefined
  }

  /** Releases consumed buffers: an idle connection holds none. */
  private none(): Next {
    if (this.unread === 0) this.chunk = empty
    this.buffer = empty
    return "none"
  }

  private fail(length: number): Next {
    this.failed = true
    this.badLength = length
    this.chunk = this.buffer = empty
    this.position = this.unread = 0
    this.queue = []
    this.gathered = undefined
    return "bad"
  }

  /** Gathers short chunks in our own buffers: each chunk costs an object many times its size. */
  private enqueue(chunk: Uint8Array): void {
    if (this.gathered !== undefined && this.gathered.length - this.gatheredBytes < chunk.length) this.seal()
    if (this.gathered === undefined) {
      if (chunk.length >= Limits.gatherChunkBytes) {
        this.queue.push(chunk)
        return
      }
      this.gathered = new Uint8Array(Math.min(Math.max(chunk.length * 8, 256), Limits.gatherBufferBytes))
      this.gatheredBytes = 0
    }
    this.gathered.set(chunk, this.gatheredBytes)
    this.gatheredBytes += chunk.length
  }

  private seal(): void {
    if (this.gathered === undefined) return
    this.queue.push(this.gathered.subarray(0, this.gatheredBytes))
    this.gathered = undefined
  }

  /** Advances to the next chunk. The current one is consumed. */
  private advance(): void {
    if (this.queue.length === 0) this.seal()
    this.chunk = this.queue.shift() ?? empty
    this.position = 0
  }

  private peekLength(): number {
    let length = 0
    let seen = 0
    const look = (chunk: Uint8Array, from: number): boolean => {
      for (let i = from; i < chunk.length && seen < 4; i++, seen++) length = length * 256 + (chunk[i] ?? 0)
      return seen === 4
    }
    if (look(this.chunk, this.position)) return length
    for (const chunk of this.queue) if (look(chunk, 0)) return length
    if (this.gathered !== undefined) look(this.gathered, 0)
    return length
  }

  /** Copies the next `into.length` unread bytes, which must be present. */
  private copy(into: Uint8Array): void {
    for (let filled = 0; filled < into.length;) {
      if (this.position === this.chunk.length) this.advance()
      const count = Math.min(into.length - filled, this.chunk.length - this.position)
      into.set(this.chunk.subarray(this.position, this.position + count), filled)
      filled += count
      this.position += count
      this.unread -= count
    }
  }
}

/** A buffer for one frame with its header written. The body is `bytes` long, from `headerBytes` on. */
export const allocate = (kind: number, bytes: number): Uint8Array => {
  const frame = new Uint8Array(headerBytes + bytes)
  writeHeader(frame, 0, kind, bytes)
  return frame
}

/** Writes the header of a frame whose body is `bytes` long. */
export const writeHeader = (into: Uint8Array, at: number, kind: number, bytes: number): void => {
  const length = bytes + 1
  into[at] = length >>> 24
  into[at + 1] = length >>> 16
  into[at + 2] = length >>> 8
  into[at + 3] = length
  into[at + 4] = kind
}
