/** Up, Down, and the end of a socket that never came up: what each changes, once. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as BookEntry from "../../../src/domain/peer/BookEntry.ts"
import * as ConnectionLife from "../../../src/layers/peer/ConnectionLife.ts"
import * as Redials from "../../../src/layers/peer/Redials.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand
const eof = DisconnectReason.remote("eof")
const down = ({ ctx }: hand.Hand, { end, peer }: hand.Connected, reason = eof) =>
  ConnectionLife.down(ctx, peer, end, reason)

describe("a connection that comes up", () => {
  it("is reported with its socket and role, counted, pinged at once, read at full length, and saved", () => {
    const node = hand.make()
    const { connectionOf, ctx, pass, saves, up } = node
    pass(500)
    const { end, peer, up: live } = up("10.0.0.1", { direction: "outbound", role: "lower", rttMs: 30 })
    assert.deepStrictEqual(node.emitted(), [
      {
        _tag: "Up",
        ip: peer.ip,
        connection: end.id,
        direction: "outbound",
        socket: "10.0.0.1:5000",
        role: "lower"
      },
      {
        _tag: "PingSent",
        ip: peer.ip,
        connection: end.id,
        direction: "outbound",
        socket: "10.0.0.1:5000",
        nonce: live.liveness.pings[0]?.nonce ?? 0n
      }
    ])
    assert.deepStrictEqual([live.at, live.order, live.liveness.rtt?.lastMs], [500, 1, 30])
    assert.strictEqual(peer.up, live)
    assert.strictEqual(ctx.slots.upCount, 1)
    assert.isTrue(connectionOf(end).longFrames)
    assert.deepStrictEqual([end.pingsSent, saves()], [1, 1])
    assert.strictEqual(up("10.0.0.2").up.order, 2)
    assert.isUndefined(up("10.0.0.3").up.liveness.rtt, "nothing was measured")
  })

  it("is pinged again after its time, and no more once it is down", () => {
    const node = hand.make()
    const { ctx, pass, up } = node
    const made = up("10.0.0.1")
    pass(Limits.pingMs)
    assert.deepStrictEqual(ctx.due.takeUpTo(ctx.timers.now()), [made.up])
    ctx.due.put(made.up, ctx.timers.now())
    down(node, made)
    assert.deepStrictEqual(ctx.due.takeUpTo(ctx.timers.now() + 3_600_000), [])
  })

  it("gets no place when all are up: nothing changes", () => {
    const node = hand.make({ tuning: { maxPeers: 1 } })
    const { ctx, parts, socket, up } = node
    up("10.0.0.1", { direction: "outbound" })
    const { end, peer } = socket("10.0.0.2", { direction: "outbound" })
    ctx.slots.takePlace(peer.ip, true)
    end.greeting = {} as never
    node.emitted()
    const book = (before: BookEntry.BookEntry) => BookEntry.cameUp(before, undefined)
    assert.isUndefined(ConnectionLife.up(ctx, parts, peer, end, { role: "lower", rttMs: undefined, book }))
    assert.deepStrictEqual([end.up, peer.book.ups, node.emitted(), ctx.slots.upCount], [undefined, 0, [], 1])
  })

  it("is a fault of this node's without a socket or a Hello", () => {
    const { ctx, parts, socket } = hand.make()
    const { end, peer } = socket("10.0.0.1")
    const up = () => ConnectionLife.up(ctx, parts, peer, end, { role: "lower", rttMs: undefined, book: (book) => book })
    assert.throws(up, "never greeted")
    end.greeting = {} as never
    end.connection = undefined
    assert.throws(up, "never greeted")
  })

  it("says that it flaps when the same process comes back after a loss that neither end decided", () => {
    const node = hand.make()
    const { pass, up } = node
    const flaps = (reason: DisconnectReason.DisconnectReason, again = {}) => {
      const made = up("10.0.0.1")
      down(node, made, reason)
      made.peer.pair = { ...made.peer.pair, ends: [] }
      pass(1_000)
      node.emitted()
      const next = up("10.0.0.1", again)
      const [event] = node.of("Up")
      down(node, next)
      return event?.isFlap
    }
    assert.isTrue(flaps(DisconnectReason.local("silent")))
    assert.isUndefined(flaps(DisconnectReason.remote("shutdown")))
    assert.isUndefined(flaps(eof, { process: "ff".repeat(8) }))
  })

  it("is good in the book at once if we dialled it; a peer that dialled us is only known, at its own port", () => {
    const { ctx, up } = hand.make()
    const book = (at: string) => {
      const known = ctx.book.get(ip(at))
      return [ctx.book.tableOf(ip(at)), known?.port, known?.direction]
    }
    up("10.0.0.1", { direction: "outbound", listens: 4_001 })
    assert.deepStrictEqual(book("10.0.0.1"), ["tried", 4_001, "outbound"])
    ctx.book.add({ ip: ip("10.0.0.2"), port: 9_999 }, ip("10.0.0.9"), ctx.nowMs())
    up("10.0.0.2", { listens: 4_002 })
    assert.deepStrictEqual(book("10.0.0.2"), ["new", 4_002, undefined])
    ctx.book.good(ip("10.0.0.3"), { port: 1, wire: "native", direction: "outbound" }, ctx.nowMs())
    up("10.0.0.3", { listens: 4_003 })
    assert.deepStrictEqual(book("10.0.0.3"), ["tried", 4_003, "inbound"])
    up("10.0.0.4", { listens: 0, direction: "outbound" })
    assert.deepStrictEqual(book("10.0.0.4"), [undefined, undefined, undefined], "it does not listen")
  })
})

describe("a connection that goes down", () => {
  it("is reported once with how long it was up and its traffic, and its reason kept", () => {
    const node = hand.make()
    const { connectionOf, ctx, pass, up } = node
    const made = up("10.0.0.1")
    up("10.0.0.2")
    Object.assign(connectionOf(made.end), {
      bytesSent: 1,
      bytesReceived: 2,
      messagesSent: 3,
      messagesReceived: 4
    })
    pass(6_000.4)
    node.emitted()
    const reason = DisconnectReason.local("silent", "no byte")
    assert.strictEqual(down(node, made, reason), made.up)
    assert.deepStrictEqual(node.emitted(), [{
      _tag: "Down",
      ip: made.peer.ip,
      connection: made.end.id,
      direction: "inbound",
      socket: "10.0.0.1:5000",
      reason,
      upMs: 6_000,
      traffic: { bytes: { sent: 1, received: 2 }, messages: { sent: 3, received: 4 } }
    }])
    assert.deepStrictEqual([made.end.up, made.end.downReason, ctx.slots.upCount], [undefined, reason, 1])
    assert.deepStrictEqual(made.peer.book.lastDown, { at: 6_000.4, reason, upMs: 6_000.4 })
    assert.strictEqual(made.peer.book.lastGoodAt, 6_000.4)
    assert.isUndefined(down(node, made))
    assert.deepStrictEqual([node.emitted(), ctx.slots.upCount], [[], 1], "only once")
  })

  it("as the last one shortens the waits of this node's other dials", () => {
    const node = hand.make()
    const { ctx, pass, row, up } = node
    const [one, two] = [up("10.0.0.1"), up("10.0.0.2")]
    const far = row("10.0.0.3", "configured")
    far.backoff = { failures: 50 }
    far.timers = new Map([["redial:0", ctx.timers.arm(290_000, () => {})]])
    pass(1_000)
    down(node, one)
    assert.strictEqual(far.timers?.get("redial:0")?.dueMs, 290_000)
    down(node, two)
    assert.strictEqual(far.timers?.get("redial:0")?.dueMs, 1_000 + Limits.redialAloneMs / 2)
  })
})

describe("a socket that never came up", () => {
  it("tells how far it got", () => {
    const { ctx, parts, pass, row, socket } = hand.make()
    pass(40)
    const { end } = socket("10.0.0.1")
    assert.deepStrictEqual(ConnectionLife.attemptOf(ctx, end, eof), {
      at: 40,
      reason: eof,
      direction: "inbound",
      reached: "socket"
    })
    end.greeting = {} as never
    assert.strictEqual(ConnectionLife.attemptOf(ctx, end, eof).reached, "hello")
    const waiting = parts.dialler.dial(row("10.0.0.2"), 5)
    assert.deepStrictEqual([
      ConnectionLife.attemptOf(ctx, waiting, eof).reached,
      ConnectionLife.attemptOf(ctx, waiting, eof).direction
    ], ["dial", "outbound"])
  })

  it("is reported and kept as the last attempt, unless it was the dial-back that this node asked for", () => {
    const node = hand.make()
    const { ctx, socket, up } = node
    const asked = up("10.0.0.1").up
    const { end, peer } = socket("10.0.0.1")
    node.emitted()
    ctx.dialBacks.ask(asked, "10.0.0.1", ctx.timers.now())
    for (
      const [reason, change] of [
        [DisconnectReason.local("eof"), {}],
        [DisconnectReason.remote("reset"), {}],
        [eof, { greeting: {} as never }],
        [eof, { direction: "outbound" }]
      ] as const
    ) {
      const other = Object.assign(Object.create(end), change)
      ConnectionLife.refused(ctx, peer, other, reason)
      assert.deepStrictEqual(node.of("Refused").map((event) => event.reason), [reason])
    }
    peer.note({ lastAttempt: undefined })
    ConnectionLife.refused(ctx, peer, end, eof)
    assert.deepStrictEqual([node.emitted(), peer.book.lastAttempt], [[], undefined], "the dial-back itself")
    ConnectionLife.refused(ctx, peer, end, eof)
    assert.deepStrictEqual(node.emitted(), [{
      _tag: "Refused",
      ip: peer.ip,
      direction: "inbound",
      socket: "10.0.0.1:5000",
      reason: eof
    }])
    assert.strictEqual(peer.book.lastAttempt?.reason, eof)
  })

  it("is closed with its last word, or taken out of the dials that wait", () => {
    const { connectionOf, ctx, parts, row, socket, withdrawn } = hand.make()
    const { end } = socket("10.0.0.1")
    const [frame] = ctx.wire.encode({ _tag: "Reject", reason: "full", text: "no", retryAfterMs: 1 })
    ConnectionLife.close(ctx, parts, end, frame)
    assert.deepStrictEqual(connectionOf(end).closed?.map(({ _tag }) => _tag), ["Reject"])
    assert.deepStrictEqual(
      ctx.table.messages.counts.map(({ messages, type, way }) => [type, way, messages]),
      [["Reject", "sent", 1]]
    )
    const waiting = parts.dialler.dial(row("10.0.0.2"), 5)
    ConnectionLife.close(ctx, parts, waiting, undefined)
    assert.deepStrictEqual(withdrawn, [waiting])
  })
})

describe("waits before dials", () => {
  const waiting = ({ ctx, row }: hand.Hand, at: string, change: Parameters<typeof row>[2] = {}, ms = 100_000) => {
    const peer = row(at, "gossip", change)
    peer.backoff = { failures: 7 }
    peer.timers = new Map([["redial:0", ctx.timers.arm(ms, () => {})]])
    return () => [peer.timers?.get("redial:0")?.dueMs, peer.backoff.failures] as const
  }

  it("are void for those that were lost with a peer that comes up after failures, one after the other; no other is", () => {
    const node = hand.make()
    const { ctx, draw, pass, row, up } = node
    up("10.0.0.1")
    up("10.0.0.11")
    pass(200_000)
    const together = waiting(node, "10.0.0.2", { lastGoodAt: 100_000 })
    const also = waiting(node, "10.0.0.3", { lastGoodAt: 100_000 + Limits.lostTogetherMs })
    const apart = waiting(node, "10.0.0.4", { lastGoodAt: 100_000 + Limits.lostTogetherMs + 1 })
    const never = waiting(node, "10.0.0.5")
    const soon = waiting(node, "10.0.0.6", { lastGoodAt: 100_000 }, 10)
    const asked = waiting(node, "10.0.0.7", {
      lastGoodAt: 100_000,
      lastDown: { at: 100_000, upMs: 9_000, reason: DisconnectReason.rejected("full", "remote") }
    })
    const idle = row("10.0.0.8", "gossip", { lastGoodAt: 100_000 })
    draw(0.5)
    const back = row("10.0.0.9", "gossip", { lastGoodAt: 100_000 })
    Redials.onUp(ctx, back)
    assert.strictEqual(together()[0], 300_000, "its dials had not failed")
    back.backoff = { failures: 1 }
    Redials.onUp(ctx, back)
    const step = 1_000 / Limits.redialsPerSecond
    assert.deepStrictEqual(together(), [200_000 + 0.5 * step, 0])
    assert.deepStrictEqual(also(), [200_000 + 1.5 * step, 0])
    for (const other of [apart, never, asked]) assert.deepStrictEqual(other(), [300_000, 7])
    assert.deepStrictEqual(soon(), [200_010, 7], "it is dialled sooner as it is")
    assert.isUndefined(idle.timers)
  })

  it("of all that were ever well connected or configured are void when the first peer comes up", () => {
    const node = hand.make()
    const { up } = node
    const known = waiting(node, "10.0.0.2", { lastGoodAt: -9_000_000 })
    const never = waiting(node, "10.0.0.3")
    const named = waiting(node, "10.0.0.4", { source: "configured" })
    up("10.0.0.9")
    assert.deepStrictEqual(known(), [31.25, 0])
    assert.deepStrictEqual(named(), [93.75, 0])
    assert.deepStrictEqual(never(), [100_000, 7])
  })

  it("of a node that is alone are cut to what it may wait, those that the peer asked for are not", () => {
    const node = hand.make()
    const { ctx } = node
    const many = { failures: Limits.redialNewTries + 1 }
    const all = ([["10.0.0.1", { lastGoodAt: -9_000_000 }], ["10.0.0.2", {}], ["10.0.0.3", {
      lastGoodAt: -9_000_000,
      lastDown: { at: 0, upMs: 1, reason: DisconnectReason.rejected("full", "remote") }
    }]] as const).map(([at, change]) => waiting(node, at, change))
    for (const peer of ctx.table.peers()) peer.backoff = many
    Redials.onAlone(ctx)
    assert.deepStrictEqual(all.map((one) => one()[0]), [Limits.redialAloneMs / 2, 100_000, 100_000])
    const short = waiting(node, "10.0.0.4", { lastGoodAt: -9_000_000 }, Limits.redialAloneMs)
    const [, , , peer] = [...ctx.table.peers()]
    if (peer !== undefined) peer.backoff = many
    Redials.onAlone(ctx)
    assert.strictEqual(short()[0], Limits.redialAloneMs)
  })

  it("end when what kept the peer away is over; a peer without a wait gets none", () => {
    const node = hand.make()
    const one = waiting(node, "10.0.0.1")
    const [peer] = [...node.ctx.table.peers()]
    if (peer === undefined) return assert.fail("no row")
    Redials.soon(node.ctx, peer)
    assert.deepStrictEqual(one(), [31.25, 0])
    const idle = node.row("10.0.0.2")
    idle.backoff = { failures: 3 }
    Redials.soon(node.ctx, idle)
    assert.deepStrictEqual([idle.timers, idle.backoff.failures], [undefined, 3])
  })

  it("after a peer's own dial its failures count as one at most", () => {
    const { row } = hand.make()
    const peer = row("10.0.0.1")
    for (const [before, after] of [[0, 0], [1, 1], [2, 1], [9, 1]] as const) {
      peer.backoff = { failures: before }
      Redials.onHello(peer)
      assert.strictEqual(peer.backoff.failures, after)
    }
  })
})
