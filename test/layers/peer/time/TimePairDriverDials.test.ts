import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import * as TransportText from "../../../../src/domain/TransportText.ts"
import * as Discovery from "../../../../src/layers/peer/Discovery.ts"
import * as NodeContext from "../../../../src/layers/peer/NodeContext.ts"
import * as TimePairDriver from "../../../../src/layers/peer/TimePairDriver.ts"
import * as hand from "../../../harness/peerContext.ts"
import { ack, high, ip, low, make, overTls } from "../../../harness/timePairHand.ts"

describe("a dial", () => {
  it("that meets a native peer stays as it began", () => {
    const node = make()
    const made = node.connect(node.dial(high), "timemesh/1")
    assert.deepStrictEqual([made.connection.tags(), made.end.wire, made.peer.speaks, made.peer.time], [
      ["Hello"],
      "native",
      "native",
      undefined
    ])
  })

  it("that meets a TIME peer is handed over: greeted, and up with its Ack; the native machine dials no more", () => {
    const node = make()
    const made = node.connect(node.dial(low), undefined)
    assert.deepStrictEqual([made.connection.tags(), made.end.wire, made.peer.speaks], [["Handshake"], "time", "time"])
    assert.deepStrictEqual([made.peer.pair.ends, made.peer.pair.dialable, made.peer.ends], [[], false, [made.end]])
    assert.strictEqual(made.peer.time?.dialable, true)
    node.say(made, ack)
    assert.isDefined(made.end.up)
    assert.deepStrictEqual([node.places(), made.peer.backoff.failures], [[1, 1, 0], 0])
    const { length } = node.dials
    node.pass(60_000)
    assert.strictEqual(node.dials.length, length)
  })

  it("is refused where this network has no such wire", () => {
    const node = hand.make({ isDriven: true })
    Discovery.learn(node.ctx, { ip: ip(high), port: 1 }, "configured")
    node.pass(0)
    const [end] = node.dials
    const peer = node.ctx.table.get(ip(high))
    assert(end !== undefined && peer !== undefined)
    const connection = new hand.HandConnection("10.0.0.100:6000", ip("10.0.0.100"))
    connection.secured = overTls(undefined)
    end.connection = connection as never
    TimePairDriver.dialled(node.ctx, peer, end)
    assert.deepStrictEqual([peer.book.lastAttempt?.reason.reject, peer.time, peer.speaks, peer.ends], [
      "incompatible",
      undefined,
      "native",
      []
    ])
    assert.isFalse(connection.active)
    const waits = (peer.timers?.get("redial:0")?.dueMs ?? 0) - node.ctx.timers.now()
    assert.strictEqual(waits, Limits.retryIncompatibleMs)
  })

  it("by TIME's rules that meets a native peer gives the peer back to the native machine", () => {
    const node = make()
    const first = node.connect(node.dial(low), undefined)
    node.say(first, ack)
    node.closed(first)
    node.pass(3_600_000)
    const end = node.dials.at(-1)
    assert(end !== undefined && end !== first.end && end.wire === "time")
    const made = node.connect(end, "timemesh/1")
    assert.deepStrictEqual([made.peer.speaks, made.peer.ends, made.peer.pair.dialable], ["native", [], true])
    assert.deepStrictEqual(made.connection.closed, [])
  })

  it("that broke off after TCP is suspected to be a daemon's refusal: from then on by its rules, with few dials", () => {
    const node = make()
    const end = node.dial(low)
    TimePairDriver.dialFailed(node.ctx, node.peerOf(low), end, TransportText.tlsFailed("x"))
    const peer = node.peerOf(low)
    assert.deepStrictEqual([peer.speaks, peer.pair.dialable, peer.time?.dialable], ["time", false, true])
    assert.isAbove(peer.time?.risks ?? 0, 0)
    for (
      const [detail, prepare] of [
        ["ECONNREFUSED", () => {}],
        [TransportText.tlsFailed("x"), (one: hand.Hand) => one.ctx.table.get(ip(low))?.note({ saidHello: true })]
      ] as const
    ) {
      const other = make()
      const dialled = other.dial(low)
      prepare(other)
      TimePairDriver.dialFailed(other.ctx, other.peerOf(low), dialled, detail)
      assert.deepStrictEqual([other.peerOf(low).speaks, other.peerOf(low).time], ["native", undefined], detail)
    }
  })

  it("of a TIME peer that fails is an attempt, a failure in the book unless this node is alone, and grows its backoff", () => {
    const node = make()
    const first = node.connect(node.dial(low), undefined)
    node.say(first, ack)
    node.closed(first)
    const fail = (detail: string) => {
      const end = node.dials.at(-1) ?? assert.fail("no dial")
      TimePairDriver.dialFailed(node.ctx, node.peerOf(low), end, detail)
      return end
    }
    node.pass(3_600_000)
    const before = node.ctx.book.get(ip(low))?.failures
    fail("ECONNREFUSED")
    const peer = node.peerOf(low)
    assert.deepStrictEqual([peer.ends, peer.backoff.failures, node.ctx.book.get(ip(low))?.failures], [[], 1, before])
    assert.deepStrictEqual(peer.book.lastAttempt?.reason, DisconnectReason.remote("dial-failed", "ECONNREFUSED"))
    node.up("10.0.0.2")
    node.pass(3_600_000)
    fail("ECONNREFUSED")
    assert.strictEqual(node.ctx.book.get(ip(low))?.failures, (before ?? 0) + 1)
  })

  it("begins after the waits of its rules, if it is remembered from before: lower than us at once, higher after its turn", () => {
    const node = make()
    for (const at of [low, high]) TimePairDriver.remembered(node.ctx, node.row(at, "stored"))
    assert.deepStrictEqual([node.peerOf(low).time?.rank, node.peerOf(high).time?.rank], ["higher", "lower"])
    for (const at of [low, high]) Discovery.learn(node.ctx, { ip: ip(at), port: 1 }, "stored")
    node.pass(30_000)
    assert.deepStrictEqual(node.dials.map((end) => `${end.ip}`), [low])
    node.pass(3_600_000)
    assert.isTrue(node.dials.some((end) => end.ip === ip(high)))
    const unknown = make({ own: "any", interfaces: [] })
    TimePairDriver.remembered(unknown.ctx, unknown.row(low, "stored"))
    assert.strictEqual(unknown.peerOf(low).time?.rank, "lower", "without an address of our own we wait")
  })

  it("is remembered only of a peer that has no end, is not dialled natively, and where the wire is spoken", () => {
    const node = make()
    const busy = node.socket(low).peer
    TimePairDriver.remembered(node.ctx, busy)
    assert.isUndefined(busy.time)
    const native = node.row("10.0.0.3", "stored")
    native.pair = { ...native.pair, dialable: true }
    TimePairDriver.remembered(node.ctx, native)
    assert.isUndefined(native.time)
    const dev = hand.make()
    const row = dev.row(low, "stored")
    TimePairDriver.remembered(dev.ctx, row)
    assert.isUndefined(row.time)
  })
})

describe("one identity", () => {
  it("a native connection that comes up ends those of TIME, and its dials", () => {
    const node = make()
    const made = node.in()
    TimePairDriver.nativeIsUp(node.ctx, made.peer)
    assert.deepStrictEqual([made.peer.speaks, made.peer.ends, made.connection.closed], ["native", [], []])
    assert.deepStrictEqual(made.peer.book.lastDown?.reason.kind, "replaced")
    assert.isFalse(made.peer.time?.dialable)
  })

  it("one of TIME that comes up ends the native ones", () => {
    const node = make()
    const dial = node.dial(high)
    const made = node.in(high)
    assert.deepStrictEqual([node.withdrawn, made.peer.ends, made.peer.pair.dialable], [[dial], [made.end], false])
  })

  it("one of TIME that comes up ends a native wait before a dial, and native sockets of a peer that is not dialled", () => {
    const node = make()
    Discovery.learn(node.ctx, { ip: ip(high), port: 1 }, "gossip")
    const known = node.peerOf(high)
    assert.deepStrictEqual([known.pair.dialable, known.ends], [true, []])
    node.in(high)
    assert.deepStrictEqual([known.pair.dialable, known.timers?.get("redial:0")], [false, undefined])
    const other = make()
    const native = other.socket(high)
    other.ctx.slots.accepted(native.end)
    NodeContext.post(other.ctx, native.peer, { _tag: "Accepted", end: native.end.id })
    assert.strictEqual(native.peer.pair.ends.length, 1)
    const made = other.in(high)
    assert.deepStrictEqual([made.peer.pair.ends, made.peer.ends], [[], [made.end]])
  })

  it("what stops a peer stops both machines; what only concerns one end goes to its own", () => {
    const node = make()
    const made = node.in()
    NodeContext.post(node.ctx, made.peer, { _tag: "Stopped", reject: "operator", detail: "x", retryMs: undefined })
    assert.deepStrictEqual([made.peer.ends, made.connection.closed, made.peer.time?.dialable], [[], [], false])
    assert.deepStrictEqual(made.peer.book.lastDown?.reason, DisconnectReason.rejected("operator", "local", "x"))
    const self = make()
    const own = self.in()
    NodeContext.post(self.ctx, own.peer, { _tag: "Forgotten" })
    assert.strictEqual(own.peer.ends.length, 1)
    own.peer.note({ isSelf: true })
    NodeContext.post(self.ctx, own.peer, { _tag: "Forgotten" })
    assert.strictEqual(own.peer.ends.length, 0)
  })

  it("an address that is learned goes to the machine of the wire that the peer speaks", () => {
    const node = make()
    const { peer } = node.in()
    peer.time = { ...peer.time ?? assert.fail("no machine"), dialable: false }
    NodeContext.post(node.ctx, peer, { _tag: "Learned", rank: undefined })
    assert.deepStrictEqual([peer.time?.dialable, peer.pair.dialable], [true, false])
    peer.speaks = "native"
    NodeContext.post(node.ctx, peer, { _tag: "Learned", rank: undefined })
    assert.isTrue(peer.pair.dialable)
  })
})
