/** Rows of the table: how many gossip may have, and which gives way when it is full. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Gate from "../../../src/layers/peer/Gate.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand

describe("rows of gossip", () => {
  it("are counted: those in the book, and those whose dials have not failed", () => {
    const { ctx, row } = hand.make()
    ctx.book.add({ ip: ip("10.0.0.1"), port: 24_200 }, ip("10.0.0.9"), ctx.nowMs())
    ctx.book.add({ ip: ip("10.0.0.3"), port: 24_200 }, ip("10.0.0.9"), ctx.nowMs())
    row("10.0.0.1")
    row("10.0.0.2").backoff = { failures: Limits.candidateTries }
    row("10.0.0.3", "stored")
    row("10.0.0.4", "gossip", { ups: 1 })
    row("10.0.0.5", "stored")
    const { inBook, untried } = Gate.room(ctx)
    assert.deepStrictEqual([inBook, untried], [2, 1])
  })

  it("have a bound: beyond it, the one whose dials failed most makes room, none that is in use or untried does", () => {
    const { ctx, row, socket } = hand.make()
    const rows = Array.from({ length: Limits.candidates - 1 }, (_, i) => row(`10.9.${i >> 8}.${i & 255}`))
    const room = () => Gate.room(ctx).take()
    const one = Gate.room(ctx)
    assert.deepStrictEqual([one.take(), one.take()], [true, false], "one place is left")
    row("10.10.0.0")
    assert.isFalse(room())
    const [a, b, c, d] = rows
    if (a === undefined || b === undefined || c === undefined || d === undefined) return assert.fail("no rows")
    a.backoff = { failures: 1 }
    b.backoff = { failures: 3 }
    c.backoff = { failures: 2 }
    d.backoff = { failures: 9 }
    socket(d.ip, {})
    const { take } = Gate.room(ctx)
    assert.deepStrictEqual([take(), take(), take(), take()], [true, true, true, false])
    assert.deepStrictEqual([a, b, c, d].map(({ forgotten }) => forgotten), [true, true, true, false])
    const again = hand.make()
    Array.from({ length: Limits.candidates }, (_, i) => again.row(`10.9.${i >> 8}.${i & 255}`))
    const [x, y] = [again.ctx.table.get(ip("10.9.0.0")), again.ctx.table.get(ip("10.9.0.1"))]
    if (x === undefined || y === undefined) return assert.fail("no rows")
    x.backoff = { failures: 3 }
    y.backoff = { failures: 1 }
    assert.isTrue(Gate.room(again.ctx).take())
    assert.deepStrictEqual([x.forgotten, y.forgotten], [true, false])
  })

  it("that refuse every dial make room like those whose dials fail", () => {
    const { ctx, row } = hand.make()
    const rows = Array.from({ length: Limits.candidates }, (_, i) => row(`10.9.${i >> 8}.${i & 255}`))
    const [a, b, c] = rows
    if (a === undefined || b === undefined || c === undefined) return assert.fail("no rows")
    assert.isFalse(Gate.room(ctx).take())
    a.refusals = 1
    b.refusals = 3
    c.refusals = 1
    c.backoff = { failures: 1 }
    assert.strictEqual(Gate.room(ctx).untried, Limits.candidates - 3)
    const { take } = Gate.room(ctx)
    assert.isTrue(take())
    assert.deepStrictEqual([a, b, c].map(({ forgotten }) => forgotten), [false, true, false])
    assert.isTrue(take())
    assert.deepStrictEqual([a, b, c].map(({ forgotten }) => forgotten), [false, true, true])
    assert.deepStrictEqual([take(), take()], [true, false])
  })
})

describe("a full table", () => {
  it("drops a row that refuses every dial before one that was not dialled, also for gossip", () => {
    const node = hand.make()
    hand.fillTable(node, "configured", 2)
    const [fresh, refusing] = [node.row("10.0.0.1"), node.row("10.0.0.2")]
    assert.isUndefined(Gate.admit(node.ctx, ip("10.1.0.1"), 1, "gossip"))
    refusing.refusals = 2
    assert.isDefined(Gate.admit(node.ctx, ip("10.1.0.1"), 1, "gossip"))
    assert.deepStrictEqual([fresh.forgotten, refusing.forgotten], [false, true])
    const again = node.ctx.table.get(ip("10.1.0.1")) ?? assert.fail("no row")
    again.refusals = 1
    assert.isDefined(Gate.admit(node.ctx, ip("10.1.0.2"), 1, "configured"))
    assert.deepStrictEqual([fresh.forgotten, again.forgotten], [false, true])
  })

  it("drops the row of least value: none that answered first, then one that was never up, then a peer; the most failures among equals", () => {
    const node = hand.make()
    const { ctx, row } = node
    hand.fillTable(node, "configured", 5)
    const peer = row("10.0.0.4", "inbound", { saidHello: true, ups: 1 })
    const stored = row("10.0.0.5", "stored")
    stored.backoff = { failures: 1 }
    const greeted = row("10.0.0.3", "inbound", { saidHello: true })
    const failing = row("10.0.0.2")
    failing.backoff = { failures: 4 }
    const gossip = row("10.0.0.1")
    const gone = [1, 2, 3, 4, 5].map((i) => {
      const before = [gossip, failing, greeted, peer, stored].filter(({ forgotten }) => !forgotten)
      const added = Gate.admit(ctx, ip(`10.1.0.${i}`), i, "configured")
      assert.deepStrictEqual([added?.book.port, added?.book.source], [i, "configured"])
      return before.find(({ forgotten }) => forgotten)?.ip
    })
    assert.deepStrictEqual(gone, [failing, gossip, greeted, stored, peer].map(({ ip }) => ip))
    assert.isUndefined(Gate.admit(ctx, ip("10.2.0.1"), 1, "configured"), "configured peers are never dropped")
    const known = ctx.table.get(ip("10.1.0.1"))
    assert.strictEqual(Gate.admit(ctx, ip("10.1.0.1"), 9, "gossip"), known)
  })

  it("keeps a row that is in use, and lets gossip displace only gossip whose dials failed", () => {
    const node = hand.make()
    const { ctx, row, socket } = node
    hand.fillTable(node, "configured", 4)
    const { peer: busy } = socket("10.0.0.1", { source: "gossip" })
    const untried = row("10.0.0.2")
    const greeted = row("10.0.0.3", "inbound", { saidHello: true })
    greeted.backoff = { failures: 5 }
    const stored = row("10.0.0.4", "stored")
    stored.backoff = { failures: 5 }
    assert.isUndefined(Gate.admit(ctx, ip("10.1.0.1"), 1, "gossip"))
    untried.backoff = { failures: 1 }
    assert.isDefined(Gate.admit(ctx, ip("10.1.0.1"), 1, "gossip"))
    assert.deepStrictEqual([busy, untried, greeted, stored].map(({ forgotten }) => forgotten), [
      false,
      true,
      false,
      false
    ])
  })

  it("a row that is dropped takes its timers, its place, its dials and its sockets with it", () => {
    const node = hand.make()
    const { connectionOf, ctx, parts, pass, posted, row, socket } = node
    const peer = row("10.0.0.1")
    const { end } = socket("10.0.0.1", { direction: "outbound" })
    const waiting = parts.dialler.dial(peer, 99)
    ctx.slots.accepted(end)
    ctx.slots.takePlace(peer.ip, true)
    let fired = 0
    peer.timers = new Map([["redial:0", ctx.timers.arm(1_000, () => fired++)]])
    Gate.forget(ctx, peer)
    assert.deepStrictEqual([peer.forgotten, peer.ends, ctx.table.get(peer.ip)], [true, [], undefined])
    assert.isFalse(ctx.slots.hasPlace(peer.ip))
    assert.deepStrictEqual([ctx.slots.isOwnNonce(end.helloNonce), ctx.slots.isOwnNonce(waiting.helloNonce)], [
      false,
      false
    ])
    assert.strictEqual(ctx.slots.unidentifiedCount, 0)
    assert.deepStrictEqual(connectionOf(end).closed, [])
    pass(2_000)
    assert.deepStrictEqual([fired, posted()], [0, []])
  })

  it("loses the row of an accepted socket's address when its last end is gone, unless that said Hello or is known otherwise", () => {
    const { ctx, row, socket } = hand.make()
    const silent = row("10.0.0.1", "inbound")
    const greeted = row("10.0.0.2", "inbound", { saidHello: true })
    const gossip = row("10.0.0.3", "gossip")
    const { peer: open } = socket("10.0.0.4")
    for (const peer of [silent, greeted, gossip, open]) Gate.left(ctx, peer)
    assert.deepStrictEqual([silent, greeted, gossip, open].map(({ forgotten }) => forgotten), [
      true,
      false,
      false,
      false
    ])
  })
})
