/** The real machines of a peer that may speak either wire, with sockets in the test's hand: which one has an end, and what each step does. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import { networks } from "../../../../src/domain/Network.ts"
import { Capability } from "../../../../src/domain/pair/Handshake.ts"
import * as TimeHandshake from "../../../../src/domain/pair/TimeHandshake.ts"
import * as Subnet from "../../../../src/domain/peer/Subnet.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import { TimeFraming } from "../../../../src/domain/wire/time/TimeFraming.ts"
import type { Message, TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import * as Discovery from "../../../../src/layers/peer/Discovery.ts"
import * as NodeContext from "../../../../src/layers/peer/NodeContext.ts"
import type { PeerEnd } from "../../../../src/layers/peer/PeerEnd.ts"
import * as TimeOutgoing from "../../../../src/layers/peer/TimeOutgoing.ts"
import * as TimePairDriver from "../../../../src/layers/peer/TimePairDriver.ts"
import { TimeSession } from "../../../../src/layers/peer/TimeSession.ts"
import type { Secured } from "../../../../src/services/PeerSocket.ts"
import * as hand from "../../../harness/peerContext.ts"

const { ip } = hand
/** Below this node: it waits, and this node dials. Above: the other way round. */
const [low, high] = ["10.0.0.1", "10.0.0.200"]
const overTls = (protocol: string | undefined): Secured => ({
  _tag: "Tls",
  version: "TLSv1.3",
  protocol,
  key: undefined
})
const greeting = TimeHandshake.own("testnet") ?? assert.fail("testnet has that wire")
const ack: Message<"Ack"> = { _tag: "Ack", of: "Handshake" }
const eof = DisconnectReason.remote("eof")

const make = (options: hand.Options = {}) => {
  const node = hand.make({ network: networks.testnet, ...options, isDriven: true })
  const { ctx } = node
  const session = new TimeSession(ctx)
  ctx.timeFrames = session
  const peerOf = (at: string) => ctx.table.get(ip(at)) ?? assert.fail(`no row of ${at}`)
  const accept = (at: string) => {
    const made = node.socket(at)
    made.connection.secured = overTls(undefined)
    ctx.slots.accepted(made.end)
    ctx.slots.opened(made.end)
    TimePairDriver.accepted(ctx, made.peer, made.end)
    return made
  }
  const connect = (end: PeerEnd, protocol: string | undefined) => {
    const connection = new hand.HandConnection("10.0.0.100:6000", ip("10.0.0.100"))
    connection.secured = overTls(protocol)
    end.connection = connection as unknown as NonNullable<PeerEnd["connection"]>
    ctx.slots.opened(end)
    TimePairDriver.dialled(ctx, peerOf(end.ip), end)
    return { end, peer: peerOf(end.ip), connection }
  }
  const say = ({ end }: Pick<hand.Connected, "end">, ...messages: ReadonlyArray<TimeMessage>) => {
    const reader = TimeFraming.reader((bytes) => new Uint8Array(bytes))
    let frames = 0
    for (const message of messages) {
      reader.push((TimeEncoder.encode(message, undefined) ?? assert.fail(message._tag)).slice())
    }
    while (reader.read(TimeFraming.limits.up) === "message") {
      frames += 1
      session.onMessage(end, reader)
    }
    session.onBatch(end, reader, frames)
  }
  const closed = ({ end }: Pick<hand.Connected, "end">, reason = eof) => {
    ctx.slots.ended(end)
    NodeContext.postOf(ctx, end, { _tag: "Closed", end: end.id, reason })
  }
  /** Learns of a peer and dials it. */
  const dial = (at: string, source: "configured" | "gossip" = "configured"): PeerEnd => {
    Discovery.learn(ctx, { ip: ip(at), port: ctx.setup.network.port }, source)
    node.pass(5_000)
    return node.dials.at(-1) ?? assert.fail("no dial")
  }
  return {
    ...node,
    session,
    peerOf,
    accept,
    connect,
    say,
    closed,
    dial,
    places: () => [ctx.slots.placesTaken, ctx.slots.upCount, ctx.slots.unidentifiedCount] as const,
    /** The higher peer dials, and comes up. */
    in: (at = high) => {
      const made = accept(at)
      say(made, greeting)
      return { ...made, up: made.end.up ?? assert.fail("it is not up") }
    }
  }
}

describe("a socket of the TIME wire", () => {
  it("that a peer opens comes up with its Handshake: acknowledged, greeted, and told what lets it use the connection", () => {
    const node = make()
    const listened: Array<string> = []
    for (
      const [name, protocol] of [["chain", node.ctx.timeChain], ["masternodes", node.ctx.timeMasternodes]] as const
    ) {
      protocol.listen({
        onUp: () => listened.push(`${name} up`),
        onDown: () => listened.push(`${name} down`),
        onMessage: () => {},
        onProgress: () => {}
      }, [])
    }
    const made = node.accept(high)
    assert.deepStrictEqual([made.end.wire, made.connection.framing, node.places()], ["time", TimeFraming, [0, 0, 1]])
    node.say(made, greeting)
    assert.deepStrictEqual(made.connection.tags(), [
      "Ack",
      "Handshake",
      "Ping",
      "GenesisHashResponse",
      "GetChainTip",
      "ChainTipResponse",
      "GetPeers",
      "GetGenesisHash"
    ])
    assert.deepStrictEqual([node.places(), made.peer.speaks, listened], [[1, 1, 0], "time", [
      "chain up",
      "masternodes up"
    ]])
    const { book } = made.peer
    assert.deepStrictEqual([book.port, book.saidHello, book.capabilities, book.software, book.ups], [
      networks.testnet.port,
      true,
      Capability.chain,
      `timed/${greeting.commitCount}`,
      1
    ])
    const greeted = made.end.greeting
    assert.deepStrictEqual(
      [greeted?.process, greeted?.nonce, greeted?.listens, greeted?.namesUs, greeted?.tip.height],
      [
        "",
        0n,
        networks.testnet.port,
        ip("10.0.0.100"),
        0
      ]
    )
    node.closed(made)
    assert.deepStrictEqual([node.places(), made.peer.ends, listened.slice(2)], [[0, 0, 0], [], [
      "chain down",
      "masternodes down"
    ]])
    assert.isUndefined(made.peer.book.lastAttempt)
    node.closed(made)
    assert.deepStrictEqual(node.places(), [0, 0, 0])
  })

  it("that ends before that, or is silent, leaves neither place nor row", () => {
    const node = make()
    const made = node.accept(high)
    node.closed(made)
    assert.deepStrictEqual([node.places(), made.peer.forgotten], [[0, 0, 0], true])
    const silent = node.accept(high)
    node.pass(60_000)
    assert.deepStrictEqual([silent.connection.closed, node.places(), silent.peer.forgotten], [[], [0, 0, 0], true])
    assert.strictEqual(node.hand.timers.size(), 0)
  })

  it("that we opened does not count as listening where a stored port is 0", () => {
    const node = make()
    const end = node.dial(low)
    node.peerOf(low).note({ port: 0 })
    const made = node.connect(end, undefined)
    node.say(made, ack)
    assert.deepStrictEqual([made.end.up !== undefined, made.peer.book.port], [true, 0])
  })

  it("that was a feeler is none any more when it ends", () => {
    const node = make()
    const made = node.connect(node.dial(low), undefined)
    made.peer.isFeeler = true
    node.say(made, { _tag: "GetPeers" })
    assert.isTrue(made.peer.isFeeler)
    node.closed(made)
    assert.isFalse(made.peer.isFeeler)
  })

  it("keeps the port that our own dial reached; of an inbound peer it is the network's", () => {
    const node = make()
    const { peer } = node.socket(high)
    peer.note({ port: 4_711 })
    node.in()
    assert.strictEqual(peer.book.port, 4_711)
    const zero = make()
    zero.socket(high).peer.note({ port: 0 })
    assert.strictEqual(zero.in().peer.book.port, networks.testnet.port)
  })

  it("gets no place when all are taken, and is closed without a word, by the count at the Handshake and at Up", () => {
    const node = make({ tuning: { maxPeers: 1 } })
    node.up("10.0.0.2")
    const made = node.accept(high)
    node.emitted()
    node.say(made, greeting)
    assert.deepStrictEqual([made.end.up, made.connection.closed, node.places()], [undefined, [], [1, 1, 0]])
    assert.deepStrictEqual(node.of("Refused").map(({ reason }) => [reason.reject, reason.detail]), [[
      "full",
      "peer limit reached (1)"
    ]])
    const late = make({ tuning: { maxPeers: 2 } })
    const other = late.accept(high)
    late.ctx.slots.takePlace(other.peer.ip, false)
    late.up("10.0.0.2")
    late.up("10.0.0.3", { source: "configured" })
    late.say(other, greeting)
    assert.deepStrictEqual([other.end.up, other.connection.closed], [undefined, []])
    assert.isFalse(late.ctx.slots.hasPlace(ip(high)))
    assert.deepStrictEqual(late.of("Refused").map(({ reason }) => [reason.reject, reason.by, reason.detail]), [[
      "full",
      "local",
      "peer limit reached (2)"
    ]])
    const waits = (late.peerOf(high).timers?.get("time dial:0")?.dueMs ?? 0) - late.ctx.timers.now()
    assert.isAtMost(waits, Limits.retryFullMs)
  })

  it("is refused while the address is connected over the other wire, banned, or where the wire is not spoken", () => {
    const node = make()
    assert.isUndefined(TimePairDriver.refusal(node.ctx, ip(high)))
    node.up("10.0.0.2")
    assert.strictEqual(TimePairDriver.refusal(node.ctx, ip("10.0.0.2")), "this address is connected over timemesh/1")
    node.in()
    assert.isUndefined(TimePairDriver.refusal(node.ctx, ip(high)), "over the same wire it may be its next one")
    node.ctx.protection.bans.put({ subnet: Subnet.ofOne(ip(low)), since: 0, until: 9_000, by: "operator", reason: "" })
    assert.strictEqual(TimePairDriver.refusal(node.ctx, ip(low)), "this node has banned the address")
    assert.include(TimePairDriver.refusal(hand.make().ctx, ip(high)), "which devnet does not have")
  })
})

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
    TimePairDriver.dialFailed(node.ctx, node.peerOf(low), end, "TLS handshake failed: x")
    const peer = node.peerOf(low)
    assert.deepStrictEqual([peer.speaks, peer.pair.dialable, peer.time?.dialable], ["time", false, true])
    assert.isAbove(peer.time?.risks ?? 0, 0)
    for (
      const [detail, prepare] of [
        ["ECONNREFUSED", () => {}],
        ["TLS handshake failed", (one: hand.Hand) => one.ctx.table.get(ip(low))?.note({ saidHello: true })]
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

describe("a peer that asks nothing", () => {
  it("and does not use the connection loses it in the end, and one that asks for our tip does not", () => {
    const node = make()
    const made = node.connect(node.dial(low), undefined)
    node.say(made, ack)
    node.hear((event) => {
      if (event._tag === "PingSent") {
        node.say(made, { _tag: "Pong", nonce: event.nonce as never, timestamp: 0, height: 0 } as never)
      }
    })
    node.pass(3_600_000)
    assert.strictEqual(made.peer.book.lastDown?.reason.kind, "unused")
    const used = make()
    const other = used.connect(used.dial(low), undefined)
    used.say(other, ack)
    for (let i = 0; i < 120; i++) {
      used.pass(30_000)
      used.say(other, { _tag: "GetChainTip" })
    }
    assert.isDefined(other.end.up)
  })
})

describe("what is sent on the TIME wire", () => {
  it("keeps to the daemon's limits: more is not sent, and its wait is known", () => {
    const node = make()
    const made = node.in()
    made.connection.sent()
    let sent = 0
    while (TimeOutgoing.send(node.ctx, made.end, { _tag: "GetPeers" })) sent += 1
    assert.strictEqual(made.connection.sent().length, sent)
    const waits = TimeOutgoing.waitMs(node.ctx, made.end, "GetPeers")
    assert.isAbove(waits, 0)
    assert.strictEqual(TimeOutgoing.waitMs(node.ctx, made.end, "Ping"), 0)
    node.pass(waits - 1)
    assert.isFalse(TimeOutgoing.send(node.ctx, made.end, { _tag: "GetPeers" }))
    node.pass(1)
    assert.isTrue(TimeOutgoing.send(node.ctx, made.end, { _tag: "GetPeers" }))
    assert.strictEqual(TimeOutgoing.waitMs(node.ctx, node.socket("10.0.0.3").end, "GetPeers"), 0)
  })

  it("to a peer that does not read ends the connection; to an end without a socket, or of the other wire, is nothing", () => {
    const node = make()
    const made = node.in()
    made.connection.accepts = false
    assert.isFalse(TimeOutgoing.send(node.ctx, made.end, { _tag: "GetChainTip" }))
    assert.strictEqual(made.peer.book.lastDown?.reason.kind, "outbox-full")
    const other = node.in("10.0.0.201")
    other.connection.accepts = false
    TimeOutgoing.sendEmptyMempool(node.ctx, other.end)
    assert.strictEqual(other.peer.book.lastDown?.reason.kind, "outbox-full")
    assert.isFalse(TimeOutgoing.send(node.ctx, node.socket("10.0.0.3").end, { _tag: "GetChainTip" }))
    const none = node.in("10.0.0.202")
    none.end.connection = undefined
    assert.isFalse(TimeOutgoing.send(node.ctx, none.end, { _tag: "GetChainTip" }))
    TimeOutgoing.sendEmptyMempool(node.ctx, none.end)
  })

  it("is counted by its name while the connection is open", () => {
    const node = make()
    const made = node.in()
    const count = (type: string) =>
      node.ctx.table.messages.counts.find((one) => one.type === type && one.way === "sent" && one.wire === "time")
        ?.messages ?? 0
    TimeOutgoing.sendEmptyMempool(node.ctx, made.end)
    assert.deepStrictEqual([count("MempoolSyncResponse"), made.connection.tags().length > 0], [1, true])
    made.connection.active = false
    TimeOutgoing.sendEmptyMempool(node.ctx, made.end)
    TimeOutgoing.send(node.ctx, made.end, { _tag: "GetBlockHeight" })
    assert.deepStrictEqual([count("MempoolSyncResponse"), count("GetBlockHeight")], [1, 0])
  })

  it("of blocks is one list, one block, or none", () => {
    const node = make()
    const made = node.in()
    assert.isFalse(
      TimeOutgoing.sendBlocks(node.ctx, made.end, { _tag: "StoredBlocks", as: "BlockResponse", blocks: [] })
    )
    assert.isTrue(
      TimeOutgoing.sendBlocks(node.ctx, made.end, { _tag: "StoredBlocks", as: "BlocksResponse", blocks: [] })
    )
    const bulk: Array<unknown> = []
    made.connection.sendBulk = (frame) => bulk.push(frame) > 0
    assert.isTrue(
      TimeOutgoing.sendBlocks(node.ctx, made.end, { _tag: "StoredBlocks", as: "BlockRangeResponse", blocks: [] })
    )
    assert.strictEqual(bulk.length, 1, "behind all other messages")
  })
})
