/** Places in the peer book: how few a netgroup reaches, and that only the key says which. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as BookPlaces from "../../../src/domain/peer/BookPlaces.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type { Key } from "../../../src/domain/peer/SipHash.ts"

const ip = PeerIp.fromStringUnsafe
const key: Key = [1, 2, 3, 4]
const bytesOf = (text: string): ReadonlyArray<number> => [...BookPlaces.groupOf(ip(text))]
const hosts = Array.from({ length: 300 }, (_, i) => ip(`203.0.${i >> 8}.${i & 255}`))
/** Different values, none of them beyond the bound. */
const spread = (values: ReadonlyArray<number>, bound: number): number => {
  for (const value of values) assert.isTrue(Number.isInteger(value) && value >= 0 && value < bound, String(value))
  return new Set(values).size
}

describe("the group of an address", () => {
  it("is its /16 or /32 where it is routable, and the whole address elsewhere", () => {
    assert.deepStrictEqual(bytesOf("203.0.113.7"), [255, 255, 203, 0])
    assert.deepStrictEqual(bytesOf("2600:db8::7"), [0x26, 0x00, 0x0d, 0xb8])
    assert.deepStrictEqual(bytesOf("10.0.0.7"), [...PeerIp.toBytes(ip("10.0.0.7"))])
    assert.deepStrictEqual(bytesOf("fd00::7"), [...PeerIp.toBytes(ip("fd00::7"))])
  })

  it("has one place in the order of groups", () => {
    const order = (text: string) => BookPlaces.groupOrder(key, ip(text))
    assert.strictEqual(order("203.0.1.1"), order("203.0.2.2"))
    assert.notStrictEqual(order("203.0.1.1"), order("203.1.1.1"))
  })
})

describe("places", () => {
  it("of what one netgroup tells are in few buckets, the same for each source of it", () => {
    const many = Array.from({ length: 600 }, (_, i) => ip(`${20 + (i >> 8)}.${i & 255}.1.1`))
    const bucketsFrom = (source: string) => many.map((one) => BookPlaces.newBucket(key, one, ip(source)))
    const buckets = bucketsFrom("198.51.100.1")
    assert.isAtMost(spread(buckets, Limits.bookNewBuckets), Limits.bookBucketsPerSource)
    assert.isAbove(spread(buckets, Limits.bookNewBuckets), Limits.bookBucketsPerSource / 2)
    assert.deepStrictEqual(bucketsFrom("198.51.200.9"), buckets)
    assert.notDeepEqual(bucketsFrom("198.52.100.1"), buckets)
    const told = new BookPlaces.SourceBuckets(key, ip("198.51.100.1"))
    assert.deepStrictEqual(many.map((one) => told.of(one)), buckets, "however often it is asked")
  })

  it("of what a seed tells depend on its name", () => {
    const bucketOf = (seed: string) => BookPlaces.newBucket(key, ip("20.1.1.1"), { seed })
    const names = Array.from({ length: 100 }, (_, i) => `seed${i}.example.org`)
    assert.isAbove(spread(names.map(bucketOf), Limits.bookNewBuckets), 50)
    assert.strictEqual(bucketOf("a.example.org"), bucketOf("a.example.org"))
  })

  it("of a netgroup's own addresses are in few tried buckets", () => {
    const buckets = spread(hosts.map((one) => BookPlaces.triedBucket(key, one)), Limits.bookTriedBuckets)
    assert.isAtMost(buckets, Limits.bookBucketsPerGroup)
    assert.isAbove(buckets, 1)
  })

  it("in a bucket are all of its slots, others in the other table and in another bucket", () => {
    const slots = (table: "new" | "tried", bucket: number) =>
      hosts.map((one) => BookPlaces.slotOf(key, table, bucket, one))
    assert.isAbove(spread(slots("new", 1), Limits.bookBucketSlots), Limits.bookBucketSlots / 2)
    assert.notDeepEqual(slots("new", 1), slots("tried", 1))
    assert.notDeepEqual(slots("new", 1), slots("new", 2))
    assert.notDeepEqual(slots("new", 1), slots("new", 257), "the number's second byte")
  })

  it("of the operator's own list are several for each address", () => {
    const buckets = Array.from({ length: 8 }, (_, i) => BookPlaces.operatorBucket(key, ip("20.1.1.1"), i))
    assert.isAbove(spread(buckets, Limits.bookNewBuckets), 6)
  })

  it("are the same in every version: a stored book goes back to them", () => {
    const one = ip("20.1.1.1")
    assert.deepStrictEqual(BookPlaces.triedPlace(key, one), { bucket: 120, slot: 18 })
    assert.deepStrictEqual([BookPlaces.slotOf(key, "new", 5, one), BookPlaces.slotOf(key, "tried", 5, one)], [4, 51])
    assert.deepStrictEqual(
      [
        BookPlaces.newBucket(key, one, ip("198.51.100.1")),
        BookPlaces.newBucket(key, one, { seed: "a.example.org" }),
        BookPlaces.operatorBucket(key, one, 3)
      ],
      [528, 491, 141]
    )
  })

  it("are others with another key", () => {
    const tried = (other: Key) => hosts.map((one) => BookPlaces.triedBucket(other, one))
    assert.notDeepEqual(tried([1, 2, 3, 5]), tried(key))
  })
})
