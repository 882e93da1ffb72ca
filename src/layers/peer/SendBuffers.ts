/**
 * Buffers for what one connection sends in batches, used again once the operating system has taken their bytes. New ones for every
 * batch cost the sender more in garbage collection than all its copying.
 *
 * **Ownership.** A lent buffer is the borrower's until it is told as `handedOver`; from then on until `flushed` it is the socket's.
 * What is never told is left to the garbage collector.
 */
import { Buffer } from "node:buffer"
import * as Limits from "../../domain/Limits.ts"
import type { Allocator } from "../../domain/wire/Wire.ts"

export class SendBuffers implements Allocator {
  private spare: Array<Uint8Array> = []
  private spareBytes = 0
  /** Of all that is lent, by its memory. */
  private readonly lent = new Map<ArrayBufferLike, Uint8Array>()
  /** With the socket. */
  private out: Array<Uint8Array> = []

  allocate(bytes: number): Uint8Array {
    // Short frames are joined before they are written, and are no buffers of their own then.
    if (bytes < Limits.smallFrameBytes) return new Uint8Array(bytes)
    const buffer = this.fitting(bytes) ?? Buffer.allocUnsafeSlow(roundedUp(bytes))
    this.lent.set(buffer.buffer, buffer)
    return buffer.length === bytes ? buffer : buffer.subarray(0, bytes)
  }

  /** The last one given back is the likeliest to be in a cache. */
  private fitting(bytes: number): Uint8Array | undefined {
    const at = this.spare.findLastIndex(({ length }) => length >= bytes)
    const [found] = at < 0 ? [] : this.spare.splice(at, 1)
    if (found !== undefined) this.spareBytes -= found.length
    return found
  }

  /** The socket has been given these chunks, and may keep them until it says that it is flushed. */
  handedOver(chunks: ReadonlyArray<Uint8Array>): void {
    if (this.lent.size === 0) return
    for (const chunk of chunks) {
      const buffer = this.lent.get(chunk.buffer)
      if (buffer === undefined) continue
      this.lent.delete(chunk.buffer)
      this.out.push(buffer)
    }
  }

  /** The socket has passed on everything it was given. */
  flushed(): void {
    if (this.out.length === 0) return
    for (const buffer of this.out) {
      if (this.spareBytes + buffer.length > Limits.spareSendBytes) continue
      this.spare.push(buffer)
      this.spareBytes += buffer.length
    }
    this.out = []
  }
}

/** Batches of one application are of about the same size: rounded, they fit one another's buffers. */
const roundedUp = (bytes: number): number => Math.ceil(bytes / Limits.smallFrameBytes) * Limits.smallFrameBytes
