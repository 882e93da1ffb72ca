/** The rows of the peer table, and what each shows of its peer. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Scope, Stream } from "effect"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PairState from "../../../src/domain/pair/PairState.ts"
import * as TimePairState from "../../../src/domain/pair/TimePairState.ts"
import * as Liveness from "../../../src/domain/peer/Liveness.ts"
import type { PinReport } from "../../../src/domain/peer/Pins.ts"
import * as PairTimers from "../../../src/layers/peer/PairTimers.ts"
import { type Peer, timeTimerKey } from "../../../src/layers/peer/Peer.ts"
import * as PeerTable from "../../../src/layers/peer/PeerTable.ts"
import { Timers } from "../../../src/layers/time/Timers.ts"
import { NodeConfig } from "../../../src/services/NodeConfig.ts"
import { PeerSocket } from "../../../src/services/PeerSocket.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand

const pair = (peer: Peer, change: Partial<PairState.PairState>): void => {
  peer.pair = { ...peer.pair, ...change }
}

describe("the peer table", () => {
  it("has one row for each address, in order of first mention, and no more than its bound", () => {
    const node = hand.make()
    const { ctx: { table }, row } = node
    const [a, b] = [row("10.0.0.2"), row("10.0.0.1")]
    assert.deepStrictEqual([...table.peers()], [a, b])
    assert.strictEqual(table.get(ip("10.0.0.1")), b)
    hand.fillTable(node, "gossip", 3)
    assert.isDefined(table.add(ip("10.0.0.3"), 1, "gossip"))
    assert.isUndefined(table.add(ip("10.0.0.4"), 1, "gossip"))
    assert.isUndefined(table.get(ip("10.0.0.4")))
    table.remove(a)
    assert.isUndefined(table.get(a.ip))
    assert.isDefined(table.add(ip("10.0.0.4"), 1, "gossip"))
    assert.strictEqual([...table.peers()].length, Limits.knownPeers)
  })

  it("knows nothing of a book and of queues before they are there", () => {
    const { ctx } = hand.make()
    const table = Context.get(
      Effect.runSync(
        Layer.build(
          PeerTable.layer().pipe(Layer.provide([
            Layer.succeed(Timers, ctx.timers),
            Layer.succeed(NodeConfig, ctx.setup),
            Layer.succeed(PeerSocket, ctx.sockets)
          ]))
        ).pipe(Effect.provideService(Scope.Scope, Scope.makeUnsafe()))
      ),
      PeerTable.PeerTable
    )
    assert.isUndefined(table.manager)
  })

  it("shows the book's addresses and sizes, and at which port peers reach the node", () => {
    const { ctx } = hand.make()
    const at = { ip: ip("10.0.0.1"), port: 24_200 }
    ctx.book.add(at, ip("10.0.0.9"), ctx.nowMs())
    ctx.book.good(ip("10.0.0.2"), { port: 1, wire: "native", direction: "outbound" }, ctx.nowMs())
    const shown = ctx.table.manager?.book
    assert.deepStrictEqual([shown?.sizeOf("new"), shown?.sizeOf("tried")], [1, 1])
    assert.deepStrictEqual([...shown?.entries() ?? []].map(({ known }) => known.ip), [at.ip, ip("10.0.0.2")])
    assert.deepStrictEqual([ctx.table.manager?.reachedAt, ctx.listenPort], [hand.port, hand.port])
    const forwarded = hand.make({ advertisePort: 4_711 }).ctx
    assert.deepStrictEqual([forwarded.table.manager?.reachedAt, forwarded.listenPort], [4_711, 4_711])
  })

  it.effect("publishes changes while it has readers, and makes no record otherwise", () =>
    Effect.gen(function*() {
      const { ctx: { table }, row } = hand.make()
      const peer = row("10.0.0.1")
      let records = 0
      const record = peer.record.bind(peer)
      peer.record = (context) => {
        records += 1
        return record(context)
      }
      table.changed(peer)
      assert.strictEqual(records, 0)
      const reader = yield* Effect.forkChild(Stream.runCollect(Stream.take(table.changes, 2)), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      table.changed(peer)
      table.changed(row("10.0.0.2"))
      const seen = yield* Fiber.join(reader)
      assert.deepStrictEqual(seen.map((one) => one.ip), ["10.0.0.1", "10.0.0.2"])
      table.changed(peer)
      assert.strictEqual(records, 1, "no reader is left")
    }))
})

describe("a row", () => {
  it("of an address that is only known", () => {
    const { ctx, row } = hand.make()
    const { connection, last, lastAttempt, lastDown, ...rest } = ctx.table.record(row("10.0.0.1", "gossip"))
    assert.deepStrictEqual([connection, last, lastAttempt, lastDown], [undefined, undefined, undefined, undefined])
    assert.deepStrictEqual(rest, {
      ip: ip("10.0.0.1"),
      port: hand.port,
      source: "gossip",
      attempts: 0,
      expected: "them",
      nextAttemptAt: undefined,
      shortUps: 0,
      restarts: 0,
      flaps: 0,
      inUseRefusals: 0,
      mayDial: false,
      speaks: "native",
      pin: undefined,
      isStopped: false,
      dialPort: hand.port,
      failures: 0,
      software: undefined,
      tip: undefined,
      capabilities: 0,
      aliasOf: undefined,
      ups: 0,
      lastGoodAt: undefined
    })
  })

  it("of a peer with several ends shows the one that is up, whichever came first", () => {
    const { ctx, socket, up } = hand.make()
    const first = socket("10.0.0.1")
    assert.deepStrictEqual([first.peer.up, first.peer.end(first.end.id), first.peer.end(99)], [
      undefined,
      first.end,
      undefined
    ])
    const second = up("10.0.0.1")
    const third = socket("10.0.0.1")
    assert.deepStrictEqual([second.peer.up, second.peer.end(second.end.id)], [second.up, second.end])
    const { attempts, connection } = ctx.table.record(second.peer)
    assert.deepStrictEqual([attempts, connection?.id], [2, second.end.id])
    assert.deepStrictEqual([first, second, third].map(({ end }) => second.peer.has(end)), [true, true, true])
  })

  it("of a connection: its socket, its age, its traffic, its round trip and its pings, each as it is now", () => {
    const { connectionOf, ctx, pass, up } = hand.make()
    pass(1_000)
    const { end, peer, up: live } = up("10.0.0.1", { direction: "outbound", role: "lower", rttMs: 12 })
    const connection = connectionOf(end)
    pass(5_000.4)
    live.liveness = Liveness.heard(live.liveness, ctx.timers.now(), 1, false)
    assert.isUndefined(ctx.table.record(peer).connection?.pingUnansweredMs)
    pass(1_000)
    live.liveness = Liveness.pingSent(live.liveness, 1n, ctx.timers.now())
    pass(1_000)
    Object.assign(connection, { bytesSent: 1, bytesReceived: 2, messagesSent: 3, messagesReceived: 4, queuedBytes: 5 })
    Object.assign(end, { pingsSent: 6, pingsReceived: 7, pongsSent: 8, pongsReceived: 9 })
    const { attempts, connection: shown } = ctx.table.record(peer)
    assert.strictEqual(attempts, 0)
    assert.deepStrictEqual(shown, {
      id: end.id,
      direction: "outbound",
      role: "lower",
      wire: "native",
      transport: "plain",
      socket: "10.0.0.1:5000",
      ephemeralPort: 5_000,
      since: hand.wallOffset + 1_000,
      upMs: 7_000,
      lastByteMs: 2_000,
      pingUnansweredMs: 1_000,
      rtt: { lastMs: 12, leastMs: 12, smoothedMs: 12 } as never,
      bytes: { sent: 1, received: 2 },
      messages: { sent: 3, received: 4 },
      pings: { sent: 6, received: 7 },
      pongs: { sent: 8, received: 9 },
      queuedBytes: 5
    })
  })

  it("of a peer that dialled us shows the port where it listens, not the port of its socket", () => {
    const { ctx, up } = hand.make()
    const { port, dialPort, connection } = ctx.table.record(up("10.0.0.1", { listens: 4_001 }).peer)
    assert.deepStrictEqual([port, dialPort, connection?.ephemeralPort], [4_001, 4_001, 5_000])
    const deaf = ctx.table.record(up("10.0.0.2", { listens: 0 }).peer)
    assert.deepStrictEqual([deaf.port, deaf.dialPort], [0, hand.port])
  })

  it("counts the ends that are not up, waiting dials included", () => {
    const { ctx, parts, socket, up } = hand.make()
    const { peer } = up("10.0.0.1")
    socket("10.0.0.1")
    parts.dialler.dial(peer, 77)
    assert.strictEqual(ctx.table.record(peer).attempts, 2)
    assert.isTrue(peer.inUse)
    assert.strictEqual(peer.up?.end, peer.ends[0])
    const other = parts.dialler.dial(ctx.table.add(ip("10.0.0.2"), 1, "gossip") as Peer, 78)
    assert.isFalse((other.peer as Peer).inUse, "it only waits for its turn")
  })

  it("says who is expected to dial", () => {
    const { ctx, row } = hand.make()
    const peer = row("10.0.0.1")
    const expected = (change: Partial<PairState.PairState>, book: Parameters<Peer["note"]>[0] = {}) => {
      peer.pair = { ...PairState.empty, ...change }
      peer.note({ isSelf: false, onlyWeDial: false, lastDown: undefined, lastAttempt: undefined, ...book })
      return ctx.table.record(peer).expected
    }
    assert.strictEqual(expected({ dialable: true }), "either")
    assert.strictEqual(expected({ dialable: true, rank: "lower" }), "us")
    assert.strictEqual(expected({ dialable: true, rank: "higher" }), "them")
    assert.strictEqual(expected({ dialable: true, rank: "higher" }, { onlyWeDial: true }), "us")
    assert.strictEqual(expected({ dialable: false, rank: "lower" }), "them")
    assert.strictEqual(expected({ dialable: true }, { isSelf: true }), "nobody")
    const ended = (kind: "operator" | "shutdown", by: "local" | "remote") => ({
      lastDown: { at: 1, upMs: 5, reason: { kind, by } }
    })
    assert.strictEqual(expected({ dialable: true, rank: "higher" }, ended("operator", "remote")), "us")
    assert.strictEqual(expected({ dialable: true, rank: "higher" }, ended("operator", "local")), "them")
    assert.strictEqual(expected({ dialable: true, rank: "higher" }, ended("shutdown", "remote")), "them")
    assert.strictEqual(expected({ dialable: false, rank: "lower" }, ended("operator", "remote")), "them")
  })

  it("of a peer that speaks TIME follows that network's rule: the higher dials", () => {
    const { ctx, row } = hand.make()
    const peer = row("10.0.0.1")
    pair(peer, { dialable: true, rank: "lower" })
    peer.speaks = "time"
    const shown = () => {
      const { expected, mayDial } = ctx.table.record(peer)
      return [expected, mayDial]
    }
    assert.deepStrictEqual(shown(), ["them", false], "nothing is known of it")
    peer.time = { ...TimePairState.empty("higher", false), dialable: true }
    assert.deepStrictEqual(shown(), ["us", true])
    peer.time = { ...TimePairState.empty("lower", false), dialable: true }
    assert.deepStrictEqual(shown(), ["them", true])
    peer.time = { ...TimePairState.empty("higher", false), dialable: false }
    assert.deepStrictEqual(shown(), ["them", false])
  })

  it("of a live connection over TIME shows its rank there, and the wire", () => {
    const { ctx, up } = hand.make()
    const { peer } = up("10.0.0.1", { wire: "time", role: "lower" })
    const { connection } = ctx.table.record(peer)
    assert.deepStrictEqual([connection?.wire, connection?.role], ["time", "lower"])
    peer.time = undefined
    assert.isUndefined(ctx.table.record(peer).connection)
  })

  it("gives times by the wall clock as it is now, and the next dial of whichever wire", () => {
    const { ctx, pass, row, setClock } = hand.make()
    const peer = row("10.0.0.1")
    PairTimers.arm(ctx, peer, { kind: "redial", end: 0 }, 3_000.2)
    PairTimers.arm(ctx, peer, { kind: "spacing", end: 0 }, 1_000)
    PairTimers.armAs(ctx, peer, timeTimerKey({ kind: "dial", end: 0 }), 9_000, "dial", () => {})
    const next = () => (ctx.table.record(peer).nextAttemptAt ?? 0) - hand.wallOffset
    assert.strictEqual(next(), 3_000)
    PairTimers.disarm(ctx, peer, { kind: "redial", end: 0 })
    assert.strictEqual(next(), 9_000)
    setClock(500)
    assert.strictEqual(next(), 9_500)
    pass(2_000)
    assert.strictEqual(next(), 9_500)
  })

  it("tells how the last connection ended, and the last attempt; which of them was last, and whether it was up", () => {
    const { ctx, row } = hand.make()
    const reason = DisconnectReason.remote("eof")
    const lastDown = { at: 100.6, reason, upMs: 49.7 }
    const attempt = {
      at: 200.4,
      reason: DisconnectReason.local("no-ack"),
      direction: "outbound",
      reached: "hello"
    } as const
    const peer = row("10.0.0.1", "gossip", { lastDown, lastGoodAt: 100.6 })
    const shown = () => {
      const { last, lastAttempt, lastDown, lastGoodAt } = ctx.table.record(peer)
      return { last, lastAttempt, lastDown, lastGoodAt }
    }
    const downAt = hand.wallOffset + 101
    assert.deepStrictEqual(shown(), {
      last: { at: downAt, reason, wasUp: true },
      lastAttempt: undefined,
      lastDown: { at: downAt, reason, upMs: 50 },
      lastGoodAt: downAt
    })
    peer.note({ lastAttempt: attempt })
    const { last, lastAttempt } = shown()
    assert.deepStrictEqual(last, {
      at: hand.wallOffset + 200,
      reason: DisconnectReason.local("no-ack"),
      wasUp: false
    })
    assert.deepStrictEqual(lastAttempt, { ...attempt, at: hand.wallOffset + 200 })
  })

  it("shows the pinned key: of the live connection that it passed, without TLS nothing, over TIME that none is pinned", () => {
    let report: PinReport | undefined = { state: "refused", key: "k" } as never
    const { connectionOf, ctx, row, up } = hand.make({ keyReport: () => report })
    assert.deepStrictEqual(ctx.table.record(row("10.0.0.9")).pin, report)
    const { end, peer } = up("10.0.0.1")
    assert.isUndefined(ctx.table.record(peer).pin)
    connectionOf(end).secured = { _tag: "Tls", version: "TLSv1.3", protocol: "timemesh/1", key: undefined }
    assert.deepStrictEqual(ctx.table.record(peer).pin, { state: "pinned", key: "k" } as never)
    assert.strictEqual(ctx.table.record(peer).connection?.transport, "TLSv1.3")
    report = undefined
    assert.isUndefined(ctx.table.record(peer).pin)
    report = { state: "refused", key: "k" } as never
    const time = up("10.0.0.2", { wire: "time" })
    time.connection.secured = { _tag: "Tls", version: "TLSv1.3", protocol: undefined, key: undefined }
    assert.deepStrictEqual(ctx.table.record(time.peer).pin, { state: "not-pinned" } as never)
  })
})
