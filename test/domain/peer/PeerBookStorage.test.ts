/** The peer book and its store: what it says has changed, and what comes back. */
import { assert, describe, it } from "@effect/vitest"
import * as BookPlaces from "../../../src/domain/peer/BookPlaces.ts"
import * as KnownAddress from "../../../src/domain/peer/KnownAddress.ts"
import { PeerBook } from "../../../src/domain/peer/PeerBook.ts"
import { handshaken, inNew, key, minute, port, rivals, start, told } from "../../harness/peerBook.ts"

const source = told(199).ip
const day = 24 * 60 * minute
const ips = (placed: ReadonlyArray<KnownAddress.Placed>) => placed.map(({ known }) => known.ip)
const triedPlaced = (ip: KnownAddress.KnownAddress["ip"]): KnownAddress.Placed => ({
  known: { ...KnownAddress.make({ ip, port }, start), goodAt: start },
  table: "tried",
  bucket: 0
})

describe("PeerBook: storage", () => {
  it("comes back as it was stored, and a wrong clock loses nothing", () => {
    const book = new PeerBook(key)
    for (let i = 0; i < 3_000; i++) book.add(told(i), told(i * 7).ip, start)
    for (let i = 0; i < 500; i++) book.good(told(i * 3).ip, handshaken, start + day)
    const { changed, removed } = book.takeChanges()
    assert.strictEqual(changed.length, book.size)
    assert.isAbove(removed.length, -1)
    const again = new PeerBook(key)
    // The clock was a day ahead when it was stored.
    again.restore(changed, start)
    assert.strictEqual(again.size, book.size)
    assert.strictEqual(again.sizeOf("tried"), book.sizeOf("tried"))
    assert.strictEqual(again.get(told(0).ip)?.goodAt, start)
    assert.deepStrictEqual(again.takeChanges(), { changed: [], removed: [] })
    // Under another key, places differ: what has none is new, or gone, and never twice.
    const other = new PeerBook([9, 9, 9, 9])
    other.restore(changed, start)
    assert.isAtMost(other.size, book.size)
    assert.isAbove(other.size, book.size * 0.8)
  })

  it("says what to store, once, and again when it could not be stored", () => {
    const book = new PeerBook(key)
    book.add(told(1), source, start)
    book.add(told(2), source, start)
    const changes = book.takeChanges()
    assert.strictEqual(changes.changed.length, 2)
    assert.deepStrictEqual(book.takeChanges(), { changed: [], removed: [] })
    book.remove(told(1).ip)
    book.giveBack(changes)
    const next = book.takeChanges()
    assert.deepStrictEqual(next.changed.map(({ known }) => known.ip), [told(2).ip])
    assert.deepStrictEqual(next.removed, [told(1).ip])
  })

  it("says of each change to an address that it is to be stored", () => {
    const book = new PeerBook(key)
    const { ip } = told(1)
    const changes: ReadonlyArray<readonly [string, () => void]> = [
      ["added", () => void book.add(told(1), source, start)],
      ["dialled", () => book.dialled(ip, start)],
      ["failed", () => book.failed(ip)],
      ["tried", () => book.good(ip, handshaken, start)]
    ]
    for (const [what, change] of changes) {
      change()
      assert.strictEqual(book.unsaved, 1, what)
      assert.deepStrictEqual(ips(book.takeChanges().changed), [ip], what)
    }
    book.remove(ip)
    const gone = book.takeChanges()
    assert.deepStrictEqual(gone, { changed: [], removed: [ip] })
    book.giveBack(gone)
    assert.deepStrictEqual(book.takeChanges(), gone)
  })

  it("restores two addresses of one tried slot as a tried and a new one, and stores the second again", () => {
    const [first, second] = rivals()
    const book = new PeerBook(key)
    book.restore([triedPlaced(first), triedPlaced(second)], start)
    assert.deepStrictEqual([book.tableOf(first), book.tableOf(second)], ["tried", "new"])
    assert.deepStrictEqual([book.sizeOf("tried"), book.sizeOf("new")], [1, 1])
    const { changed, removed } = book.takeChanges()
    assert.deepStrictEqual([ips(changed), changed[0]?.table, removed], [[second], "new", []])
  })

  it("restores an address once, in the better table", () => {
    const { ip } = told(1)
    const inNewTable: KnownAddress.Placed = { known: KnownAddress.make(told(1), start), table: "new", bucket: 7 }
    const book = new PeerBook(key)
    book.restore([inNewTable, triedPlaced(ip), triedPlaced(ip), { ...inNewTable, bucket: 8 }], start)
    assert.deepStrictEqual([book.size, book.sizeOf("tried"), book.sizeOf("new")], [1, 1, 0])
    assert.strictEqual(book.tableOf(ip), "tried")
  })

  it("restores the first address of a new slot, and removes the second from the store", () => {
    const first: KnownAddress.Placed = { known: KnownAddress.make(told(1), start), table: "new", bucket: 7 }
    const second = inNew(7, BookPlaces.slotOf(key, "new", 7, told(1).ip))
    const book = new PeerBook(key)
    book.restore([first, second], start)
    assert.deepStrictEqual([...book.entries()].map(({ known }) => known.ip), [told(1).ip])
    assert.deepStrictEqual(book.takeChanges(), { changed: [], removed: [second.known.ip] })
  })
})
