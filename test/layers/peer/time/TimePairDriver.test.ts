/** The real machines of a peer that may speak either wire, with sockets in the test's hand: which one has an end, and what each step does. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../../src/domain/Limits.ts"
import { networks } from "../../../../src/domain/Network.ts"
import { Capability } from "../../../../src/domain/pair/Handshake.ts"
import * as Subnet from "../../../../src/domain/peer/Subnet.ts"
import { TimeFraming } from "../../../../src/domain/wire/time/TimeFraming.ts"
import * as TimeOutgoing from "../../../../src/layers/peer/TimeOutgoing.ts"
import * as TimePairDriver from "../../../../src/layers/peer/TimePairDriver.ts"
import * as hand from "../../../harness/peerContext.ts"
import { ack, greeting, high, ip, low, make } from "../../../harness/timePairHand.ts"

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
