/** What each message of the TIME wire means before Up and after, what it costs its sender, and who gets it. */
import { assert, describe, it } from "@effect/vitest"
import * as Hash from "../../../../src/domain/chain/Hash.ts"
import * as DisconnectReason from "../../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import { networks } from "../../../../src/domain/Network.ts"
import { Capability } from "../../../../src/domain/pair/Handshake.ts"
import * as TimeHandshake from "../../../../src/domain/pair/TimeHandshake.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import { TimeFraming } from "../../../../src/domain/wire/time/TimeFraming.ts"
import { type Message, tags, type TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import * as TimeOutgoing from "../../../../src/layers/peer/TimeOutgoing.ts"
import * as TimeSession from "../../../../src/layers/peer/TimeSession.ts"
import * as hand from "../../../harness/peerContext.ts"
import { randomFrom } from "../../../harness/random.ts"
import { messageOf } from "../../../harness/timeMessages.ts"

const { ip } = hand
const at = "10.0.0.1"
const greeting = TimeHandshake.own("testnet") ?? assert.fail("testnet has that wire")
const ack: Message<"Ack"> = { _tag: "Ack", of: "Handshake" }
const tip = { height: 7, hash: Hash.fromHexUnsafe("ab".repeat(32)) }

const make = (options: hand.Options = {}) => {
  const node = hand.make({ network: networks.testnet, ...options })
  const { ctx } = node
  const session = new TimeSession.TimeSession(ctx)
  const heard: Array<string> = []
  for (const [name, protocol] of [["chain", ctx.timeChain], ["masternodes", ctx.timeMasternodes]] as const) {
    protocol.listen({
      onUp: () => {},
      onDown: () => {},
      onMessage: (_, { _tag }) => void heard.push(`${name} ${_tag}`),
      onProgress: () => void heard.push(`${name} progress`)
    }, [])
  }
  let kept = 0
  const feed = ({ end }: Pick<hand.Connected, "end">, bytes: Uint8Array): void => {
    const reader = TimeFraming.reader((length) => new Uint8Array(length))
    Object.assign(reader, { keep: () => void (kept += 1) })
    reader.push(bytes.slice())
    session.onBytes()
    let frames = 0
    while (reader.read(TimeFraming.limits.up) === "message") {
      frames += 1
      session.onMessage(end, reader)
    }
    session.onBatch(end, reader, frames)
  }
  const bytesOf = (message: TimeMessage) => TimeEncoder.encode(message, undefined) ?? assert.fail(message._tag)
  return {
    ...node,
    session,
    feed,
    say: (to: Pick<hand.Connected, "end">, ...messages: ReadonlyArray<TimeMessage>) =>
      feed(to, new Uint8Array(Buffer.concat(messages.map(bytesOf)))),
    /** What the chain and the masternodes got since the last call. */
    heard: () => heard.splice(0),
    /** How many frames were kept since the last call. */
    kept: () => {
      const before = kept
      kept = 0
      return before
    },
    time: (to = at, options: hand.UpOptions = {}) => node.up(to, { wire: "time", ...options }),
    socketOf: (direction: "inbound" | "outbound") => node.socket(at, { direction, wire: "time" }),
    events: () => node.posted().map(([, event]) => event)
  }
}

const counted = ({ ctx }: Pick<hand.Hand, "ctx">, direction: "received" | "sent") =>
  ctx.table.messages.counts.flatMap(({ bytes, messages, type, way, wire }) =>
    wire === "time" && way === direction ? [[type, messages, bytes]] : []
  )

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
    const alert: Message<"ForkAlert"> = {
      _tag: "ForkAlert",
      yourHeight: 0,
      yourHash: new Uint8Array(32),
      consensusHeight: 0,
      consensusHash: new Uint8Array(32),
      consensusPeers: 0,
      message: "please upgrade"
    }
    const node = make()
    const made = node.socketOf("outbound")
    node.say(made, alert)
    assert.deepStrictEqual(node.events(), [{
      _tag: "Unfit",
      end: made.end.id,
      detail: "the peer refuses: please upgrade"
    }])
    for (const message of [alert, { _tag: "GetPeers" } as const]) {
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

describe("a request", () => {
  it("for the genesis, the tip or the height is answered from what the node knows", () => {
    const node = make()
    const made = node.time()
    node.say(made, { _tag: "GetGenesisHash" }, { _tag: "GetBlockHeight" })
    assert.deepStrictEqual(node.events(), [])
    node.say(made, { _tag: "GetChainTip" })
    assert.deepStrictEqual(made.connection.sent(), [
      { _tag: "GenesisHashResponse", hash: Hash.fromHexUnsafe(networks.testnet.genesis) },
      { _tag: "BlockHeightResponse", height: 7 },
      { _tag: "ChainTipResponse", ...tip }
    ])
    assert.deepStrictEqual(node.events(), [{ _tag: "Asked", end: made.end.id }], "a peer that asks uses the connection")
    assert.deepStrictEqual(node.heard(), [])
  })

  it("for peers, masternodes or transactions is answered, with nothing where we keep nothing", () => {
    const node = make()
    const made = node.time()
    node.up("10.0.0.2", { listens: 24_105 })
    node.say(made, { _tag: "GetPeers" }, { _tag: "GetMasternodes" }, { _tag: "MempoolSyncRequest" })
    assert.deepStrictEqual(made.connection.sent().slice(0, 2), [
      { _tag: "PeersResponse", addresses: ["10.0.0.2:24105"] },
      { _tag: "MasternodesResponse", masternodes: [] }
    ] as never)
    assert.deepStrictEqual(counted(node, "sent").at(-1), [
      "MempoolSyncResponse",
      1,
      TimeEncoder.emptyMempool.length
    ])
    assert.deepStrictEqual([node.heard(), node.kept()], [[], 0])
  })

  it("costs its sender: one that asks without end is not read for a while", () => {
    const node = make()
    const made = node.time()
    let asked = 0
    while (!made.connection.isPaused && asked < 10_000) {
      asked += 1
      node.say(made, { _tag: "GetBlockHeight" })
    }
    assert.isAtMost(asked, Limits.messageRates.request.burst)
    const charged: Array<unknown> = []
    const other = node.time("10.0.0.2")
    other.up.rates.charge = (_, cost) => void charged.push(cost)
    // An unknown message: variant 90, with a body of 4 bytes.
    node.feed(other, Uint8Array.of(0, 0, 0, 8, 90, 0, 0, 0, 1, 2, 3, 4))
    node.say(other, { _tag: "Pong", nonce: 1, timestamp: 0, height: 0 })
    assert.deepStrictEqual(charged, [{ bucket: "unknown", tokens: 1 }, { bucket: "pong", tokens: 1 }])
    assert.deepStrictEqual(node.heard(), [])
  })

  it("that ends the connection costs nothing more", () => {
    const node = make()
    const made = node.time()
    made.up.rates.charge = () => assert.fail("charged")
    node.ctx.timeChain.onMessage = () => {
      made.end.up = undefined
    }
    node.say(made, { _tag: "BlockInventory", height: 3 })
  })
})

describe("what a peer tells", () => {
  it("of another genesis ends the connection, of ours does not", () => {
    const node = make()
    const made = node.time()
    node.say(made, { _tag: "GenesisHashResponse", hash: Hash.fromHexUnsafe(networks.testnet.genesis) })
    assert.deepStrictEqual(node.events(), [])
    node.say(made, { _tag: "GenesisHashResponse", hash: new Uint8Array(32) })
    assert.deepStrictEqual(node.events(), [{
      _tag: "Unfit",
      end: made.end.id,
      detail: `the peer's genesis is ${"0".repeat(16)}, that of testnet ${networks.testnet.genesis.slice(0, 16)}`
    }])
  })

  it("by a later Handshake ends the connection if it does not fit, and else names its software; a third changes nothing", () => {
    const node = make()
    const made = node.time()
    node.say(made, { ...greeting, commitCount: 2_300 })
    assert.deepStrictEqual([made.peer.book.software, node.events()], ["timed/2300", []])
    node.say(made, { ...greeting, commitCount: 1 })
    assert.deepStrictEqual([made.peer.book.software, node.events()], ["timed/2300", []])
    const other = node.time("10.0.0.2")
    node.say(other, { ...greeting, commitCount: 1 })
    assert.deepStrictEqual([node.events().map(({ _tag }) => _tag), other.peer.book.software], [
      ["Unfit"],
      undefined
    ])
    node.say(made, ack)
    assert.deepStrictEqual([node.events(), node.of("Offence")], [[], []])
  })

  it("of other peers is gossip: with a port or without, each at the network's port, and no text that is no address", () => {
    const entry = { connections: 0, isMasternode: false, tier: undefined }
    const masternode = {
      rewardAddress: "TIME0abc",
      tier: "Free",
      publicKey: new Uint8Array(32),
      collateral: undefined,
      registeredAt: 0
    } as const
    const told: ReadonlyArray<(addresses: ReadonlyArray<string>) => TimeMessage> = [
      (addresses) => ({ _tag: "PeersResponse", addresses }),
      (addresses) => ({ _tag: "PeerExchange", peers: addresses.map((address) => ({ address, ...entry })) }) as never,
      (addresses) =>
        ({
          _tag: "MasternodesResponse",
          masternodes: addresses.map((address) => ({ address, ...masternode }))
        }) as never
    ]
    for (const message of told) {
      const node = make()
      const made = node.time()
      node.say(made, message(["10.0.1.1", "10.0.1.2:5", "nowhere"]))
      const ports = ["10.0.1.1", "10.0.1.2"].map((one) => node.ctx.table.get(ip(one))?.book.port)
      assert.deepStrictEqual(ports, [networks.testnet.port, networks.testnet.port])
      assert.strictEqual([...node.ctx.table.peers()].length, 3)
    }
  })

  it("of more peers than a message may have is cut", () => {
    const node = make()
    const made = node.time()
    const addresses = Array.from(
      { length: Limits.peersPerMessage + 1 },
      (_, i) => `10.1.${Math.floor(i / 200)}.${1 + i % 200}`
    )
    const lengths: Array<number> = []
    node.ctx.lists.push = (_, length) => void lengths.push(length)
    node.say(made, { _tag: "PeersResponse", addresses })
    assert.deepStrictEqual(lengths, [Limits.peersPerMessage])
  })

  it("as blocks without a request is an offence where the node keeps no chain", () => {
    const node = make()
    const made = node.time()
    node.say(made, { _tag: "BlocksResponse", blocks: [] })
    assert.deepStrictEqual([node.of("Offence").map(({ detail }) => detail), node.heard()], [["unsolicited blocks"], []])
    const chain = make({ capabilities: Capability.chain })
    const other = chain.time()
    chain.say(other, { _tag: "BlocksResponse", blocks: [] })
    assert.deepStrictEqual([chain.of("Offence"), chain.heard(), chain.kept()], [[], ["chain BlocksResponse"], 1])
  })

  it("goes to the chain or to the masternodes by its kind, its frame kept for them, and to neither otherwise", () => {
    const node = make({ capabilities: Capability.chain })
    const random = randomFrom(5)
    const got = new Map<string, ReadonlyArray<string>>()
    tags.forEach((tag, i) => {
      const made = node.time(`10.0.3.${i + 1}`)
      node.kept()
      // The numbers of some messages depend on the peer's version.
      node.say(made, greeting, messageOf(tag, random))
      const heard = node.heard()
      assert.strictEqual(node.kept(), heard.length, tag)
      for (const one of heard) {
        const [who = "", what = ""] = one.split(" ")
        assert.strictEqual(what, tag)
        got.set(who, [...got.get(who) ?? [], tag])
      }
    })
    assert.deepStrictEqual(got.get("chain")?.toSorted(), [
      "BlockAnnouncement",
      "BlockHashResponse",
      "BlockHeightResponse",
      "BlockInventory",
      "BlockRangeResponse",
      "BlockRequest",
      "BlockResponse",
      "BlocksResponse",
      "ChainTipResponse",
      "ChainWorkAtResponse",
      "ChainWorkResponse",
      "ForkAlert",
      "GenesisAnnouncement",
      "GetBlockHash",
      "GetBlockRange",
      "GetBlocks",
      "GetChainWork",
      "GetChainWorkAt",
      "RequestGenesis",
      "TimeLockBlockProposal"
    ])
    assert.deepStrictEqual(got.get("masternodes")?.toSorted(), [
      "MasternodeAnnouncement",
      "MasternodeAnnouncementV2",
      "MasternodeAnnouncementV3",
      "MasternodeAnnouncementV4",
      "MasternodeInactive",
      "MasternodeStatusGossip",
      "MasternodeUnlock",
      "MasternodesResponse"
    ])
  })
})

describe("what this node sends", () => {
  it("as blocks goes behind all other messages, of each kind that has blocks", () => {
    const node = make()
    const made = node.time()
    const lanes: Array<string> = []
    made.connection.sendBulk = () => lanes.push("bulk") > 0
    made.connection.sendControl = () => lanes.push("control") > 0
    const block = messageOf("BlockAnnouncement", randomFrom(3))
    assert(block._tag === "BlockAnnouncement")
    for (const as of ["BlocksResponse", "BlockRangeResponse"] as const) {
      assert.isTrue(TimeOutgoing.sendBlocks(node.ctx, made.end, { _tag: "StoredBlocks", as, blocks: [] }))
    }
    for (const _tag of ["BlockResponse", "BlockAnnouncement", "GenesisAnnouncement"] as const) {
      assert.isTrue(TimeOutgoing.send(node.ctx, made.end, { ...block, _tag }), _tag)
    }
    assert.deepStrictEqual(lanes, Array.from({ length: 5 }, () => "bulk"))
    assert.isTrue(TimeOutgoing.send(node.ctx, made.end, { _tag: "GetBlockHeight" }))
    assert.strictEqual(lanes.at(-1), "control")
  })

  it("as a masternode's announcement is sent once, and only when it is due, in every version", () => {
    const random = randomFrom(3)
    for (const version of ["", "V2", "V3", "V4"]) {
      const node = make()
      const made = node.time()
      const time = made.end.time ?? assert.fail("no state")
      time.commitCount = greeting.commitCount
      const message = messageOf(`MasternodeAnnouncement${version}` as "MasternodeAnnouncement", random)
      const send = () => TimeOutgoing.send(node.ctx, made.end, message)
      const sent = () => counted(node, "sent").filter(([type]) => type === message._tag).map(([, count]) => count)
      assert.deepStrictEqual([send(), time.announcement, sent()], [false, "early", []])
      time.announcement = "due"
      assert.deepStrictEqual([send(), time.announcement, sent()], [true, "said", [1]])
      assert.deepStrictEqual([send(), sent()], [false, [1]])
    }
  })

  it("that the peer's version lacks is not sent, and counts as nothing", () => {
    const node = make()
    const made = node.time()
    const time = made.end.time ?? assert.fail("no state")
    time.commitCount = 2_100
    time.announcement = "due"
    const before = [time.sent, counted(node, "sent")]
    const message = messageOf("MasternodeStartedAtGossip", randomFrom(3))
    assert.isFalse(TimeOutgoing.send(node.ctx, made.end, message))
    assert.deepStrictEqual([time.sent, counted(node, "sent")], before)
    assert.strictEqual(time.announcement, "due")
  })

  it("is counted with its bytes", () => {
    const node = make()
    const made = node.time()
    TimeOutgoing.send(node.ctx, made.end, { _tag: "GetPeers" })
    assert.deepStrictEqual(counted(node, "sent").find(([type]) => type === "GetPeers"), ["GetPeers", 1, 8])
  })
})
