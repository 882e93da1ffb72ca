/** What each message of the TIME wire means before Up and after, what it costs its sender, and who gets it. */
import { assert, describe, it } from "@effect/vitest"
import * as Hash from "../../../../src/domain/chain/Hash.ts"
import * as DisconnectReason from "../../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import { networks } from "../../../../src/domain/Network.ts"
import * as TimeOutgoing from "../../../../src/layers/peer/TimeOutgoing.ts"
import * as TimeSession from "../../../../src/layers/peer/TimeSession.ts"
import * as hand from "../../../harness/peerContext.ts"
import { forkAlert } from "../../../harness/timeMessages.ts"
import { ack, at, counted, greeting, ip, make, tip } from "../../../harness/timeSessionHand.ts"

describe("the greeting", () => {
  it("is this network's Handshake; devnet has none", () => {
    const node = make()
    const made = node.socketOf("outbound")
    TimeSession.greet(node.ctx, made.end)
    assert.deepStrictEqual(made.connection.tags(), ["Handshake"])
    const dev = make({ network: networks.devnet })
    const other = dev.socketOf("outbound")
    TimeSession.greet(dev.ctx, other.end)
    assert.deepStrictEqual(other.connection.tags(), [])
  })

  it("is followed at Up by what the peer needs, in the order in which the daemon can use it", () => {
    const node = make()
    const made = node.time()
    TimeSession.opened(node.ctx, made.up)
    assert.deepStrictEqual(made.connection.sent(), [
      { _tag: "GenesisHashResponse", hash: Hash.fromHexUnsafe(networks.testnet.genesis) },
      { _tag: "GetChainTip" },
      { _tag: "ChainTipResponse", ...tip },
      { _tag: "GetPeers" },
      { _tag: "GetGenesisHash" }
    ])
  })

  it("names the peer's software by its commit count", () => {
    assert.deepStrictEqual([TimeSession.softwareOf(2_344), TimeSession.softwareOf(undefined)], ["timed/2344", "timed"])
  })
})

describe("before Up", () => {
  it("a Handshake of a peer that dialled us makes it known and takes its place", () => {
    const node = make()
    const made = node.socketOf("inbound")
    node.ctx.slots.accepted(made.end)
    node.say(made, greeting)
    assert.deepStrictEqual(node.events(), [{ _tag: "HandshakeReceived", end: made.end.id }])
    assert.deepStrictEqual([made.peer.book.saidHello, made.end.time?.commitCount], [true, greeting.commitCount])
    assert.deepStrictEqual([node.ctx.slots.placesTaken, node.ctx.slots.unidentifiedCount], [1, 0])
    assert.isUndefined(made.peer.book.software, "known once it is up")
    node.say(made, greeting)
    assert.deepStrictEqual(node.events(), [{ _tag: "HandshakeReceived", end: made.end.id }])
  })

  it("an Ack to our dial does, and its Handshake alone does not; the other way round neither", () => {
    const node = make()
    const made = node.socketOf("outbound")
    node.say(made, greeting)
    assert.deepStrictEqual([node.events(), made.end.time?.commitCount, made.peer.book.saidHello], [
      [],
      greeting.commitCount,
      false
    ])
    node.say(made, ack)
    assert.deepStrictEqual([node.events(), made.peer.book.saidHello, node.ctx.slots.placesTaken], [
      [{ _tag: "AckReceived", end: made.end.id }],
      true,
      1
    ])
    const inbound = make()
    const other = inbound.socketOf("inbound")
    inbound.say(other, ack)
    assert.deepStrictEqual([inbound.of("Offence").map(({ detail }) => detail), inbound.ctx.slots.placesTaken], [
      ["Ack before the peer's Handshake"],
      0
    ])
  })

  it("a Handshake that does not fit is told to the pair, once, and takes no place", () => {
    for (const direction of ["inbound", "outbound"] as const) {
      const node = make()
      const made = node.socketOf(direction)
      node.say(made, { ...greeting, version: 1 })
      assert.deepStrictEqual(node.events(), [{
        _tag: "Unfit",
        end: made.end.id,
        detail: "the peer speaks protocol 1, this node 2 and later"
      }])
      assert.strictEqual(node.ctx.slots.placesTaken, 0)
    }
  })

  it("a peer without a place is told so by the pair", () => {
    const node = make({ tuning: { maxPeers: 1 } })
    node.up("10.0.0.2")
    const made = node.socketOf("inbound")
    node.posted()
    node.say(made, greeting)
    assert.deepStrictEqual(node.events(), [{
      _tag: "Stopped",
      reason: DisconnectReason.rejected("full", "local", "peer limit reached (1)"),
      retryMs: Limits.retryFullMs
    }])
    assert.deepStrictEqual([node.ctx.slots.placesTaken, made.peer.book.saidHello], [1, false])
  })

  it("a ForkAlert to our dial refuses this version; from a peer that dialled us it is an offence like any other message", () => {
    const node = make()
    const made = node.socketOf("outbound")
    node.say(made, forkAlert)
    assert.deepStrictEqual(node.events(), [{
      _tag: "Unfit",
      end: made.end.id,
      detail: "the peer refuses: please upgrade"
    }])
    for (const message of [forkAlert, { _tag: "GetPeers" } as const]) {
      const inbound = make()
      const other = inbound.socketOf("inbound")
      inbound.say(other, message)
      assert.deepStrictEqual(inbound.of("Offence").map(({ detail }) => detail), [
        `${message._tag} before the peer's Handshake`
      ])
      assert.deepStrictEqual(inbound.events().map(({ _tag }) => _tag), ["Closed"])
    }
  })

  it("other messages to our dial are neither an answer nor an offence, and none is answered", () => {
    const node = make()
    const made = node.socketOf("outbound")
    node.say(made, { _tag: "GetPeers" }, { _tag: "GetChainTip" }, { _tag: "BlockInventory", height: 3 })
    assert.deepStrictEqual([node.events(), node.of("Offence"), made.connection.sent(), node.heard()], [[], [], [], []])
  })

  it("no batch counts as a sign of life", () => {
    const node = make()
    const made = node.socketOf("outbound")
    node.feed(made, Uint8Array.of(0, 0, 0, 40, 7))
    assert.deepStrictEqual([node.heard(), made.end.up], [[], undefined])
  })
})

describe("bytes", () => {
  it("that are no message are an offence, before Up too", () => {
    const node = make()
    const made = node.socketOf("inbound")
    // A Handshake without its body.
    node.feed(made, Uint8Array.of(0, 0, 0, 4, 10, 0, 0, 0))
    const [offence] = node.of("Offence")
    assert.strictEqual(offence?.kind, "malformed")
    assert.match(offence?.detail ?? "", /^variant 10: ./)
    const [closed] = node.events()
    assert(closed?._tag === "Closed")
    assert.match(closed.reason.detail ?? "", /^variant 10: ./)
    const other = make()
    other.session.onMalformed(other.time().end, "too long")
    assert.deepStrictEqual(other.of("Offence").map(({ detail, kind }) => [kind, detail]), [["malformed", "too long"]])
  })

  it("of a frame that took too long while others waited end the connection", () => {
    const node = make()
    const made = node.time()
    node.session.onGivenUp(made.end, "too long")
    assert.deepStrictEqual(node.events(), [{
      _tag: "Closed",
      end: made.end.id,
      reason: DisconnectReason.local("silent", "too long")
    }])
  })

  it("are a sign of life; those of a frame that is not whole are progress of the chain", () => {
    const node = make()
    const made = node.time()
    node.pass(500)
    node.say(made, { _tag: "GetBlockHeight" })
    assert.deepStrictEqual([made.up.liveness.heardAt, made.up.liveness.frameAt, node.heard()], [500, undefined, []])
    node.pass(500)
    node.feed(made, Uint8Array.of(0, 0, 0, 40, 7))
    assert.deepStrictEqual([made.up.liveness.heardAt, made.up.liveness.frameAt, node.heard()], [1_000, 1_000, [
      "chain progress"
    ]])
    // A whole frame and the begin of the next one.
    node.feed(made, Uint8Array.of(0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 40, 7))
    assert.deepStrictEqual(node.heard(), [])
  })

  it("are counted by message, with the frame's length; those of an end that is closed do nothing else", () => {
    const node = make()
    const made = node.time()
    node.say(made, { _tag: "GetChainTip" }, { _tag: "GetChainTip" }, ack)
    assert.deepStrictEqual(counted(node, "received"), [["GetChainTip", 2, 16], ["Ack", 1, 25]])
    made.connection.sent()
    node.posted()
    made.peer.ends = []
    node.say(made, { _tag: "GetChainTip" })
    assert.deepStrictEqual([made.connection.sent(), node.posted()], [[], []])
    assert.deepStrictEqual(counted(node, "received")[0], ["GetChainTip", 3, 24])
    assert.strictEqual(node.session.onData(), 1)
  })
})

describe("a ping", () => {
  it("is answered with its nonce, our height and the time in seconds, and counted and reported", () => {
    const node = make()
    const made = node.time()
    node.emitted()
    node.pass(2_999)
    node.say(made, { _tag: "Ping", nonce: 5, timestamp: 1, height: 9 })
    const timestamp = hand.wallOffset / 1_000 + 2
    assert.deepStrictEqual(made.connection.sent(), [{ _tag: "Pong", nonce: 5, timestamp, height: 7 }])
    assert.deepStrictEqual([made.end.pingsReceived, made.end.pongsSent], [1, 1])
    const event = {
      ip: ip(at),
      connection: made.end.id,
      direction: "inbound",
      socket: `${at}:5000`,
      nonce: 5n
    } as const
    assert.deepStrictEqual(node.emitted(), [{ _tag: "PingReceived", ...event }, { _tag: "PongSent", ...event }])
  })

  it("is answered together with our own if that is due within half an interval", () => {
    const node = make()
    const made = node.time()
    const half = Limits.pingMs / 2
    made.connection.sent()
    for (const [waitMs, tags] of [[half - 1, ["Pong"]], [1, ["Pong", "Ping"]], [0, ["Pong"]]] as const) {
      node.pass(waitMs)
      node.say(made, { _tag: "Ping", nonce: 5, timestamp: 1, height: 9 })
      assert.deepStrictEqual(made.connection.tags(), tags, `${waitMs} ms later`)
    }
  })

  it("gets no answer under rules that leave it out", () => {
    const node = make({ rules: { answersPing: (queued) => queued < 5 } })
    const made = node.time()
    made.connection.queuedBytes = 5
    node.say(made, { _tag: "Ping", nonce: 5, timestamp: 1, height: 9 })
    assert.deepStrictEqual([made.connection.sent(), made.end.pingsReceived, made.end.pongsSent], [[], 1, 0])
  })

  it("of ours has the same form, and its pong measures the round trip; one that answers nothing measures none", () => {
    const node = make()
    const made = node.time()
    node.pass(1_000)
    TimeOutgoing.ping(node.ctx, made.end, 77n)
    assert.deepStrictEqual(made.connection.sent(), [{
      _tag: "Ping",
      nonce: 77,
      timestamp: hand.wallOffset / 1_000 + 1,
      height: 7
    }])
    const nonce = made.up.liveness.pings[0]?.nonce ?? assert.fail("no ping was sent at Up")
    node.pass(40)
    node.emitted()
    const pong = (n: bigint) => ({ _tag: "Pong", nonce: Number(n), timestamp: 0, height: 0 }) as const
    node.say(made, pong(nonce), pong(1n))
    const event = { ip: ip(at), connection: made.end.id, direction: "inbound", socket: `${at}:5000` } as const
    assert.deepStrictEqual(node.emitted(), [
      { _tag: "PongReceived", ...event, nonce, rttMs: 1_040 },
      { _tag: "PongReceived", ...event, nonce: 1n, rttMs: undefined }
    ])
    assert.deepStrictEqual([made.end.pongsReceived, made.up.liveness.rtt?.lastMs], [2, 1_040])
  })
})
