/** What the node answers about its peers and itself: rows in order, reasons with their facts, its own address, traces. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Scope } from "effect"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as BookEntry from "../../../src/domain/peer/BookEntry.ts"
import type { PinReport } from "../../../src/domain/peer/Pins.ts"
import * as Reach from "../../../src/domain/peer/Reach.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as Offence from "../../../src/domain/protection/Offence.ts"
import * as PeerStateLive from "../../../src/layers/peer/PeerStateLive.ts"
import { PeerTable } from "../../../src/layers/peer/PeerTable.ts"
import * as Protection from "../../../src/layers/peer/Protection.ts"
import { NodeConfig } from "../../../src/services/NodeConfig.ts"
import { PeerSocket } from "../../../src/services/PeerSocket.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand

const make = (options: hand.Options = {}) => {
  const node = hand.make(options)
  const { ctx } = node
  const context = Effect.runSync(
    Layer.build(
      PeerStateLive.layer().pipe(Layer.provide([
        Layer.succeed(PeerTable, ctx.table),
        Layer.succeed(NodeConfig, ctx.setup),
        Layer.succeed(PeerSocket, ctx.sockets)
      ]))
    ).pipe(Effect.provideService(Scope.Scope, Scope.makeUnsafe()))
  )
  const state = Context.get(context, PeerState)
  const why = (at: string, clockBehindS?: number) => Effect.runSync(state.why(ip(at), clockBehindS))
  return {
    ...node,
    state,
    why,
    situation: (at: string) => why(at).situation,
    run: <A>(effect: Effect.Effect<A>): A => Effect.runSync(effect)
  }
}

const ended = (reason: DisconnectReason.DisconnectReason) =>
  ({ at: 0, reason, direction: "outbound", reached: "hello" }) as const
const three = ["11.1.0.1", "12.1.0.1", "13.1.0.1"]

describe("peers", () => {
  it("are listed by number of their address, connected ones apart, each by itself too", () => {
    const node = make()
    for (const at of ["10.0.0.30", "9.0.0.1", "10.0.0.4"]) node.row(at)
    node.up("10.0.0.200")
    node.up("10.0.0.5")
    const ips = (rows: ReadonlyArray<{ readonly ip: string }>) => rows.map((row) => row.ip)
    assert.deepStrictEqual(ips(node.run(node.state.peers)), [
      "9.0.0.1",
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.30",
      "10.0.0.200"
    ])
    assert.deepStrictEqual(ips(node.run(node.state.connected)), ["10.0.0.5", "10.0.0.200"])
    assert.deepStrictEqual(ips(node.run(node.state.explained())), ips(node.run(node.state.peers)))
    assert.strictEqual(Option.getOrThrow(node.run(node.state.peer(ip("10.0.0.5")))).connection?.direction, "inbound")
    assert.isTrue(Option.isNone(node.run(node.state.peer(ip("10.0.0.99")))))
  })

  it("are explained each with how far its next block is ahead of our clock, if anyone asks", () => {
    const node = make()
    node.up("10.0.0.1")
    node.up("10.0.0.2")
    const rows = node.run(node.state.explained((of) => of === ip("10.0.0.2") ? 60 : undefined))
    assert.deepStrictEqual(rows.map(({ situation, state }) => [situation, state]), [["connected", "connected"], [
      "clock",
      "connected"
    ]])
    assert.deepStrictEqual(node.run(node.state.explained()).map(({ situation }) => situation), [
      "connected",
      "connected"
    ])
    assert.strictEqual(node.why("10.0.0.2", 60).situation, "clock")
  })
})

describe("an address", () => {
  it("is this node's own, known how", () => {
    const node = make({ own: "10.0.0.100", advertise: "203.0.114.1" })
    node.row("10.0.0.50").note({ isSelf: true })
    const causes = ["10.0.0.100", "203.0.114.1", "10.0.0.50"].map((at) => node.why(at))
    assert.deepStrictEqual(causes.map(({ situation }) => situation), ["own-address", "own-address", "own-address"])
    assert.strictEqual(new Set(causes.map(({ cause }) => cause)).size, 3, "each with its own words")
    node.row("10.0.0.51")
    assert.notStrictEqual(node.situation("10.0.0.51"), "own-address")
  })

  it("at which most netgroups see this node is its own too; one that few see is not", () => {
    const node = make({ own: "any", interfaces: [] })
    for (const at of three) node.up(at, { self: "203.0.114.1" })
    assert.strictEqual(node.situation("203.0.114.1"), "own-address")
    node.up("14.1.0.1", { self: "203.0.114.9" })
    assert.strictEqual(node.situation("203.0.114.9"), "unknown")
    assert.strictEqual(node.situation("203.0.114.1"), "own-address")
  })

  it("can be no peer's, is unknown, is in the book, has moved, or is isolated", () => {
    const node = make()
    node.ctx.book.add({ ip: ip("10.0.0.7"), port: 4_000 }, "operator", node.ctx.nowMs())
    node.ctx.table.moved.set(ip("10.0.0.8"), ip("10.0.0.9"))
    node.row("10.0.0.6")
    node.ctx.table.isolated.add(ip("10.0.0.6"))
    assert.deepStrictEqual(["224.0.0.1", "10.0.0.99", "10.0.0.7", "10.0.0.8", "10.0.0.6"].map(node.situation), [
      "impossible",
      "unknown",
      "in-book",
      "moved",
      "isolated"
    ])
    assert.include(node.why("10.0.0.8").text, "10.0.0.9")
  })

  it("is banned: by whom, why, for how long, and by which subnet", () => {
    const node = make()
    node.pass(5_000)
    const subnet = Subnet.ofOne(ip("10.0.0.3"))
    node.ctx.protection.bans.put({ subnet, since: 0, until: 65_000, by: "operator", reason: "noisy" })
    const { situation, text } = node.why("10.0.0.3")
    assert.strictEqual(situation, "banned-here")
    assert.include(text, "noisy")
    assert.include(text, "60 s")
    assert.strictEqual(node.situation("10.0.0.4"), "unknown")
    node.pass(60_000)
    assert.strictEqual(node.situation("10.0.0.3"), "unknown", "the ban is over")
  })

  it("has another key than the one that is pinned", () => {
    const pin = { state: "other-key", pinned: "aa", shown: "bb", since: 0, lastAt: 0 } as unknown as PinReport
    const node = make({ keyReport: (of) => of === ip("10.0.0.3") ? pin : undefined })
    assert.deepStrictEqual(["10.0.0.3", "10.0.0.4"].map(node.situation), ["other-key", "unknown"])
  })

  it("gets no place while all are taken, counted by the connections that are up", () => {
    const node = make({ tuning: { maxPeers: 2 } })
    node.row("10.0.0.9")
    node.up("10.0.0.1")
    assert.notStrictEqual(node.situation("10.0.0.9"), "full-here")
    node.up("10.0.0.2", { direction: "outbound" })
    assert.strictEqual(node.situation("10.0.0.9"), "full-here")
    assert.include(node.why("10.0.0.9").text, "2")
  })

  it("without a route is the network's fault while no peer is up, and else the address's", () => {
    const node = make()
    const peer = node.row("10.0.0.9")
    peer.note({ lastAttempt: { ...ended(DisconnectReason.local("dial-failed", "ENETUNREACH")), reached: "dial" } })
    assert.strictEqual(node.situation("10.0.0.9"), "network-down")
    node.up("10.0.0.1")
    assert.strictEqual(node.situation("10.0.0.9"), "no-route")
  })

  it("of a family that the host lacks is missing no peer", () => {
    const node = make({ own: "any", interfaces: ["10.0.0.100"] })
    node.row("2001:db9::1")
    node.row("10.0.0.9")
    assert.deepStrictEqual(["2001:db9::1", "10.0.0.9"].map(node.situation), ["no-family", "waiting-for-it"])
  })

  it("has offences, each with its age and how often", () => {
    const node = make()
    node.pass(1_000)
    Protection.report(node.ctx, ip("10.0.0.3"), Offence.make("malformed", "a"))
    Protection.report(node.ctx, ip("10.0.0.3"), Offence.make("malformed", "a"))
    node.pass(3_000)
    Protection.report(node.ctx, ip("10.0.0.3"), Offence.make("protocol", "b"))
    node.pass(2_000)
    assert.deepStrictEqual(node.why("10.0.0.3").offences, [
      { kind: "malformed", detail: "a", times: 2, agoMs: 5_000 },
      { kind: "protocol", detail: "b", times: 1, agoMs: 2_000 }
    ])
    assert.deepStrictEqual(node.why("10.0.0.4").offences ?? [], [])
  })
})

describe("this node's own address", () => {
  it("is reported with the port at which peers reach it", () => {
    const node = make({ advertisePort: 4_711 })
    const { ip: at, line, port } = node.run(node.state.own)
    assert.deepStrictEqual([at, port], [ip("10.0.0.100"), 4_711])
    assert.isNotEmpty(line)
  })

  it("is used by another process if a peer that is not up refused this node as one, and by a remote's word only", () => {
    const notices = (prepare: (node: hand.Hand) => void) => {
      const node = make()
      prepare(node)
      return node.run(node.state.own).notices.map(({ notice }) => notice)
    }
    const refuse = (by: "local" | "remote", reject: DisconnectReason.RejectReason) => (node: hand.Hand) =>
      node.row("10.0.0.9").note({ lastAttempt: ended(DisconnectReason.rejected(reject, by, "x")) })
    const second = notices(refuse("remote", "in-use"))
    const without = notices(() => {})
    assert.deepStrictEqual(second.filter((notice) => !without.includes(notice)), ["second-node"])
    assert.deepStrictEqual(notices(refuse("local", "in-use")), without)
    assert.deepStrictEqual(notices(refuse("remote", "full")), without)
    const up = notices((node) => {
      node.up("10.0.0.9").peer.note({ lastAttempt: ended(DisconnectReason.rejected("in-use", "remote", "x")) })
    })
    assert.notInclude(up, "second-node", "its word is of before")
  })

  it("that cannot be reached is told to those who ask about it, with the commonest failure and the cure", () => {
    const node = make({ own: "any", interfaces: [], advertise: "203.0.114.1" })
    for (const at of three) node.up(at, { self: "203.0.114.1" })
    const before = node.why("203.0.114.1")
    const ofOwn = "a peer is its IP: to connect to another node, name that node's address"
    assert.strictEqual(before.fix, ofOwn)
    for (const at of three) {
      node.ctx.table.own.reach = Reach.answered(node.ctx.table.own.reach, at, { result: "refused", at: 0 })
    }
    const report = node.run(node.state.own)
    assert.strictEqual(report.reachable, "no")
    const notice = report.notices.findLast(({ fix }) => fix !== undefined)
    assert.isDefined(notice)
    assert.include(notice?.cause, "the dial is refused")
    const { cause, fix } = node.why("203.0.114.1")
    assert.deepStrictEqual([cause, fix], [`${before.cause}; ${notice?.cause}`, `${ofOwn}; ${notice?.fix}`])
    node.row("10.0.0.50").note({ isSelf: true })
    assert.strictEqual(node.why("10.0.0.50").fix, ofOwn, "that is another own address")
  })
})

describe("what the node keeps", () => {
  it("is counted: addresses of the book by table, traced pairs and their bytes, messages and queues", () => {
    const node = make()
    node.ctx.book.add({ ip: ip("10.0.0.7"), port: 4_000 }, "operator", node.ctx.nowMs())
    assert.deepStrictEqual(node.run(node.state.sizes), { book: { new: 1, tried: 0 }, tracedPairs: 0, traceBytes: 0 })
    node.ctx.table.messages.native.sent.add("Ping", 13)
    assert.deepStrictEqual(node.run(node.state.messages).map(({ bytes, type }) => [type, bytes]), [["Ping", 13]])
    assert.deepStrictEqual(node.run(node.state.queues), { unidentified: 0, dialling: 0, dials: 0, application: 0 })
  })

  it("of the book is given in pages", () => {
    const node = make()
    const all = Array.from({ length: 5 }, (_, i) => `10.${i}.0.7`)
    for (const at of all) node.ctx.book.add({ ip: ip(at), port: 4_000 }, "operator", node.ctx.nowMs())
    const page = (skip: number, count: number) =>
      node.run(node.state.book(skip, count)).map(({ known }) => `${known.ip}`)
    assert.deepStrictEqual([page(0, 2), page(2, 2), page(4, 2), page(5, 2)], [
      all.slice(0, 2),
      all.slice(2, 4),
      all.slice(4),
      []
    ])
  })

  it("of a pair is its trace, in wall time", () => {
    const node = make({ isDriven: true })
    assert.isTrue(Option.isNone(node.run(node.state.trace(ip("10.0.0.1")))))
    node.pass(1_000)
    const peer = node.row("10.0.0.1", "configured", BookEntry.make(hand.port, "configured"))
    node.ctx.pairs.post({ peer, event: { _tag: "Learned", rank: "lower" } })
    node.pass(2_000)
    const trace = Option.getOrThrow(node.run(node.state.trace(ip("10.0.0.1"))))
    assert.deepStrictEqual([trace.ip, trace.network, trace.software, trace.earlier], [peer.ip, "devnet", "test", 0])
    assert.strictEqual(trace.at, hand.wallOffset + 3_000)
    const [first] = trace.steps
    assert.deepStrictEqual([first?.at, first?.event._tag], [hand.wallOffset + 1_000, "Learned"])
    assert.deepStrictEqual(Object.keys(first ?? {}).toSorted(), [
      "actions",
      "after",
      "at",
      "before",
      "decisions",
      "draw",
      "event"
    ])
  })
})
