/**
 * Send buffers of one connection, reused once the operating system has taken their bytes. New buffers for every batch would cost the sender
 * more in garbage collection than all its copying.
 *
 * **Ownership.** A lent buffer belongs to the borrower until it is passed to `handedOver`, then to the socket until `flushed`. A buffer that
 * is never passed on is left to the garbage collector.
 */
import { Buffer } from "node:buffer"
import * as Limits from "../../domain/Limits.ts"
import type { Allocator } from "../../domain/wire/Wire.ts"

export class SendBuffers implements Allocator {
  private spare: Array<Uint8Array> = []
  private spareBytes = 0
  /** Lent buffers, by their memory. */
  private readonly lent = new Map<ArrayBufferLike, Uint8Array>()
  /** Buffers that the socket owns. */
  private out: Array<Uint8Array> = []

  allocate(bytes: number): Uint8Array {
    // Short frames are joined before they are written, so they need no reusable buffer.
    if (bytes < Limits.smallFrameBytes) return new Uint8Array(bytes)
    const buffer = this.fitting(bytes) ?? Buffer.allocUnsafeSlow(roundedUp(bytes))
    this.lent.set(buffer.buffer, buffer)
    return buffer.length === bytes ? buffer : buffer.subarray(0, bytes)
  }

  /** The last one returned is the likeliest to be in a CPU cache. */
  private fitting(bytes: number): Uint8Array | undefined {
    const at = this.spare.findLastIndex(({ length }) => length >= bytes)
    const [found] = at < 0 ? [] : this.spare.splice(at, 1)
    if (found !== undefined) this.spareBytes -= found.length
    return found
  }

  /** The socket has been given these chunks, and may keep them until `flushed`. */
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

/** Batches of one application are of similar size: rounded up, they fit into each other's buffers. */
const roundedUp = (bytes: number): number => Math.ceil(bytes / Limits.smallFrameBytes) * Limits.smallFrameBytes
