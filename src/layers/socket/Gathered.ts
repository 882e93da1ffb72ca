/**
 * Bytes of a message that arrives in many small chunks. Each chunk that Node reads is an allocation of its own that the garbage collector
 * must visit: two thousand ClientHellos a byte at a time would keep a hundred thousand. Here a byte costs a byte.
 */
import * as Limits from "../../domain/Limits.ts"

export class Gathered {
  private bytes: Buffer | undefined = undefined
  private length = 0

  /** The first byte gathered. */
  get first(): number | undefined {
    return this.length === 0 ? undefined : this.bytes?.[0]
  }

  push(chunk: Uint8Array): void {
    const needed = this.length + chunk.length
    if (this.bytes === undefined || this.bytes.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(Limits.gatheredBytes, 2 * this.length, needed))
      this.bytes?.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    this.bytes.set(chunk, this.length)
    this.length = needed
  }

  /** All bytes, ending with `last`, which is not copied if it is all there is. Nothing is gathered afterwards. */
  take(last: Buffer): Buffer {
    const { bytes, length } = this
    this.bytes = undefined
    this.length = 0
    return bytes === undefined ? last : Buffer.concat([bytes.subarray(0, length), last])
  }
}
