import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as BookPlaces from "../../../src/domain/peer/BookPlaces.ts"
import { PeerBook } from "../../../src/domain/peer/PeerBook.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { long } from "../../harness/long.ts"
import { at, draws, handshaken, inNew, key, minute, port, start, told } from "../../harness/peerBook.ts"
import { randomFrom } from "../../harness/random.ts"

const ip = PeerIp.fromStringUnsafe
const source = ip("203.0.113.1")

const drawFrom = (seed: number) => {
  const random = randomFrom(seed)
  return () => random(2 ** 30) / 2 ** 30
}

describe("PeerBook", () => {
  it("keys entries by IP: another port is the same entry, and gossip does not change a port", () => {
    const book = new PeerBook(key)
    const peer = ip("198.51.100.7")
    assert.strictEqual(book.add({ ip: peer, port }, source, start), "added")
    for (const other of [1_024, 40_000, 65_535]) {
      assert.strictEqual(book.add({ ip: peer, port: other }, source, start), "known")
    }
    assert.strictEqual(book.size, 1)
    assert.strictEqual(book.get(peer)?.port, port)
    book.good(peer, { ...handshaken, port: 30_000 }, start)
    assert.strictEqual(book.get(peer)?.port, 30_000, "what shook hands says where it listens")
    assert.strictEqual(book.size, 1)
  })

  it("refuses what no peer can have", () => {
    const book = new PeerBook(key)
    for (const address of ["0.0.0.0", "224.0.0.1", "255.255.255.255", "ff02::1", "::"]) {
      assert.strictEqual(book.add({ ip: ip(address), port }, source, start), "refused", address)
    }
    for (const bad of [0, 65_536]) {
      assert.strictEqual(book.add({ ip: ip("198.51.100.7"), port: bad }, source, start), "refused")
    }
    assert.strictEqual(book.size, 0)
    for (const [i, good] of [1, 65_535].entries()) {
      assert.strictEqual(book.add({ ...told(i), port: good }, source, start), "added")
    }
  })

  it("knows nothing of an address that it does not hold, and changes nothing for it", () => {
    const book = new PeerBook(key)
    const { ip } = told(1)
    book.dialled(ip, start)
    book.failed(ip)
    book.setPort(ip, 5)
    book.remove(ip)
    assert.deepStrictEqual([book.get(ip), book.tableOf(ip), book.size, book.unsaved], [undefined, undefined, 0, 0])
  })

  it("records a repeated address once an hour", () => {
    const book = new PeerBook(key)
    const again = (now: number) => {
      assert.strictEqual(book.add(told(1), source, now), "known")
      return [book.get(told(1).ip)?.seenAt, book.takeChanges().changed.length]
    }
    book.add(told(1), source, start)
    book.takeChanges()
    assert.deepStrictEqual(again(start + Limits.bookSeenEveryMs - 1), [start, 0])
    assert.deepStrictEqual(again(start + Limits.bookSeenEveryMs), [start + Limits.bookSeenEveryMs, 1])
    assert.deepStrictEqual([book.get(told(1).ip)?.ip, book.get(told(1).ip)?.port], [told(1).ip, port])
  })

  it("changes a port as the operator says", () => {
    const book = new PeerBook(key)
    book.add(told(1), source, start)
    const before = book.get(told(1).ip) ?? assert.fail()
    book.takeChanges()
    book.setPort(told(1).ip, port)
    assert.strictEqual(book.unsaved, 0)
    book.setPort(told(1).ip, 5)
    assert.deepStrictEqual(book.get(told(1).ip), { ...before, port: 5 })
    assert.strictEqual(book.unsaved, 1)
  })

  it("gives an address of the operator's list the first free one of its places", () => {
    const { ip } = told(1)
    const places = Array.from({ length: Limits.bookOperatorPlaces }, (_, i) => {
      const bucket = BookPlaces.operatorBucket(key, ip, i)
      return inNew(bucket, BookPlaces.slotOf(key, "new", bucket, ip))
    })
    for (const taken of [0, 1, places.length - 1, places.length]) {
      const book = new PeerBook(key)
      book.restore(places.slice(0, taken), start)
      const held = book.size
      assert.strictEqual(book.add(told(1), "operator", start), taken < places.length ? "added" : "no-room")
      const placed = [...book.entries()]
      assert.strictEqual(placed.length, taken < places.length ? held + 1 : held, "no other address left")
      assert.strictEqual(placed.find(({ known }) => known.ip === ip)?.bucket, places[taken]?.bucket)
    }
  })

  it("orders netgroups as its places do", () => {
    assert.strictEqual(new PeerBook(key).groupOrder(told(1).ip), BookPlaces.groupOrder(key, told(1).ip))
  })

  it("takes a handshake for a dial where this node dialled", () => {
    const book = new PeerBook(key)
    const dialledAt = () => book.get(told(1).ip)?.dialledAt
    book.good(told(1).ip, { ...handshaken, direction: "inbound" }, start)
    assert.strictEqual(dialledAt(), 0)
    book.dialled(told(1).ip, start + 1)
    book.good(told(1).ip, { ...handshaken, direction: "inbound" }, start + 2)
    assert.strictEqual(dialledAt(), start + 1)
    book.good(told(1).ip, handshaken, start + 3)
    assert.strictEqual(dialledAt(), start + 3)
  })

  it("moves an address from one table to the other when it has shaken hands", () => {
    const book = new PeerBook(key)
    book.add(told(1), source, start)
    book.good(told(1).ip, handshaken, start)
    assert.deepStrictEqual([book.sizeOf("new"), book.sizeOf("tried"), book.size], [0, 1, 1])
    book.remove(told(1).ip)
    assert.deepStrictEqual([book.sizeOf("new"), book.sizeOf("tried"), book.size], [0, 0, 0])
  })

  it("one netgroup's word reaches 64 new buckets, one netgroup's addresses reach 8 tried ones", () => {
    const book = new PeerBook(key)
    const newBuckets = new Set<number>()
    const triedBuckets = new Set<number>()
    for (let i = 0; i < 5_000; i++) {
      newBuckets.add(BookPlaces.newBucket(key, told(i).ip, source))
      triedBuckets.add(BookPlaces.triedBucket(key, at(3, i)))
    }
    assert.isAtMost(newBuckets.size, Limits.bookBucketsPerSource)
    assert.isAbove(newBuckets.size, Limits.bookBucketsPerSource - 10)
    assert.isAtMost(triedBuckets.size, Limits.bookBucketsPerGroup)
    for (let i = 0; i < 20_000; i++) book.add(told(i), source, start)
    assert.isAtMost(book.size, Limits.bookBucketsPerSource * Limits.bookBucketSlots)
  })

  it("on a private network every address is a group of its own", () => {
    const book = new PeerBook(key)
    for (let i = 0; i < 200; i++) book.add({ ip: ip(`10.0.0.${i + 1}`), port }, ip("10.0.0.250"), start)
    assert.isAbove(book.size, 190)
    for (let i = 0; i < 200; i++) book.good(ip(`127.0.0.${i + 1}`), handshaken, start)
    assert.isAbove(book.sizeOf("tried"), 190)
  })

  it("a new address takes a slot only from one that is not worth it", () => {
    const book = new PeerBook(key)
    const holders = new Map<string, number>()
    const place = (i: number) => {
      const bucket = BookPlaces.newBucket(key, told(i).ip, source)
      return `${bucket}/${BookPlaces.slotOf(key, "new", bucket, told(i).ip)}`
    }
    let pair: readonly [number, number] | undefined
    for (let i = 0; pair === undefined; i++) {
      const holder = holders.get(place(i))
      if (holder === undefined) holders.set(place(i), i)
      else pair = [holder, i]
    }
    const [first, second] = pair
    book.add(told(first), source, start)
    assert.strictEqual(book.add(told(second), source, start), "no-room")
    for (let i = 0; i < Limits.bookFirstFailures; i++) {
      assert.strictEqual(book.add(told(second), source, start + 2 * minute), "no-room")
      book.dialled(told(first).ip, start)
      book.failed(told(first).ip)
    }
    assert.strictEqual(book.add(told(second), source, start + minute / 2), "no-room", "its dial may be under way")
    assert.strictEqual(book.add(told(second), source, start + 2 * minute), "added")
    assert.isUndefined(book.get(told(first).ip))
    // And after the horizon, whoever it is.
    assert.strictEqual(book.add(told(first), source, start + 2 * minute + Limits.bookHorizonMs), "no-room")
    assert.strictEqual(book.add(told(first), source, start + 3 * minute + Limits.bookHorizonMs), "added")
  })

  it("picks both tables, and seldom what was dialled just now or failed", () => {
    const book = new PeerBook(key)
    const draw = drawFrom(1)
    for (let i = 0; i < 300; i++) book.add(told(i), source, start)
    for (let i = 1_000; i < 1_010; i++) book.good(told(i).ip, { ...handshaken, direction: "inbound" }, start)
    const [failed, fresh] = [told(1_000).ip, told(1_001).ip]
    for (let i = 0; i < 8; i++) book.failed(failed)
    book.dialled(fresh, start)
    const picked = Array.from(
      { length: 4_000 },
      () => book.pick(start + minute, draw)?.ip ?? assert.fail("there are some")
    )
    const share = (is: (ip: PeerIp.PeerIp) => boolean) => picked.filter(is).length / picked.length
    assert.approximately(share((ip) => book.tableOf(ip) === "tried"), 0.5, 0.1)
    assert.isBelow(share((ip) => ip === failed), 0.02)
    assert.isBelow(share((ip) => ip === fresh), 0.02)
    assert.isUndefined(new PeerBook(key).pick(start, draw))
  })

  it("picks from the table that a draw below a half says, from the only one, or from the one asked for", () => {
    const [fresh, tried] = [told(1), told(2)]
    const both = new PeerBook(key)
    both.add(fresh, source, start)
    both.good(tried.ip, { ...handshaken, direction: "inbound" }, start)
    const pick = (book: PeerBook, ...numbers: ReadonlyArray<number>) => book.pick(start, draws(...numbers))?.ip
    assert.strictEqual(pick(both, 0.49, 0, 0, 0), tried.ip)
    assert.strictEqual(pick(both, 0.5, 0, 0, 0), fresh.ip)
    for (const [table, address] of [["new", fresh], ["tried", tried]] as const) {
      assert.strictEqual(both.pick(start, draws(0, 0, 0), table)?.ip, address.ip)
    }
    const only = new PeerBook(key)
    only.add(fresh, source, start)
    assert.strictEqual(pick(only, 0, 0, 0), fresh.ip)
    both.remove(fresh.ip)
    assert.strictEqual(pick(both, 0.9, 0, 0), tried.ip)
  })

  it("draws again where the chance of what it drew is not above the draw, and a fifth likelier each time", () => {
    const book = new PeerBook(key)
    book.add(told(1), source, start)
    book.failed(told(1).ip)
    assert.strictEqual(book.pick(start, draws(0, 0, 0.65))?.ip, told(1).ip)
    const twice = draws(0, 0, 0.66, 0, 0, 0.79)
    assert.strictEqual(book.pick(start, twice)?.ip, told(1).ip)
    assert.throws(twice, "one draw too many")
  })

  it("names the tried addresses with the latest handshakes, and of one time by address", () => {
    const book = new PeerBook(key)
    for (const [i, time] of [[5, 2], [3, 2], [4, 4], [1, 1], [2, 3]] as const) {
      book.good(at(i, 0), handshaken, start + time)
    }
    book.add({ ip: at(9, 0), port }, source, start + 9)
    const latest = [4, 2, 3, 5, 1].map((i) => at(i, 0))
    assert.deepStrictEqual(book.lastGood(9).map(({ ip }) => ip), latest)
    assert.deepStrictEqual(book.lastGood(2).map(({ ip }) => ip), latest.slice(0, 2))
  })

  it("shares tried addresses only, a quarter of them", () => {
    const book = new PeerBook(key)
    for (let i = 0; i < 2_000; i++) book.add(told(i), told(i * 7).ip, start)
    assert.deepStrictEqual(book.sample(start, drawFrom(1)), [])
    for (let i = 0; i < 1_000; i++) book.good(told(i).ip, handshaken, start)
    const sample = book.sample(start, drawFrom(1))
    assert.strictEqual(sample.length, Math.ceil(book.sizeOf("tried") * Limits.toldShare))
    assert.strictEqual(new Set(sample.map(({ ip }) => ip)).size, sample.length)
    assert.isTrue(sample.every(({ ip }) => book.tableOf(ip) === "tried"))
  })

  it("draws which ones, once for each", () => {
    const book = new PeerBook(key)
    const all = [0, 1, 2, 3].map((i) => at(i, 0))
    for (const one of all) book.good(one, handshaken, start)
    const sample = (...numbers: ReadonlyArray<number>) =>
      book.sample(start, draws(...numbers)).map(({ ip }) => all.indexOf(ip))
    assert.deepStrictEqual(sample(0.99, 0.99, 0.99, 0.99), [3, 0, 1, 2])
    assert.deepStrictEqual(sample(0, 0.34, 0, 0), [0, 2, 1, 3])
  })

  it("offered 250,000 addresses it stays within its bound, and picks within 20 µs", long, () => {
    const book = new PeerBook(key)
    const random = randomFrom(3)
    const draw = drawFrom(4)
    const began = performance.now()
    for (let i = 0; i < 250_000; i++) {
      book.add({ ip: at(random(2_000), random(65_536)), port }, at(random(2_000), 1), start)
    }
    const offeredMs = performance.now() - began
    for (let i = 0; i < 30_000; i++) book.good(at(random(2_000), random(65_536)), handshaken, start)
    const bound = (Limits.bookNewBuckets + Limits.bookTriedBuckets) * Limits.bookBucketSlots
    assert.isAtMost(book.size, bound)
    assert.isAtMost(book.sizeOf("tried"), Limits.bookTriedBuckets * Limits.bookBucketSlots)
    assert.isAbove(book.sizeOf("new"), Limits.bookNewBuckets * Limits.bookBucketSlots * 0.95)
    // The best of some runs: others use the machine too.
    const pickUs = Math.min(...Array.from({ length: 200 }, () => {
      const picks = 100
      const from = performance.now()
      for (let i = 0; i < picks; i++) book.pick(start + minute, draw)
      return (performance.now() - from) / picks * 1_000
    }))
    process.stdout.write(
      `peer book: ${book.size} of ${bound} slots filled by 250,000 offers in ${Math.round(offeredMs)} ms, ` +
        `one pick ${pickUs.toFixed(2)} µs\n`
    )
    assert.isBelow(pickUs, 20)
  })
})
