import { assert, describe, it } from "@effect/vitest"
import * as Hash from "../../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import { networks } from "../../../../src/domain/Network.ts"
import { Capability } from "../../../../src/domain/pair/Handshake.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import { tags, type TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import * as TimeOutgoing from "../../../../src/layers/peer/TimeOutgoing.ts"
import { randomFrom } from "../../../harness/random.ts"
import { messageOf } from "../../../harness/timeMessages.ts"
import { ack, counted, greeting, ip, make, tip } from "../../../harness/timeSessionHand.ts"

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
