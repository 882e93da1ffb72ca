import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as MessageCost from "../../../src/domain/peer/MessageCost.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { tags } from "../../../src/domain/wire/time/TimeMessage.ts"
import type { Decoded } from "../../../src/domain/wire/Wire.ts"

const cost = (message: Decoded, bytes = 0) => MessageCost.of(message, bytes)

describe("MessageCost", () => {
  it("every message that a peer may send unasked is paid for", () => {
    const hash = new Uint8Array(32)
    const unasked: ReadonlyArray<Decoded> = [
      { _tag: "Ping", nonce: 1n },
      { _tag: "Pong", nonce: 1n },
      { _tag: "Ack" },
      { _tag: "SameProcess", proof: "00".repeat(16) },
      { _tag: "Peers", peers: [] },
      { _tag: "AskPeers" },
      { _tag: "GetHeaders", request: 1, locator: [] },
      { _tag: "GetBlocks", request: 1, from: 1, hashes: hash },
      { _tag: "Tip", height: 1, hash },
      { _tag: "NewBlock", block: new Uint8Array(0) },
      { _tag: "SeenMasternodes", seen: [] },
      { _tag: "Unknown", kind: 99 }
    ]
    for (const message of unasked) assert.isAtLeast(cost(message)?.tokens ?? 0, 1, message._tag)
  })

  it("what takes more work costs more", () => {
    const peers = Array.from({ length: 200 }, () => ({ ip: PeerIp.fromStringUnsafe("10.0.0.1"), port: 24_200 }))
    assert.deepStrictEqual(cost({ _tag: "Peers", peers }), { bucket: "addresses", tokens: 201 })
    assert.deepStrictEqual(cost({ _tag: "Unknown", kind: 99 }, 8 * 1024 * 1024), { bucket: "unknown", tokens: 513 })
    assert.deepStrictEqual(cost({ _tag: "SeenMasternodes", seen: [] }, 10_240), { bucket: "masternode", tokens: 11 })
    assert.deepStrictEqual(MessageCost.unreceived(3, 2_048), { bucket: "unreceived", tokens: 5 })
  })

  it("answers to what this node asked for are free", () => {
    assert.isUndefined(cost({ _tag: "Blocks", request: 1, blocks: [], done: true }, 1e6))
    assert.isUndefined(
      cost({ _tag: "Headers", request: 1, after: new Uint8Array(32), list: new Uint8Array(0), more: false })
    )
  })

  it("an honest peer fits: its fastest pings, a full list of addresses on Up, all masternodes at once", () => {
    const { addresses, masternode, ping } = Limits.messageRates
    assert.isAtLeast(ping.perSecond, 2 * 1_000 / Limits.pingLeastMs)
    assert.isAtLeast(addresses.burst, 2 * (1 + Limits.peersPerMessage))
    const frames = Limits.announcementsOut.burst / Limits.announcementsPerMessage
    assert.isAtLeast(masternode.burst, 2 * frames * (1 + 10))
  })

  const byBucket = <M extends { readonly _tag: string }>(
    of: (message: M, bytes: number) => MessageCost.Cost | undefined,
    tags: ReadonlyArray<string>
  ) => {
    const bytes = 40 * 1_024
    const table: Record<string, ReadonlyArray<string>> = {}
    for (const _tag of tags) {
      const lists = { peers: [], addresses: [], masternodes: [] }
      const cost = of({ _tag, ...lists } as unknown as M, bytes)
      const key = cost === undefined ? "free" : `${cost.bucket} ${cost.tokens}`
      table[key] = [...table[key] ?? [], _tag]
    }
    return table
  }

  it("each message of ours has its bucket: of 40 KiB, what it carries counts where it is paid by size", () => {
    const expected = {
      "ping 1": ["Ping"],
      "pong 1": ["Pong"],
      "handshake 1": ["Hello", "Commit", "Ack", "Reject", "SameProcess"],
      "addresses 1": ["Peers"],
      "askAddresses 1": ["AskPeers", "AskDialBack", "DialBack"],
      "request 1": ["GetHeaders", "GetBlocks"],
      "announce 1": ["Tip"],
      "announce 11": ["NewBlock"],
      "masternode 41": ["OwnMasternode", "Masternodes", "SeenMasternodes"],
      "unknown 3": ["Unknown"],
      "free": ["Data", "Headers", "Blocks", "BadBody"]
    }
    assert.deepStrictEqual(byBucket(MessageCost.of, Object.values(expected).flat()), expected)
  })

  it("each message of the TIME wire has its bucket, and what only passes by costs as what is not known", () => {
    const expected = {
      "ping 1": ["Ping"],
      "pong 1": ["Pong"],
      "handshake 1": ["Handshake", "Ack", "Version"],
      "addresses 1": ["PeersResponse", "PeerExchange", "MasternodesResponse"],
      "askAddresses 1": ["GetPeers", "GetMasternodes"],
      "request 1": [
        "GetGenesisHash",
        "GetBlockHeight",
        "GetChainTip",
        "GetBlocks",
        "RequestGenesis",
        "BlockRequest",
        "GetBlockHash",
        "GetBlockRange",
        "GetChainWork",
        "GetChainWorkAt",
        "MempoolSyncRequest"
      ],
      "announce 1": [
        "ChainTipResponse",
        "BlockInventory",
        "ForkAlert",
        "BlockHashResponse",
        "BlockHeightResponse",
        "GenesisHashResponse",
        "ChainWorkResponse",
        "ChainWorkAtResponse"
      ],
      "announce 11": [
        "BlockAnnouncement",
        "TimeLockBlockProposal",
        "BlockResponse",
        "GenesisAnnouncement",
        "BlockRangeResponse"
      ],
      "free": ["BlocksResponse", "BadBody"]
    }
    const named = Object.values(expected).flat()
    const others = tags.filter((tag) => !named.includes(tag))
    assert.isNotEmpty(others)
    const table = byBucket(MessageCost.ofTime, [...named, ...others])
    assert.deepStrictEqual(table, { ...expected, "unknown 3": others })
  })

  it("a list of the TIME wire costs by its entries", () => {
    for (
      const [_tag, field] of [["PeersResponse", "addresses"], ["PeerExchange", "peers"], [
        "MasternodesResponse",
        "masternodes"
      ]]
    ) {
      const message = { _tag, [field ?? ""]: [1, 2, 3] } as unknown as Parameters<typeof MessageCost.ofTime>[0]
      assert.deepStrictEqual(MessageCost.ofTime(message, 0), { bucket: "addresses", tokens: 4 })
    }
  })

  it("each bucket has the rate of its limit", () => {
    for (const [bucket, rate] of Object.entries(Limits.messageRates)) {
      assert.strictEqual(MessageCost.rateOf(bucket as MessageCost.Bucket), rate)
    }
  })
})
