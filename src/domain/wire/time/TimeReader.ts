/**
 * Splits a TIME byte stream into messages: u32 big-endian length, then that many bytes of payload. A frame of length 0 is legal and
 * skipped.
 *
 * Learns the peer's commit count from its first Handshake; the numbers of some variants depend on it (`TimeMessage.numberOf`).
 */
import { FrameReader } from "../Frame.ts"
import type { Decoded, Next, WireReader } from "../Wire.ts"
import * as TimeDecoder from "./TimeDecoder.ts"
import type { TimeMessage } from "./TimeMessage.ts"

export class TimeReader extends FrameReader implements WireReader<TimeMessage> {
  /** There are no application channels on this wire: `read` never says `data`. */
  readonly channel = 0
  /** The peer's, once its Handshake was read. */
  commitCount: number | undefined = undefined

  /** @param allocate as in `FrameReader` */
  constructor(allocate?: (bytes: number) => Uint8Array) {
    super(allocate, 0)
  }

  read(limit: number): Next {
    const next = this.next(limit)
    return next === "frame" ? "message" : next === "bad" ? "malformed" : "none"
  }

  payloads(): number {
    return 0
  }

  get bodyBytes(): number {
    return this.end - this.start + 1
  }

  message(): Decoded<TimeMessage> {
    // `FrameReader` takes the first byte of a payload as its kind.
    const message = TimeDecoder.decode(this.buffer, this.start - 1, this.end, this.commitCount)
    if (message._tag === "Handshake") this.commitCount ??= message.commitCount
    return message
  }

  fault(limit: number): string {
    return `frame length ${this.badLength} exceeds limit ${limit}`
  }
}
