/** What each message of the native wire means before Up and after, what it costs its sender, and who gets it. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as TransportText from "../../../src/domain/TransportText.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import type * as hand from "../../harness/peerContext.ts"
import { closes, ip, make } from "../../harness/sessionHand.ts"

const received = ({ ctx }: Pick<hand.Hand, "ctx">) =>
  ctx.table.messages.counts.flatMap(({ bytes, messages, type, way }) =>
    way === "received" ? [[type, messages, bytes]] : []
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

describe("our own ping, when the peer's is answered", () => {
  it("goes with the answer if it is due within half an interval, once", () => {
    const node = make()
    const made = node.up("10.0.0.1")
    const half = Limits.pingMs / 2
    made.connection.sent()
    for (
      const [waitMs, tags] of [[half - 1, ["Pong"]], [1, ["Pong", "Ping"]], [0, ["Pong"]], [half, [
        "Pong",
        "Ping"
      ]]] as const
    ) {
      node.pass(waitMs)
      node.say(made, { _tag: "Ping", nonce: 7n })
      assert.deepStrictEqual(made.connection.tags(), tags, `${waitMs} ms later`)
    }
    assert.deepStrictEqual([made.end.pingsSent, made.end.pongsSent], [3, 4])
    assert.strictEqual(made.up.liveness.pings.length, 3)
  })

  it("does not go where no answer went", () => {
    const mute = make({ rules: { answersPing: () => false } })
    const made = mute.up("10.0.0.1")
    made.connection.sent()
    mute.pass(Limits.pingMs)
    mute.say(made, { _tag: "Ping", nonce: 7n })
    assert.deepStrictEqual(made.connection.sent(), [])
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
