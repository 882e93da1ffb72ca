/** What each message of the native wire means before Up and after, what it costs its sender, and who gets it. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PairState from "../../../src/domain/pair/PairState.ts"
import * as TransportText from "../../../src/domain/TransportText.ts"
import type { Message } from "../../../src/domain/wire/Message.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import * as NodeContext from "../../../src/layers/peer/NodeContext.ts"
import { PeerSession } from "../../../src/layers/peer/PeerSession.ts"
import * as hand from "../../harness/peerContext.ts"
import { hello } from "../../harness/rawPeer.ts"

const { ip } = hand

/** A session, and how its connections feed it: as `PeerConnection` does. */
const make = (options: hand.Options = {}) => {
  const node = hand.make(options)
  const session = new PeerSession(node.ctx)
  const chain: Array<unknown> = []
  const masternodes: Array<unknown> = []
  const progress: Array<unknown> = []
  const listener = (into: Array<unknown>) => ({
    onUp: () => {},
    onDown: () => {},
    onMessage: (_: unknown, message: { readonly _tag: string }) => void into.push(message._tag),
    onProgress: () => void progress.push("chain")
  })
  node.ctx.sync.listen(listener(chain), [])
  node.ctx.masternodes.listen(listener(masternodes), [])
  const feed = ({ end }: Pick<hand.Connected, "end">, bytes: Uint8Array): void => {
    const reader = NativeWire.reader((length) => new Uint8Array(length))
    reader.push(bytes.slice())
    session.onBytes(end)
    let frames = 0
    for (;;) {
      const next = reader.read(NativeWire.limits.up)
      if (next === "none") break
      if (next === "malformed") {
        session.onMalformed(end, reader.fault(NativeWire.limits.up))
        break
      }
      if (next === "data") frames += session.onData(end, reader, NativeWire.limits.up)
      else {
        frames += 1
        session.onMessage(end, reader)
      }
    }
    session.onBatch(end, reader, frames)
  }
  const say = (to: Pick<hand.Connected, "end">, ...messages: ReadonlyArray<Message>) =>
    feed(
      to,
      new Uint8Array(
        Buffer.concat(messages.flatMap((message): ReadonlyArray<Uint8Array> => NativeWire.encode(message)))
      )
    )
  const data = (channel: number, ...lengths: ReadonlyArray<number>): ReadonlyArray<Message> =>
    lengths.map((length) => ({ _tag: "Data", channel, payload: new Uint8Array(length) }))
  return { ...node, session, feed, say, data, chain, masternodes, progress }
}

const received = ({ ctx }: Pick<hand.Hand, "ctx">) =>
  ctx.table.messages.counts.flatMap(({ bytes, messages, type, way }) =>
    way === "received" ? [[type, messages, bytes]] : []
  )

const closes = (node: Pick<hand.Hand, "posted">) =>
  node.posted().map(([, event]) =>
    event._tag === "Closed" ? `${DisconnectReason.label(event.reason)}: ${event.reason.detail}` : event._tag
  )

describe("a ping", () => {
  it("is answered with its nonce once the connection is up, and counted and reported", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    node.emitted()
    node.say(made, { _tag: "Ping", nonce: 7n })
    assert.deepStrictEqual(made.connection.sent(), [{ _tag: "Pong", nonce: 7n }])
    assert.deepStrictEqual([made.end.pingsReceived, made.end.pongsSent], [1, 1])
    const event = {
      ip: ip("10.0.0.1"),
      connection: made.end.id,
      direction: "inbound",
      socket: "10.0.0.1:5000",
      nonce: 7n
    } as const
    assert.deepStrictEqual(node.emitted(), [{ _tag: "PingReceived", ...event }, { _tag: "PongSent", ...event }])
    assert.deepStrictEqual(received(node), [["Ping", 1, 13]])
  })

  it("gets no answer before, nor under rules that leave it out", () => {
    const node = make()
    const early = node.socket("10.0.0.1")
    node.say(early, { _tag: "Ping", nonce: 7n })
    assert.deepStrictEqual([early.connection.sent(), early.end.pingsReceived, node.emitted()], [[], 0, []])
    const mute = make({ rules: { answersPing: (queued) => queued < 5 } })
    const made = mute.up("10.0.0.1")
    made.connection.queuedBytes = 5
    mute.say(made, { _tag: "Ping", nonce: 7n })
    assert.deepStrictEqual([made.connection.sent(), made.end.pingsReceived, made.end.pongsSent], [[], 1, 0])
  })
})

describe("a pong", () => {
  it("measures the round trip of our ping; one that answers nothing measures none", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    const nonce = made.up.liveness.pings[0]?.nonce ?? 0n
    node.pass(40)
    node.emitted()
    node.say(made, { _tag: "Pong", nonce }, { _tag: "Pong", nonce: 1n })
    assert.deepStrictEqual(node.of("PongReceived").map((event) => [event.nonce, event.rttMs]), [[nonce, 40], [
      1n,
      undefined
    ]])
    assert.deepStrictEqual([made.end.pongsReceived, made.up.liveness.rtt?.lastMs], [2, 40])
    assert.deepStrictEqual(node.posted(), [], "no challenge waits for it")
    const early = node.socket("10.0.0.2")
    node.say(early, { _tag: "Pong", nonce })
    assert.deepStrictEqual([early.end.pongsReceived, node.emitted()], [0, []])
  })

  it("is told to the pair while a challenge runs", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    made.peer.pair = { ...made.peer.pair, probe: { end: made.end.id, nonce: 5n, phase: "sent", urgent: false } }
    node.say(made, { _tag: "Pong", nonce: 5n })
    assert.deepStrictEqual(node.posted(), [[made.peer.ip, { _tag: "PongReceived", end: made.end.id, nonce: 5n }]])
  })
})

describe("bytes", () => {
  it("are told to the pair only while the end's challenge is late, before their frames", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    const probe = { end: made.end.id, nonce: 5n, phase: "late", urgent: false } as const
    node.say(made, { _tag: "Ping", nonce: 1n })
    assert.deepStrictEqual(node.posted(), [])
    made.peer.pair = { ...made.peer.pair, probe }
    node.say(made, { _tag: "Ping", nonce: 1n })
    assert.deepStrictEqual(node.posted(), [[made.peer.ip, { _tag: "Heard", end: made.end.id }]])
    made.peer.pair = { ...made.peer.pair, probe: { ...probe, end: 99 } }
    node.say(made, { _tag: "Ping", nonce: 1n })
    assert.deepStrictEqual(node.posted(), [])
  })

  it("are a sign of life; those of a frame that is not whole are progress of the chain", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    node.pass(500)
    node.say(made, { _tag: "Ping", nonce: 1n })
    assert.deepStrictEqual([made.up.liveness.heardAt, made.up.liveness.frameAt, node.progress], [500, undefined, []])
    node.pass(500)
    node.feed(made, NativeWire.encode({ _tag: "Ping", nonce: 1n })[0].subarray(0, 6))
    assert.deepStrictEqual([made.up.liveness.heardAt, made.up.liveness.frameAt, node.progress], [1_000, 1_000, [
      "chain"
    ]])
    const early = node.socket("10.0.0.2")
    node.feed(early, NativeWire.encode({ _tag: "Ping", nonce: 1n })[0].subarray(0, 6))
    assert.strictEqual(node.progress.length, 1)
  })

  it("that are no frame are an offence and end the connection", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    node.emitted()
    node.feed(made, new Uint8Array([255, 255, 255, 255, 0]))
    assert.deepStrictEqual(node.of("Offence").map(({ kind }) => kind), ["malformed"])
    assert.match(closes(node)[0] ?? "", /^bad-frame: /)
  })

  it("of a TLS endpoint are told to the operator, not held against the peer, and tried again much later", () => {
    const node = make()
    const made = node.socket("10.0.0.1")
    node.session.onMalformed(made.end, TransportText.tlsThere)
    assert.deepStrictEqual(node.posted(), [[made.peer.ip, {
      _tag: "Refused",
      end: made.end.id,
      reject: "incompatible",
      detail: TransportText.tlsThere,
      retryMs: Limits.otherTransportMs
    }]])
    assert.deepStrictEqual(node.emitted(), [])
  })

  it("of a frame that took too long while others waited end the connection", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    node.session.onGivenUp(made.end, "too long")
    assert.deepStrictEqual(closes(node), ["silent: too long"])
  })
})

describe("data", () => {
  const lengths = (node: ReturnType<typeof make>, channel: number) => {
    const got: Array<ReadonlyArray<number>> = []
    node.ctx.inbox.open(
      channel,
      (_, payloads) => void got.push(payloads.map(({ length }) => length)),
      () => assert.fail("trouble")
    )
    return got
  }

  it("goes to its channel's receiver a run at a time, counted with its headers", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    const [one, two] = [lengths(node, 1), lengths(node, 2)]
    node.say(made, ...node.data(1, 3, 4), ...node.data(2, 5), ...node.data(1, 6))
    assert.deepStrictEqual([one, two], [[[3, 4], [6]], [[5]]])
    assert.deepStrictEqual(received(node), [["Data", 4, 4 * 7 + 3 + 4 + 5 + 6]])
  })

  it("comes before the message behind it, and in the next batch begins anew", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    const order: Array<string> = []
    node.ctx.inbox.open(1, () => void order.push("data"), () => assert.fail("trouble"))
    node.hear((event) => event._tag === "PingReceived" && order.push("ping"))
    node.say(made, ...node.data(1, 3), { _tag: "Ping", nonce: 1n }, ...node.data(1, 3))
    node.say(made, ...node.data(1, 3))
    assert.deepStrictEqual(order, ["data", "ping", "data", "data"])
  })

  it("before Up is an offence, and reaches no receiver", () => {
    const node = make()
    const early = node.socket("10.0.0.1")
    const got = lengths(node, 1)
    node.say(early, ...node.data(1, 3))
    assert.deepStrictEqual(node.of("Offence").map(({ detail }) => detail), ["Data before the connection is up"])
    assert.deepStrictEqual([got, received(node), closes(node)], [[], [["Data", 1, 10]], [
      "protocol: Data before the connection is up"
    ]])
  })

  it("that has no receiver is held, and charged once it is dropped; a receiver that throws is reported", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    const charged: Array<unknown> = []
    made.up.rates.charge = (_, cost) => void charged.push(cost)
    node.emitted()
    node.say(made, ...node.data(1, 100))
    assert.deepStrictEqual([charged, node.emitted()], [[], []])
    for (let i = 0; i < 12; i++) node.say(made, ...node.data(1, 100_000))
    assert.isAbove(charged.length, 0)
    assert.isAbove(node.of("MessagesDropped").length, 0)
    node.ctx.inbox.open(2, () => {
      throw new Error("no")
    }, () => {})
    node.say(made, ...node.data(2, 1))
    assert.deepStrictEqual(node.emitted().map(({ _tag }) => _tag), ["ReceiverFailed"])
    assert.deepStrictEqual(node.posted().map(([, { _tag }]) => _tag), ["Refused"])
  })

  it("whose receiver closes the connection is the last thing that is heard of it", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    node.ctx.inbox.open(1, () => {
      made.peer.ends = []
    }, () => {})
    node.say(made, ...node.data(1, 3), { _tag: "Ping", nonce: 1n })
    assert.deepStrictEqual([made.connection.sent(), received(node).map(([type]) => type)], [[], ["Data"]])
  })
})

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
