/**
 * One table of the peer book: buckets of `Limits.bookBucketSlots` slots, created on first use. A draw picks a bucket first, so that many
 * addresses in few buckets are no likelier than few in many.
 */
import * as Limits from "../Limits.ts"
import type { KnownAddress } from "./KnownAddress.ts"

/** An address in its slot. `known` is replaced as a whole. */
export interface Held {
  known: KnownAddress
  table: "new" | "tried"
  bucket: number
  slot: number
}

interface Bucket {
  readonly number: number
  readonly slots: Array<Held | undefined>
  count: number
  /** Its index among the non-empty buckets. */
  at: number
}

export class BookTable {
  private readonly buckets = new Map<number, Bucket>()
  private readonly filled: Array<Bucket> = []
  private held = 0

  get size(): number {
    return this.held
  }

  at(bucket: number, slot: number): Held | undefined {
    return this.buckets.get(bucket)?.slots[slot]
  }

  /** The slot must be free. */
  put(held: Held): void {
    let bucket = this.buckets.get(held.bucket)
    if (bucket === undefined) {
      const slots = Array.from<Held | undefined>({ length: Limits.bookBucketSlots })
      bucket = { number: held.bucket, slots, count: 0, at: this.filled.length }
      this.buckets.set(held.bucket, bucket)
      this.filled.push(bucket)
    }
    bucket.slots[held.slot] = held
    bucket.count += 1
    this.held += 1
  }

  remove(held: Held): void {
    const bucket = this.buckets.get(held.bucket)
    if (bucket?.slots[held.slot] !== held) return
    bucket.slots[held.slot] = undefined
    bucket.count -= 1
    this.held -= 1
    if (bucket.count > 0) return
    this.buckets.delete(bucket.number)
    const last = this.filled.pop()
    if (last === undefined || last === bucket) return
    last.at = bucket.at
    this.filled[bucket.at] = last
  }

  /** One address: the first used slot from a random one on, in a random non-empty bucket. `draw`: uniform in [0, 1). */
  draw(draw: () => number): Held | undefined {
    const bucket = this.filled[Math.floor(draw() * this.filled.length)]
    if (bucket === undefined) return undefined
    const from = Math.floor(draw() * Limits.bookBucketSlots)
    for (let i = 0; i < Limits.bookBucketSlots; i++) {
      const held = bucket.slots[(from + i) % Limits.bookBucketSlots]
      if (held !== undefined) return held
    }
    return undefined
  }
}
