import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PairState from "../../../src/domain/pair/PairState.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import * as NodeContext from "../../../src/layers/peer/NodeContext.ts"
import * as hand from "../../harness/peerContext.ts"
import { hello } from "../../harness/rawPeer.ts"
import { closes, ip, make } from "../../harness/sessionHand.ts"

describe("a message", () => {
  it("of sync and of masternodes goes to its protocol; an unknown one is reported", () => {
    const node = make({ masternodes: true })
    const made = node.up("10.0.0.1")
    node.emitted()
    node.say(
      made,
      { _tag: "GetHeaders", request: 1, locator: [] } as never,
      { _tag: "SeenMasternodes", seen: [] } as never
    )
    assert.deepStrictEqual([node.chain, node.masternodes], [["GetHeaders"], ["SeenMasternodes"]])
    node.feed(made, new Uint8Array([0, 0, 0, 1, 250]))
    assert.deepStrictEqual(node.of("UnknownFrame").map(({ kind }) => kind), [250])
  })

  it("asks for addresses, tells some, asks for a dial-back or answers ours", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    node.up("10.0.0.2")
    node.say(made, { _tag: "AskPeers" })
    assert.deepStrictEqual(made.connection.tags(), ["Peers"])
    node.say(made, { _tag: "Peers", peers: [{ ip: ip("10.0.1.1"), port: hand.port }] })
    assert.isDefined(node.ctx.table.get(ip("10.0.1.1")))
    node.say(made, { _tag: "AskDialBack", request: 3 })
    assert.deepStrictEqual(node.asked.map(({ to }) => [`${to.ip}`, to.port]), [["10.0.0.1", hand.port]])
    const request = node.ctx.dialBacks.ask(made.up, "10.0.0.1", 0)
    node.say(made, { _tag: "DialBack", request, result: "refused", ip: ip("10.0.0.100"), port: hand.port })
    assert.isFalse(node.ctx.dialBacks.isWaiting(0))
  })

  it("with a broken body is an offence, before Up too", () => {
    const node = make()
    const made = node.socket("10.0.0.1")
    node.feed(made, new Uint8Array([0, 0, 0, 2, NativeWire.encode({ _tag: "Ping", nonce: 1n })[0][4] ?? 0, 9]))
    assert.deepStrictEqual(node.of("Offence").map(({ kind }) => kind), ["malformed"])
    assert.match(closes(node)[0] ?? "", /^bad-frame: kind \d+: /)
  })

  it("before Up that only a peer that is up may send is an offence", () => {
    const node = make()
    const made = node.socket("10.0.0.1")
    node.say(made, { _tag: "AskPeers" })
    assert.deepStrictEqual(closes(node), ["protocol: AskPeers before the connection is up"])
    node.feed(made, new Uint8Array([0, 0, 0, 1, 250]))
    assert.deepStrictEqual(closes(node), ["protocol: Unknown before the connection is up"])
  })

  it("of the handshake reaches the pair", () => {
    const node = make()
    const made = node.socket("10.0.0.1")
    const state: PairState.End = {
      id: made.end.id,
      dir: "in",
      phase: "hello",
      role: undefined,
      tag: undefined,
      process: undefined,
      self: undefined,
      order: undefined,
      commitHeld: false
    }
    made.peer.pair = { ...PairState.empty, ends: [state] }
    node.say(made, hello(ip("10.0.0.100"), { nonce: 77n }))
    assert.deepStrictEqual(node.posted().map(([, { _tag }]) => _tag), ["Welcomed"])
    made.peer.pair = {
      ...made.peer.pair,
      ends: [{ ...state, phase: "candidate", role: "higher", tag: "t", process: "p", self: ip("10.0.0.100") }]
    }
    node.say(made, { _tag: "Commit", lower: ip("10.0.0.1"), higher: ip("10.0.0.100") }, { _tag: "Ack" })
    assert.deepStrictEqual(node.posted().map(([, { _tag }]) => _tag), ["CommitReceived", "AckReceived"])
    node.say(made, { _tag: "Reject", reason: "shutdown", text: "", retryAfterMs: 1 })
    assert.deepStrictEqual(node.posted().map(([, { _tag }]) => _tag), ["RejectReceived"])
  })

  it("of an end that is closed is ignored", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    node.ctx.table.remove(made.peer)
    node.say(made, { _tag: "AskPeers" }, { _tag: "Ack" })
    assert.deepStrictEqual([made.connection.sent(), node.posted()], [[], []])
  })
})

describe("addresses from a node that refuses us", () => {
  const told = (change: hand.UpOptions, greeted = true) => {
    const node = make()
    const made = node.socket("10.0.0.1", change)
    if (greeted) made.end.greeting = {} as never
    const tell = (at: string) => {
      node.say(made, { _tag: "Peers", peers: [{ ip: ip(at), port: hand.port }] })
      return [node.ctx.table.get(ip(at)) !== undefined, closes(node).filter((text) => text.startsWith("protocol"))]
    }
    return tell
  }

  it("are believed once, if we dialled it and it said Hello; a second list, or one that is unasked for, is an offence", () => {
    const tell = told({ direction: "outbound" })
    assert.deepStrictEqual(tell("10.0.1.1"), [true, []])
    const offence = ["protocol: Peers before the connection is up"]
    assert.deepStrictEqual(tell("10.0.1.2"), [false, offence])
    assert.deepStrictEqual(told({ direction: "inbound" })("10.0.1.1"), [false, offence])
    assert.deepStrictEqual(
      told({ direction: "outbound" }, false)("10.0.1.1"),
      [false, []],
      "without a Hello it is not believed"
    )
  })
})

describe("what messages cost", () => {
  it("is charged to the connection's own buckets", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    const charged: Array<readonly [unknown, string]> = []
    made.up.rates.charge = (connection, { bucket }) => void charged.push([connection, bucket])
    node.say(made, { _tag: "Ping", nonce: 1n }, { _tag: "AskPeers" })
    assert.deepStrictEqual(charged.map(([connection]) => connection === made.up.connection), charged.map(() => true))
    assert.isAbove(charged.length, 0)
    node.ctx.table.remove(made.peer)
    made.peer.ends = []
    charged.length = 0
    node.say(made, { _tag: "AskPeers" })
    assert.deepStrictEqual(charged, [])
  })

  it("is bounded before Up: so many messages, and one more is a flood", () => {
    const node = make()
    const made = node.socket("10.0.0.1")
    const ping = { _tag: "Ping", nonce: 1n } as const
    for (let i = 0; i < Limits.messagesBeforeUp; i++) node.say(made, ping)
    assert.deepStrictEqual([node.posted(), node.emitted()], [[], []])
    node.say(made, ping)
    assert.deepStrictEqual(node.of("Offence").map(({ kind }) => kind), ["flood"])
    assert.deepStrictEqual(closes(node), [
      `protocol: more than ${Limits.messagesBeforeUp} messages before the connection is up`
    ])
  })
})

describe("sending", () => {
  it("closes the connection of a peer that does not read, and counts nothing that a closed one was given", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    made.connection.accepts = false
    made.connection.queuedBytes = 55
    node.say(made, { _tag: "Ping", nonce: 1n })
    assert.deepStrictEqual(closes(node), ["outbox-full: 55 bytes unread by the peer"])
    node.up("10.0.0.2")
    node.say(made, { _tag: "AskPeers" })
    assert.deepStrictEqual(closes(node), ["outbox-full: 55 bytes unread by the peer"])
    made.connection.active = false
    const sent = () =>
      node.ctx.table.messages.counts.filter(({ way }) => way === "sent").reduce(
        (sum, { messages }) => sum + messages,
        0
      )
    const before = sent()
    node.say(made, { _tag: "Ping", nonce: 1n }, { _tag: "AskPeers" })
    assert.deepStrictEqual([sent(), closes(node)], [before, []])
  })

  it("to an end without a socket, or of the other wire, sends nothing of this one", () => {
    const node = make()
    const made = node.up("10.0.0.1", { wire: "time" })
    made.connection.sent()
    NodeContext.postOf(node.ctx, made.end, { _tag: "Heard", end: made.end.id })
    node.posted()
    node.say(made, { _tag: "Ping", nonce: 1n }, { _tag: "AskPeers" })
    assert.deepStrictEqual(made.connection.sent(), [])
  })
})
