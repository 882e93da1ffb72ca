import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as BookEntry from "../../../src/domain/peer/BookEntry.ts"

const usual = 24_100
const dials = (entry: BookEntry.BookEntry, count: number): ReadonlyArray<number> => {
  const ports: Array<number> = []
  for (let at = entry; ports.length < count; at = BookEntry.portRefused(at, usual)) {
    ports.push(BookEntry.dialPort(at, usual))
  }
  return ports
}

describe("what is known of a new peer", () => {
  it("is its port and source, and nothing else", () => {
    assert.deepStrictEqual(BookEntry.make(1_000, "stored"), {
      port: 1_000,
      otherPorts: [],
      portAt: 0,
      source: "stored",
      saidHello: false,
      software: undefined,
      tip: undefined,
      capabilities: 0,
      ups: 0,
      lastGoodAt: undefined,
      last: undefined,
      aliasOf: undefined,
      isSelf: false,
      onlyWeDial: false,
      inUseRefusals: 0
    })
  })
})

describe("ports", () => {
  it("are dialled in turn: the latest, those before it, the network's, then the latest again", () => {
    const entry = BookEntry.learnPort(BookEntry.learnPort(BookEntry.make(1, "gossip"), 2), 3)
    assert.deepStrictEqual(dials(entry, 5), [3, 2, 1, usual, 3])
  })

  it("are only the network's, when none is known or the peer does not listen", () => {
    for (const port of [undefined, 0]) assert.deepStrictEqual(dials(BookEntry.make(port, "gossip"), 2), [usual, usual])
    assert.deepStrictEqual(dials(BookEntry.make(usual, "gossip"), 2), [usual, usual])
  })

  it("are each there once, and of the earlier ones the newest", () => {
    let entry = BookEntry.make(1, "gossip")
    for (const port of [2, 1, 3]) entry = BookEntry.learnPort(entry, port)
    assert.deepStrictEqual([entry.port, entry.otherPorts], [3, [1, 2]])
    entry = BookEntry.learnPort(entry, 4)
    assert.strictEqual(entry.otherPorts.length, Limits.otherPorts)
    assert.deepStrictEqual(entry.otherPorts, [3, 1])
  })

  it("are tried all before the first again, one only where only the network's is known", () => {
    const at = (entry: BookEntry.BookEntry) => BookEntry.portRefused(entry, usual).portAt
    assert.strictEqual(at(BookEntry.make(1, "gossip")), 1)
    for (const port of [undefined, 0, usual]) assert.strictEqual(at(BookEntry.make(port, "gossip")), 0)
  })

  it("never hold a port among the earlier ones twice, nor the latest one", () => {
    let entry = BookEntry.make(1, "gossip")
    for (const port of [2, 1, 2, 3, 1, 3, 2, 2, 1]) {
      entry = BookEntry.learnPort(entry, port)
      const all = [entry.port, ...entry.otherPorts]
      assert.strictEqual(new Set(all).size, all.length, `${all}`)
      assert.strictEqual(entry.port, port)
    }
  })

  it("do not remember that it did not listen or was not known", () => {
    for (const port of [undefined, 0]) {
      assert.deepStrictEqual(BookEntry.learnPort(BookEntry.make(port, "gossip"), 5).otherPorts, [])
    }
    assert.deepStrictEqual(BookEntry.learnPort(BookEntry.make(5, "gossip"), 0).otherPorts, [5])
  })

  it("go on where they are when told again, and start over when a new one is learnt", () => {
    const tried = BookEntry.portRefused(BookEntry.learnPort(BookEntry.make(1, "gossip"), 2), usual)
    assert.strictEqual(BookEntry.dialPort(tried, usual), 1)
    assert.strictEqual(BookEntry.learnPort(tried, 2), tried)
    assert.strictEqual(BookEntry.dialPort(BookEntry.learnPort(tried, 3), usual), 3)
  })

  it("are the network's when the list has become shorter than where it was", () => {
    assert.strictEqual(BookEntry.dialPort({ ...BookEntry.make(1, "gossip"), portAt: 7 }, usual), usual)
  })

  it("tell whether it listens", () => {
    const listens = ([undefined, 0, 1] as const).map((port) => BookEntry.listens(BookEntry.make(port, "gossip")))
    assert.deepStrictEqual(listens, [false, false, true])
  })
})

describe("what an address is worth", () => {
  const at = (change: Partial<BookEntry.BookEntry>) => ({ ...BookEntry.make(1, "gossip"), ...change })

  it("is gossip until it was up", () => {
    assert.isTrue(BookEntry.isGossip(at({})))
    assert.isTrue(BookEntry.isGossip(at({ saidHello: true })))
    assert.isFalse(BookEntry.isGossip(at({ ups: 1 })))
    assert.isFalse(BookEntry.isGossip(at({ source: "stored" })))
    assert.isFalse(BookEntry.isGossip(at({ source: "configured" })))
  })

  it("orders eviction: no answer ever, a Hello, a peer of before", () => {
    assert.strictEqual(BookEntry.evictionRank(at({})), 0)
    assert.strictEqual(BookEntry.evictionRank(at({ saidHello: true })), 1)
    assert.strictEqual(BookEntry.evictionRank(at({ ups: 1 })), 2)
    assert.strictEqual(BookEntry.evictionRank(at({ source: "stored" })), 2)
  })
})

describe("how it ended", () => {
  const eof = DisconnectReason.remote("eof")
  const lostRace: DisconnectReason.DisconnectReason = { ...DisconnectReason.local("rejected"), reject: "duplicate" }
  const before = BookEntry.ended(BookEntry.make(1, "gossip"), 5, eof, true)

  it("is kept with its time, and whether it was up", () => {
    assert.deepStrictEqual(before.last, { at: 5, reason: eof, wasUp: true })
    assert.deepStrictEqual(BookEntry.ended(before, 6, eof, false).last, { at: 6, reason: eof, wasUp: false })
  })

  it("is not the lost race of two dials, unless nothing else is known or it was up", () => {
    assert.strictEqual(BookEntry.ended(before, 6, lostRace, false), before)
    assert.strictEqual(BookEntry.ended(before, 6, lostRace, true).last?.reason, lostRace)
    assert.strictEqual(BookEntry.ended(BookEntry.make(1, "gossip"), 6, lostRace, false).last?.reason, lostRace)
    const other: DisconnectReason.DisconnectReason = { ...lostRace, reject: "full" }
    assert.strictEqual(BookEntry.ended(before, 6, other, false).last?.reason, other)
  })
})
