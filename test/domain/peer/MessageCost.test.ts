import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as MessageCost from "../../../src/domain/peer/MessageCost.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
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
})
