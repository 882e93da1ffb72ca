/** `peers import` into a book that knows some of the addresses: which port stays. */
import { assert, describe, it } from "@effect/vitest"
import { importInto } from "../../src/cli/book/import.ts"
import * as AddressList from "../../src/domain/peer/AddressList.ts"
import { PeerBook } from "../../src/domain/peer/PeerBook.ts"
import { fromStringUnsafe as ip } from "../../src/domain/peer/PeerIp.ts"

const at = ip("203.0.113.7")
const network = 24_100

const importAt = (book: PeerBook, text: string) => {
  const { kept } = importInto(book, AddressList.read(text, network), network, 1_000)
  return { kept, port: book.get(at)?.port }
}

describe("an address that the book has already", () => {
  it("gets the likelier of the two ports, while neither has worked", () => {
    const book = new PeerBook([1, 2, 3, 4])
    book.add({ ip: at, port: 51_234 }, "operator", 0)
    assert.deepStrictEqual(importAt(book, "203.0.113.7:5000"), { kept: 1, port: 5_000 })
    assert.deepStrictEqual(importAt(book, "203.0.113.7"), { kept: 1, port: network })
    assert.deepStrictEqual(importAt(book, "203.0.113.7:6000"), { kept: 1, port: network })
  })

  it("keeps a port that has worked", () => {
    const book = new PeerBook([1, 2, 3, 4])
    book.good(at, { port: 5_000, wire: "native", direction: "outbound" }, 500)
    assert.deepStrictEqual(importAt(book, "203.0.113.7"), { kept: 1, port: 5_000 })
  })
})
