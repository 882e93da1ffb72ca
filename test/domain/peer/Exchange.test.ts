/** What nodes tell one another, and how soon a newcomer knows its network by it. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Exchange from "../../../src/domain/peer/Exchange.ts"
import { PeerBook } from "../../../src/domain/peer/PeerBook.ts"
import { fromStringUnsafe, type PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import { answerOf, memberIp, network } from "../../harness/discoveryNetwork.ts"
import { randomFrom } from "../../harness/random.ts"

const port = 24_100
const ip = memberIp
const listed = (ips: Iterable<PeerIp>) => [...ips].map((ip) => ({ ip, port }))

describe("an answer with addresses", () => {
  it("has each address once, connected peers first, and not the asker", () => {
    const answer = Exchange.answer(ip(1), listed([ip(2), ip(1), ip(3)]), listed([ip(3), ip(4), ip(2)]))
    assert.deepStrictEqual(answer.map(({ ip }) => ip), [ip(2), ip(3), ip(4)])
  })

  it("fits a message, and what does not fit is of the book", () => {
    const many = Array.from({ length: 200 }, (_, i) => ip(i))
    const more = Array.from({ length: 200 }, (_, i) => ip(300 + i))
    const answer = Exchange.answer(ip(999), listed(many), listed(more))
    assert.strictEqual(answer.length, Limits.peersPerMessage)
    assert.isTrue(many.every((one) => answer.some(({ ip }) => ip === one)))
  })
})

/** The share of the network that a newcomer knows after each round: it asks all that it learned of, as far as it has places. */
const rounds = (count: number, places: number, seed: number): ReadonlyArray<number> => {
  const random = randomFrom(seed)
  const nodes = network(count, places, random)
  const us = fromStringUnsafe("99.9.0.9")
  const book = new PeerBook([seed, 1, 2, 3])
  book.add({ ip: ip(random(count)), port }, us, 0)
  const asked = new Set<PeerIp>()
  const shares: Array<number> = []
  for (let round = 0; round < 3; round++) {
    const known = [...book.entries()].map(({ known }) => known.ip)
    for (const from of known) {
      const node = nodes.get(from)
      if (node === undefined || asked.has(from) || asked.size >= places) continue
      asked.add(from)
      for (const address of answerOf(node, us, port, random)) book.add(address, from, 0)
    }
    shares.push(book.size / count)
  }
  return shares
}

describe("a newcomer that knows one of 200 nodes", () => {
  for (const places of [Limits.maxPeers, 24, 12]) {
    it(`knows 95 % of them after three rounds of exchange, with ${places} places each`, () => {
      for (const seed of [1, 2, 3]) {
        const shares = rounds(200, places, seed)
        process.stdout.write(
          `${places} places, seed ${seed}: ${shares.map((share) => `${(100 * share).toFixed(1)} %`).join(", ")}\n`
        )
        assert.isAtLeast(shares[2] ?? 0, 0.95, `seed ${seed}: ${shares.join(" ")}`)
      }
    })
  }
})
