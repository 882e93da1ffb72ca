/** Test before evict: a tried slot that a newcomer wants, and what decides which of the two has it. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as BookPlaces from "../../../src/domain/peer/BookPlaces.ts"
import type { Table } from "../../../src/domain/peer/KnownAddress.ts"
import { PeerBook } from "../../../src/domain/peer/PeerBook.ts"
import { handshaken, inNew, key, minute, port, rivalPairs, rivals, start, told } from "../../harness/peerBook.ts"

/** A tried address, and one that has shaken hands `later` and waits for its slot. */
const waiting = () => {
  const book = new PeerBook(key)
  const [holder, rival] = rivals()
  book.good(holder, handshaken, start)
  const later = start + 2 * Limits.bookTestGoodMs
  book.good(rival, handshaken, later)
  const tables = (): Tables => [book.tableOf(holder), book.tableOf(rival)]
  /** The tables after a look at that time. */
  const settled = (now: number) => {
    book.settleTests(now)
    return tables()
  }
  return { book, holder, rival, later, tables, settled }
}
type Tables = ReadonlyArray<Table | undefined>
const stays: Tables = ["tried", "new"]
const leaves: Tables = ["new", "tried"]

describe("PeerBook: test before evict", () => {
  it("a holder that answers keeps its slot", () => {
    const book = new PeerBook(key)
    const [holder, rival] = rivals()
    book.good(holder, handshaken, start)
    const later = start + 2 * Limits.bookTestGoodMs
    book.good(rival, handshaken, later)
    assert.strictEqual(book.tableOf(rival), "new")
    assert.strictEqual(book.toTest(later)?.ip, holder)
    book.settleTests(later + minute)
    assert.strictEqual(book.tableOf(holder), "tried", "not before it was tested")
    book.good(holder, handshaken, later + minute)
    book.settleTests(later + 2 * minute)
    assert.deepStrictEqual([book.tableOf(holder), book.tableOf(rival)], ["tried", "new"])
    assert.isUndefined(book.toTest(later + 3 * minute))
  })

  it("a holder that does not answer gives way, and is new again", () => {
    for (const silent of [false, true]) {
      const book = new PeerBook(key)
      const [holder, rival] = rivals()
      book.good(holder, handshaken, start)
      const later = start + 2 * Limits.bookTestGoodMs
      book.good(rival, handshaken, later)
      if (!silent) {
        book.dialled(holder, later + minute)
        book.failed(holder)
        book.settleTests(later + minute + Limits.bookJustTriedMs + 1)
      } else {
        book.settleTests(later + Limits.bookTestMs + 1)
      }
      assert.deepStrictEqual([book.tableOf(holder), book.tableOf(rival)], ["new", "tried"])
    }
  })

  it("a holder that was good within hours needs no test", () => {
    const book = new PeerBook(key)
    const [holder, rival] = rivals()
    book.good(holder, handshaken, start)
    book.good(rival, handshaken, start + minute)
    book.settleTests(start + 2 * minute)
    assert.isUndefined(book.toTest(start + 2 * minute))
    assert.strictEqual(book.tableOf(holder), "tried")
  })

  it("a holder that gives way is new again whatever has its slot there, and no slot is counted twice", () => {
    const { book, holder, later, settled } = waiting()
    const bucket = BookPlaces.newBucket(key, holder, holder)
    const other = inNew(bucket, BookPlaces.slotOf(key, "new", bucket, holder), later)
    book.restore([other], later)
    assert.strictEqual(book.tableOf(other.known.ip), "new")
    assert.deepStrictEqual(settled(later + Limits.bookTestMs), leaves)
    assert.isUndefined(book.tableOf(other.known.ip))
    assert.deepStrictEqual([book.sizeOf("tried"), book.sizeOf("new"), book.size], [1, 1, 2])
  })

  it("a newcomer that was not known takes its new slot from any other", () => {
    const book = new PeerBook(key)
    const [holder, rival] = rivals()
    const bucket = BookPlaces.newBucket(key, rival, rival)
    const other = inNew(bucket, BookPlaces.slotOf(key, "new", bucket, rival))
    book.restore([other], start)
    book.good(holder, handshaken, start)
    book.good(rival, handshaken, start)
    assert.deepStrictEqual([book.tableOf(rival), book.tableOf(other.known.ip)], ["new", undefined])
    assert.deepStrictEqual([book.sizeOf("tried"), book.sizeOf("new"), book.size], [1, 1, 2])
  })

  it("a newcomer known by gossip stays where it is meanwhile", () => {
    const book = new PeerBook(key)
    const [holder, rival] = rivals()
    book.add({ ip: rival, port }, told(150).ip, start)
    const [before] = book.entries()
    book.good(holder, handshaken, start)
    book.good(rival, handshaken, start)
    assert.strictEqual([...book.entries()].find(({ known }) => known.ip === rival)?.bucket, before?.bucket)
    assert.deepStrictEqual([book.sizeOf("tried"), book.sizeOf("new")], [1, 1])
  })

  it("a tried address that shakes hands again wants no test", () => {
    const book = new PeerBook(key)
    book.good(told(1).ip, handshaken, start)
    book.good(told(1).ip, handshaken, start + minute)
    assert.isUndefined(book.toTest(start + 10 * minute))
  })

  it("the holder is tested once at a time, and the next waits for no other's test", () => {
    const [first = assert.fail(), second = assert.fail()] = rivalPairs(2)
    const book = new PeerBook(key)
    for (const [holder] of [first, second]) book.good(holder, handshaken, start)
    const later = start + 2 * Limits.bookTestGoodMs
    for (const [, rival] of [first, second]) book.good(rival, handshaken, later)
    assert.strictEqual(book.toTest(later)?.ip, first[0])
    book.dialled(first[0], later)
    assert.strictEqual(book.toTest(later + minute)?.ip, second[0])
    book.dialled(second[0], later + 1)
    assert.isUndefined(book.toTest(later + minute))
    assert.strictEqual(book.toTest(later + minute + 1)?.ip, first[0])
  })

  it("a slot that its holder left is the newcomer's at the next look", () => {
    const { book, holder, later, settled } = waiting()
    book.remove(holder)
    assert.isUndefined(book.toTest(later))
    assert.deepStrictEqual(settled(later), [undefined, "tried"])
  })

  it("a newcomer that left wants no test", () => {
    const { book, later, rival, settled } = waiting()
    book.remove(rival)
    assert.isUndefined(book.toTest(later + minute))
    assert.deepStrictEqual(settled(later + Limits.bookTestMs), ["tried", undefined])
  })

  it("a holder that was good less than four hours ago needs no test, unless it failed since", () => {
    for (const early of [0, 1]) {
      const book = new PeerBook(key)
      const [holder, rival] = rivals()
      book.good(holder, handshaken, start)
      const now = start + Limits.bookTestGoodMs - early
      book.good(rival, handshaken, now)
      book.settleTests(now)
      assert.strictEqual(book.toTest(now)?.ip, early === 0 ? holder : undefined)
    }
    const book = new PeerBook(key)
    const [holder, rival] = rivals()
    book.good(holder, handshaken, start)
    book.good(rival, handshaken, start + minute)
    book.dialled(holder, start + 2 * minute)
    book.failed(holder)
    book.settleTests(start + 4 * minute)
    assert.deepStrictEqual([book.tableOf(holder), book.tableOf(rival)], leaves)
  })

  it("a dial counts as a test if it began when the newcomer waited, and failed, and its minute is over", () => {
    const early = waiting()
    early.book.dialled(early.holder, early.later - 1)
    early.book.failed(early.holder)
    assert.deepStrictEqual(early.settled(early.later + 5 * minute), stays)
    const open = waiting()
    open.book.dialled(open.holder, open.later + minute)
    assert.deepStrictEqual(open.settled(open.later + 5 * minute), stays)
    const failed = waiting()
    failed.book.dialled(failed.holder, failed.later)
    failed.book.failed(failed.holder)
    assert.deepStrictEqual(failed.settled(failed.later + Limits.bookJustTriedMs), stays)
    assert.deepStrictEqual(failed.settled(failed.later + Limits.bookJustTriedMs + 1), leaves)
  })

  it("the slot is the newcomer's 40 minutes after its first handshake, tested or not", () => {
    const { book, later, rival, settled } = waiting()
    book.good(rival, handshaken, later + minute)
    assert.deepStrictEqual(settled(later + Limits.bookTestMs - 1), stays)
    assert.deepStrictEqual(settled(later + Limits.bookTestMs), leaves)
    assert.isUndefined(book.toTest(later + Limits.bookTestMs + 5 * minute))
  })

  it("at most ten newcomers wait", () => {
    const pairs = rivalPairs(Limits.bookTests + 1)
    const book = new PeerBook(key)
    for (const [holder] of pairs) book.good(holder, handshaken, start)
    const later = start + 2 * Limits.bookTestGoodMs
    for (const [, rival] of pairs) book.good(rival, handshaken, later)
    book.settleTests(later + Limits.bookTestMs)
    assert.deepStrictEqual(
      pairs.map(([, rival]) => book.tableOf(rival)),
      pairs.map((_, i) => i < Limits.bookTests ? "tried" : "new")
    )
  })
})
