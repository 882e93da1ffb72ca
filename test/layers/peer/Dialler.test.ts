/** Which dial begins when: places, order, pace, netgroups; and that each place is given back exactly once. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { PeerSource } from "../../../src/domain/peer/PeerRecord.ts"
import { deaf } from "../../../src/layers/peer/ConnectionEvents.ts"
import { Dialler } from "../../../src/layers/peer/Dialler.ts"
import type { Peer } from "../../../src/layers/peer/Peer.ts"
import type { PeerEnd } from "../../../src/layers/peer/PeerEnd.ts"
import { recordFlood } from "../../../src/services/PeerSocket.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand
const refused = DisconnectReason.remote("dial-failed", "ECONNREFUSED")

const make = (options: hand.Options = {}) => {
  const node = hand.make(options)
  const { ctx } = node
  // The pace begins with the clock.
  node.pass(1)
  const dialler = new Dialler(ctx, ctx.sockets, deaf)
  let ids = 0
  const dial = (peer: Peer): PeerEnd => dialler.dial(peer, ++ids)
  return {
    ...node,
    dialler,
    dial,
    /** A dial to a new peer, private so that its netgroup is its own. */
    to: (text: string, source: PeerSource = "stored", failures = 0): PeerEnd => {
      const peer = node.row(text, source)
      peer.backoff = { failures }
      return dial(peer)
    },
    /** The peers dialled since the last call. */
    begun: (): ReadonlyArray<string> => node.of("Dialling").map((event) => `${event.ip}`)
  }
}

const many = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}.${i >> 8}.${i & 255}`)

describe("a dial", () => {
  it("begins at once where a place is free: the end is its peer's, its nonce our own, its port the peer's", () => {
    const { asked, begun, ctx, dial, dialler, row } = make()
    ctx.book.add({ ip: ip("10.0.0.1"), port: 4_001 }, ip("10.0.0.1"), 0)
    const peer = row("10.0.0.1", "stored", { port: 4_001 })
    const end = dial(peer)
    assert.deepStrictEqual([end.id, end.direction, peer.ends], [1, "outbound", [end]])
    assert.isTrue(ctx.slots.isOwnNonce(end.helloNonce))
    assert.isDefined(end.connection)
    assert.deepStrictEqual(begun(), ["10.0.0.1"])
    assert.deepStrictEqual(asked, [{ to: { ip: peer.ip, port: 4_001 }, from: ip("10.0.0.100") }])
    assert.strictEqual(ctx.book.get(peer.ip)?.dialledAt, ctx.nowMs())
    assert.deepStrictEqual(dialler.counts, { dialling: 1, dials: 0 })
  })

  it("leaves from the address that the node listens on, not across families, and from any if it listens on all", () => {
    const six = make()
    six.dial(six.row("2001:db9::1", "stored"))
    assert.isUndefined(six.asked[0]?.from)
    const any = make({ own: "any", interfaces: [] })
    any.to("10.0.0.1")
    assert.isUndefined(any.asked[0]?.from)
  })

  it("waits for a place when so many are in flight; a dial that connects or fails makes room for one", () => {
    const { begun, dialler, posted, to } = make({ tuning: { maxDials: 2 } })
    const [a, b] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map((text) => to(text))
    assert.deepStrictEqual([begun(), dialler.counts], [["10.0.0.1", "10.0.0.2"], { dialling: 2, dials: 2 }])
    if (a === undefined || b === undefined) return assert.fail("no ends")
    dialler.onOpen(a)
    assert.deepStrictEqual([begun(), posted()], [["10.0.0.3"], [[a.ip, { _tag: "Connected", end: a.id }]]])
    dialler.onEnd(a, DisconnectReason.remote("eof"), true)
    assert.deepStrictEqual(begun(), [], "its place was given back when it connected")
    dialler.onEnd(b, refused, false)
    assert.deepStrictEqual(dialler.counts, { dialling: 2, dials: 0 })
  })

  it("that ended is told to its pair: as closed if it had opened, else as failed with the cause", () => {
    const { ctx, dialler, emitted, posted, to } = make()
    const [a, b] = [to("10.0.0.1"), to("10.0.0.2")]
    dialler.onOpen(a)
    posted()
    emitted()
    const eof = DisconnectReason.remote("eof")
    dialler.onEnd(a, eof, true)
    assert.deepStrictEqual([posted(), emitted()], [[[a.ip, { _tag: "Closed", end: a.id, reason: eof }]], []])
    dialler.onEnd(b, refused, false)
    assert.deepStrictEqual(posted(), [[b.ip, { _tag: "DialFailed", end: b.id, detail: "ECONNREFUSED" }]])
    assert.deepStrictEqual(emitted(), [{ _tag: "DialFailed", ip: b.ip, detail: "ECONNREFUSED" }])
    const c = to("10.0.0.3")
    dialler.onEnd(c, DisconnectReason.remote("dial-failed"), false)
    assert.deepStrictEqual(posted(), [[c.ip, { _tag: "DialFailed", end: c.id, detail: "dial-failed" }]])
    assert.deepStrictEqual([...ctx.slots.openDials()], [])
    emitted()
    const d = to("10.0.0.4")
    dialler.onOpen(d)
    assert.deepStrictEqual([...ctx.slots.openDials()], [d])
    emitted()
    dialler.onEnd(d, DisconnectReason.local("protocol", recordFlood), true)
    assert.deepStrictEqual(emitted().map(({ _tag }) => _tag), ["Offence"])
  })

  it("of a row that is gone neither begins nor is told, but gives everything back", () => {
    const { begun, ctx, dialler, emitted, posted, to } = make({ tuning: { maxDials: 1 } })
    const a = to("198.51.101.1")
    const b = to("203.0.114.1")
    const c = to("192.5.6.1")
    begun()
    ctx.table.remove(b.peer as Peer)
    ctx.table.remove(a.peer as Peer)
    assert.strictEqual(ctx.groups.count(a.peer.group), 1)
    dialler.onEnd(a, refused, false)
    assert.strictEqual(ctx.groups.count(a.peer.group), 0)
    assert.deepStrictEqual(begun(), ["192.5.6.1"])
    assert.deepStrictEqual([posted(), emitted()], [[], []])
    assert.isDefined(c.connection)
    assert.isUndefined(b.connection)
    assert.deepStrictEqual(dialler.counts, { dialling: 1, dials: 0 })
  })

  it("that is withdrawn before its turn does not begin", () => {
    const { begun, dialler, to } = make({ tuning: { maxDials: 1 } })
    const a = to("10.0.0.1")
    const b = to("10.0.0.2")
    begun()
    dialler.withdraw(b)
    dialler.onOpen(a)
    assert.deepStrictEqual([begun(), dialler.counts], [[], { dialling: 0, dials: 0 }])
    const gossip = make()
    const ends = many(Limits.toldDialBurst + 1, "10.1").map((text) => gossip.to(text, "gossip"))
    for (const end of ends) gossip.dialler.withdraw(end)
    gossip.pass(1_000)
    assert.strictEqual(gossip.begun().length, Limits.toldDialBurst)
  })
})

describe("the order of dials", () => {
  it("is by failures, then first come first served", () => {
    const { begun, dialler, to } = make({ tuning: { maxDials: 1 } })
    let last = to("10.0.0.1")
    const ends = new Map([["10.0.0.2", 2], ["10.0.0.3", 1], ["10.0.0.4", 0], ["10.0.0.5", 1], ["10.0.0.6", 0]].map((
      [text, failures]
    ) => [text as string, to(text as string, "stored", failures as number)]))
    begun()
    const order: Array<string> = []
    for (let i = 0; i < 5; i++) {
      dialler.onOpen(last)
      const [next = ""] = begun()
      order.push(next)
      last = ends.get(next) ?? assert.fail(`no dial to ${next}`)
    }
    assert.deepStrictEqual(order, ["10.0.0.4", "10.0.0.6", "10.0.0.3", "10.0.0.5", "10.0.0.2"])
  })

  it("puts netgroups with fewer connections first", () => {
    const { begun, dialler, pass, to } = make({ tuning: { maxDials: 1 } })
    const first = to("198.51.100.1", "configured")
    const same = to("198.51.100.2", "configured")
    to("203.0.114.1", "configured")
    begun()
    pass(Limits.dialWaitMs - 1)
    dialler.onOpen(first)
    assert.deepStrictEqual(begun(), ["203.0.114.1"])
    assert.isUndefined(same.connection)
  })

  it("gives every second turn to the oldest that has waited too long, whatever its failures", () => {
    const order = (waitMs: number) => {
      const { begun, dialler, pass, to } = make({ tuning: { maxDials: 1 } })
      let last = to("10.0.0.1")
      const ends = new Map(
        ([["10.0.0.2", 3], ["10.0.0.3", 2]] as const).map(([text, n]) => [text as string, to(text, "stored", n)])
      )
      begun()
      pass(waitMs)
      // Hosts that refuse at once and are dialled again have no failures.
      for (const text of many(4, "10.1")) ends.set(text, to(text))
      const order: Array<string> = []
      for (let i = 0; i < 6; i++) {
        dialler.onOpen(last)
        const [next = ""] = begun()
        order.push(next)
        last = ends.get(next) ?? assert.fail(`no dial to ${next}`)
      }
      return order
    }
    assert.deepStrictEqual(order(Limits.dialWaitMs - 1), [...many(4, "10.1"), "10.0.0.3", "10.0.0.2"])
    assert.deepStrictEqual(order(Limits.dialWaitMs), [
      "10.0.0.2",
      "10.1.0.0",
      "10.0.0.3",
      "10.1.0.1",
      "10.1.0.2",
      "10.1.0.3"
    ])
  })

  it("the oldest is not one whose netgroup must wait", () => {
    const { begun, ctx, dialler, pass, to } = make({ tuning: { maxDials: 1 } })
    const first = to("198.51.100.1")
    to("198.51.100.2", "stored", 1)
    to("203.0.114.1", "stored", 2)
    begun()
    pass(Limits.dialWaitMs)
    ctx.groups.began(first.peer.group, ctx.timers.now())
    assert.isAbove(ctx.groups.waitMs(first.peer.group, ctx.timers.now()), 0)
    dialler.onOpen(first)
    assert.deepStrictEqual(begun(), ["203.0.114.1"])
  })
})

describe("gossiped addresses", () => {
  it("have three quarters of the places, and half as many again while few peers are up; the rest is for proven ones", () => {
    const { begun, dialler, pass, to } = make({ tuning: { maxDials: 8 } })
    for (const text of many(40, "10.1")) to(text, "gossip")
    pass(10_000)
    assert.strictEqual(begun().length, 8 * 0.75 + 8 * Limits.needyDials)
    for (const text of many(8, "10.2")) to(text)
    assert.strictEqual(begun().length, 2, "a quarter is theirs alone")
    assert.strictEqual(dialler.counts.dialling, 20)
    const fed = make({ tuning: { maxDials: 8 } })
    for (const text of many(Limits.outboundPlaces, "10.3")) fed.up(text)
    for (const text of many(40, "10.1")) fed.to(text, "gossip")
    fed.pass(10_000)
    assert.strictEqual(fed.begun().length, 6, "enough peers are up")
  })

  it("give their places back when they are over, connected or not", () => {
    const fed = make({ tuning: { maxDials: 8 } })
    for (const text of many(Limits.outboundPlaces, "10.3")) fed.up(text)
    const ends = many(12, "10.1").map((text) => fed.to(text, "gossip"))
    fed.pass(10_000)
    assert.strictEqual(fed.begun().length, 6)
    for (const [i, end] of ends.slice(0, 6).entries()) {
      if (i % 2 === 0) fed.dialler.onOpen(end)
      else fed.dialler.onEnd(end, refused, false)
    }
    fed.pass(10_000)
    assert.strictEqual(fed.begun().length, 6)
  })

  it("do not take more than all places together with proven ones", () => {
    const fed = make({ tuning: { maxDials: 8 } })
    for (const text of many(Limits.outboundPlaces, "10.3")) fed.up(text)
    for (const text of many(5, "10.2")) fed.to(text)
    fed.begun()
    for (const text of many(40, "10.1")) fed.to(text, "gossip")
    fed.pass(10_000)
    assert.strictEqual(fed.begun().length, 3)
    assert.strictEqual(fed.dialler.counts.dialling, 8)
  })

  it("begin at their own pace: a few at once, then so many a second, each once a minute", () => {
    const { begun, dial, dialler, pass, to } = make({ tuning: { maxDials: 1_000 } })
    const [first] = many(40, "10.1").map((text) => to(text, "gossip"))
    assert.strictEqual(begun().length, Limits.toldDialBurst)
    pass(1_000)
    assert.approximately(begun().length, Limits.toldDialsPerSecond, 1)
    pass(2_000)
    assert.strictEqual(dialler.counts.dials, 0)
    begun()
    // Its row left and came back: its next dial waits.
    if (first === undefined) return assert.fail("no end")
    dialler.onEnd(first, refused, false)
    const peer = first.peer as Peer
    peer.ends = []
    const again = dial(peer)
    pass(50_000)
    assert.deepStrictEqual([begun(), dialler.counts.dials], [[], 0])
    pass(Limits.toldDialEveryMs)
    assert.deepStrictEqual(begun(), ["10.1.0.0"])
    assert.isDefined(again.connection)
  })

  it("that wait for that minute and are closed meanwhile, or come up otherwise, are dialled no more or as proven", () => {
    const { begun, dial, dialler, pass, to } = make()
    const ends = ["10.1.0.1", "10.1.0.2"].map((text) => to(text, "gossip"))
    pass(1_000)
    begun()
    for (const end of ends) dialler.onEnd(end, refused, false)
    const [a, b] = ends.map((end) => end.peer as Peer)
    if (a === undefined || b === undefined) return assert.fail("no rows")
    for (const peer of [a, b]) {
      peer.ends = []
      dial(peer)
    }
    a.ends = []
    b.note({ ups: 1 })
    pass(2 * Limits.toldDialEveryMs)
    assert.deepStrictEqual([begun(), dialler.counts.dials], [["10.1.0.2"], 0])
  })
})

describe("the pace of all dials", () => {
  it("is a burst, then so many a second, however many wait; what is not used is not saved beyond the burst", () => {
    const { begun, pass, to } = make({ tuning: { maxDials: Limits.maxDialsMost } })
    for (const text of many(500, "10.1")) to(text)
    assert.strictEqual(begun().length, Limits.dialBurst)
    pass(1_000)
    assert.approximately(begun().length, Limits.dialsPerSecond, 1)
    pass(3_000)
    assert.approximately(begun().length, 3 * Limits.dialsPerSecond, 3)
    pass(60_000)
    assert.approximately(begun().length, 500 - Limits.dialBurst - 4 * Limits.dialsPerSecond, 4)
    pass(3_600_000)
    for (const text of many(500, "10.2")) to(text)
    assert.strictEqual(begun().length, Limits.dialBurst)
  })
})

describe("one netgroup", () => {
  it("is dialled one after the other, later the more it has; configured peers and those that were up do not wait", () => {
    const { begun, pass, row, dial, to } = make()
    for (let i = 1; i <= 4; i++) to(`198.51.100.${i}`)
    assert.deepStrictEqual(begun(), ["198.51.100.1"])
    pass(Limits.sameGroupMs + 1)
    assert.deepStrictEqual(begun(), ["198.51.100.2"])
    pass(Limits.sameGroupMs + 1)
    assert.deepStrictEqual(begun(), [], "two are there: it waits twice as long")
    to("198.51.100.8", "configured")
    dial(row("198.51.100.9", "stored", { ups: 1 }))
    assert.deepStrictEqual(begun(), ["198.51.100.8", "198.51.100.9"])
    pass(10_000)
    assert.deepStrictEqual(begun(), ["198.51.100.3", "198.51.100.4"])
  })

  it("keeps no other netgroup waiting", () => {
    const { begun, to } = make()
    to("198.51.100.1")
    to("198.51.100.2")
    to("203.0.114.1")
    assert.deepStrictEqual(begun(), ["198.51.100.1", "203.0.114.1"])
  })

  it("of gossip comes back by itself too", () => {
    const { begun, pass, to } = make()
    to("198.51.100.1", "gossip")
    to("198.51.100.2", "gossip")
    assert.deepStrictEqual(begun(), ["198.51.100.1"])
    pass(Limits.sameGroupMs + 1)
    assert.deepStrictEqual(begun(), ["198.51.100.2"])
  })
})
