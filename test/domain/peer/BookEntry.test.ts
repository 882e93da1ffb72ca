import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as BookEntry from "../../../src/domain/peer/BookEntry.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type { Attempt } from "../../../src/domain/peer/PeerRecord.ts"

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
      lastDown: undefined,
      lastAttempt: undefined,
      process: undefined,
      shortUps: 0,
      restarts: 0,
      flaps: 0,
      aliasOf: undefined,
      isStopped: false,
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

  it("continue where they are when told again, and start over when a new one is learnt", () => {
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

const attempt = (at: number, reason: DisconnectReason.DisconnectReason): Attempt => ({
  at,
  reason,
  direction: "outbound",
  reached: "socket"
})

describe("how it ended", () => {
  const eof = DisconnectReason.remote("eof")
  const lostRace = DisconnectReason.rejected("duplicate", "remote")
  const before = BookEntry.wentDown(BookEntry.make(1, "gossip"), { at: 5, reason: eof, upMs: 10 })

  it("keeps the last Down and the last attempt apart, and knows which came later", () => {
    assert.deepStrictEqual(BookEntry.last(before), { at: 5, reason: eof, upMs: 10 })
    const after = BookEntry.attemptEnded(before, attempt(6, eof))
    assert.deepStrictEqual(after.lastDown, { at: 5, reason: eof, upMs: 10 })
    assert.deepStrictEqual(BookEntry.last(after), attempt(6, eof))
    const down = { at: 7, reason: eof, upMs: 10 }
    assert.deepStrictEqual(BookEntry.last(BookEntry.wentDown(after, down)), down)
    assert.isUndefined(BookEntry.last(BookEntry.make(1, "gossip")))
  })

  it("is not changed by a lost race, unless nothing else is known", () => {
    assert.strictEqual(BookEntry.attemptEnded(before, attempt(6, lostRace)), before)
    assert.strictEqual(BookEntry.wentDown(before, { at: 6, reason: lostRace, upMs: 1 }).lastDown?.reason, lostRace)
    const fresh = BookEntry.make(1, "gossip")
    assert.strictEqual(BookEntry.attemptEnded(fresh, attempt(6, lostRace)).lastAttempt?.reason, lostRace)
    const other = DisconnectReason.rejected("full", "remote")
    assert.strictEqual(BookEntry.attemptEnded(before, attempt(6, other)).lastAttempt?.reason, other)
  })

  it("counts short Ups in a row, and the new processes among them", () => {
    const up = (entry: BookEntry.BookEntry, id: string, upMs: number, reason = eof) =>
      BookEntry.wentDown(BookEntry.cameUp(entry, { id, tag: id, self: PeerIp.fromStringUnsafe("10.0.0.1") }), {
        at: 1,
        reason,
        upMs
      })
    const short = Limits.steadyUpMs - 1
    const thrice = ["a", "b", "b"].reduce((entry, id) => up(entry, id, short), BookEntry.make(1, "gossip"))
    assert.deepStrictEqual([thrice.ups, thrice.shortUps, thrice.restarts], [3, 3, 1])
    const byHand = up(thrice, "b", short, DisconnectReason.rejected("operator", "local"))
    assert.deepStrictEqual([byHand.shortUps, byHand.lastGoodAt], [3, 1])
    const steady = up(thrice, "b", Limits.steadyUpMs)
    assert.deepStrictEqual([steady.shortUps, steady.restarts], [0, 0])
    assert.isUndefined(up(BookEntry.make(1, "gossip"), "a", Limits.stableMs - 1).lastGoodAt)
    assert.strictEqual(up(BookEntry.make(1, "gossip"), "a", Limits.stableMs).lastGoodAt, 1)
  })

  it("knows a process by its tag towards one address of ours, not by its id", () => {
    const at = (tag: string, self: string) =>
      BookEntry.cameUp(BookEntry.make(1, "gossip"), { id: "same", tag, self: PeerIp.fromStringUnsafe(self) })
    const one = at("a", "10.0.0.1")
    assert.isTrue(BookEntry.isSameProcess(one, at("a", "10.0.0.1")))
    assert.isFalse(BookEntry.isSameProcess(one, at("b", "10.0.0.1")))
    assert.isFalse(BookEntry.isSameProcess(one, at("a", "10.0.0.2")))
    const fresh = BookEntry.make(1, "gossip")
    assert.isFalse(BookEntry.isSameProcess(fresh, fresh))
  })

  it("is this node's own fault where its own system failed the latest dial, and nothing came after it", () => {
    const at = (change: Partial<BookEntry.BookEntry>) =>
      BookEntry.isOwnFault({ ...BookEntry.make(1, "gossip"), ...change })
    const own = attempt(6, DisconnectReason.local("dial-failed"))
    assert.isTrue(at({ lastAttempt: own }))
    assert.isTrue(at({ lastAttempt: own, lastDown: { at: 6, reason: eof, upMs: 1 } }))
    assert.isFalse(at({ lastAttempt: own, lastDown: { at: 7, reason: eof, upMs: 1 } }))
    assert.isFalse(at({ lastAttempt: attempt(6, DisconnectReason.remote("dial-failed")) }))
    assert.isFalse(at({ lastAttempt: attempt(6, DisconnectReason.local("hello-timeout")) }))
    assert.isFalse(at({}))
  })

  it("is a flap where the same process is back within the time, and neither end had ended its connection", () => {
    const process = { id: "a", tag: "a", self: PeerIp.fromStringUnsafe("10.0.0.1") }
    const up = BookEntry.cameUp(BookEntry.make(1, "gossip"), process)
    const flaps = (reason: DisconnectReason.DisconnectReason, now = 5, after = up) =>
      BookEntry.isFlap(BookEntry.wentDown(up, { at: 5, reason, upMs: 1 }), after, now)
    const kinds = DisconnectReason.kinds.filter((kind) => flaps(DisconnectReason.local(kind)))
    assert.sameMembers(kinds, ["eof", "reset", "silent", "unanswered", "replaced", "address"])
    assert.isTrue(flaps(eof, 5 + Limits.redialKnownForMs))
    assert.isFalse(flaps(eof, 6 + Limits.redialKnownForMs))
    assert.isFalse(flaps(eof, 5, BookEntry.cameUp(up, { ...process, tag: "b" })), "it was restarted")
    assert.isFalse(BookEntry.isFlap(up, up, 5), "it never went down")
  })

  it("was an attempt where it came last or at the same time, or nothing went down", () => {
    const own = attempt(6, eof)
    const tried = BookEntry.attemptEnded(BookEntry.make(1, "gossip"), own)
    assert.strictEqual(BookEntry.last(tried), own)
    const down = { at: 6, reason: eof, upMs: 10 }
    assert.strictEqual(BookEntry.last({ ...tried, lastDown: down }), own)
    assert.strictEqual(BookEntry.last({ ...tried, lastDown: { ...down, at: 7 } })?.at, 7)
  })

  it("by the rules or by hand is no short Up: replaced, told by the operator, an alias", () => {
    const ends = (reason: DisconnectReason.DisconnectReason) =>
      BookEntry.wentDown(BookEntry.make(1, "gossip"), { at: 1, reason, upMs: 1 }).shortUps
    assert.strictEqual(ends(eof), 1)
    assert.strictEqual(ends(DisconnectReason.local("replaced")), 0)
    assert.strictEqual(ends(DisconnectReason.local("operator")), 0)
    assert.strictEqual(ends(DisconnectReason.rejected("alias", "remote")), 0)
    assert.strictEqual(ends(DisconnectReason.rejected("full", "remote")), 1)
  })

  it("counts a restart only where another process follows a short Up, and both are known", () => {
    const process = (id: string) => ({ id, tag: id, self: PeerIp.fromStringUnsafe("10.0.0.1") })
    const up = BookEntry.cameUp(BookEntry.make(1, "gossip"), process("a"))
    const short = BookEntry.wentDown(up, { at: 1, reason: eof, upMs: 1 })
    assert.strictEqual(BookEntry.cameUp(short, process("b")).restarts, 1)
    assert.strictEqual(BookEntry.cameUp(short, process("a")).restarts, 0)
    assert.strictEqual(BookEntry.cameUp(short, undefined).restarts, 0)
    assert.strictEqual(BookEntry.cameUp({ ...short, process: undefined }, process("b")).restarts, 0)
    assert.strictEqual(BookEntry.cameUp(up, process("b")).restarts, 0, "no Up was short")
    assert.isFalse(BookEntry.isSameProcess(up, { ...up, process: undefined }))
  })
})
