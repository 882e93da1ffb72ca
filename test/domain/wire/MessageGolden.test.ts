import { assert, describe, it } from "@effect/vitest"
import { createPublicKey, verify } from "node:crypto"
import * as Bytes from "../../../src/domain/masternode/AnnouncementBytes.ts"
import type { Announcement, Claim, Key } from "../../../src/domain/masternode/Masternode.ts"
import { type Network, networks } from "../../../src/domain/Network.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import type * as Message from "../../../src/domain/wire/Message.ts"
import { bytesOf, hello, ofFrame, plain, vectors } from "../../harness/messages.ts"

const repeated = (byte: number, bytes = 32) => new Uint8Array(bytes).fill(byte)

/** bytes. From there on, of a vector; from its end if below 0. */
const vectorBytes = (name: string, from: number, to?: number): Uint8Array =>
  new Uint8Array((vectors.get(name) ?? Buffer.alloc(0)).subarray(from, to))

const bronze: Announcement = {
  claim: {
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c" as Key,
    ip: ip("203.0.113.7"),
    port: 24_100,
    tier: "bronze",
    at: Date.UTC(2025, 11, 1),
    collateral: { txid: Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString("hex"), vout: 1 }
  },
  signature: vectorBytes("own-masternode", -128, -64)
}

const golden: Record<string, Message.Message> = {
  "hello": hello,
  "hello-least": {
    _tag: "Hello",
    protocol: 2,
    rule: 3,
    network: "x",
    genesis: "00".repeat(32),
    nonce: 2n ** 64n - 1n,
    tag: "ff".repeat(16),
    process: "ff".repeat(8),
    peer: ip("::1"),
    listens: 0,
    software: "",
    tipHeight: Number.MAX_SAFE_INTEGER,
    tipHash: "ff".repeat(32),
    capabilities: 0xffff_ffff,
    extensions: []
  },
  "commit": { _tag: "Commit", lower: ip("50.28.104.50"), higher: ip("69.167.168.176") },
  "commit-ipv6": { _tag: "Commit", lower: ip("203.0.113.7"), higher: ip("2001:db8::7") },
  "ack": { _tag: "Ack" },
  "reject-full": { _tag: "Reject", reason: "full", text: "no room", retryAfterMs: 60_000 },
  "reject-application": { _tag: "Reject", reason: "application", text: "", retryAfterMs: 60_000 },
  "reject-alias": {
    _tag: "Reject",
    reason: "alias",
    text: "é",
    retryAfterMs: 60_000,
    address: ip("2001:db8::7")
  },
  "ping": { _tag: "Ping", nonce: 0x0102030405060708n },
  "pong": { _tag: "Pong", nonce: 2n ** 64n - 1n },
  "also": { _tag: "SameProcess", proof: "000102030405060708090a0b0c0d0e0f" },
  "data": { _tag: "Data", channel: 258, payload: new TextEncoder().encode("abc") },
  "data-empty": { _tag: "Data", channel: 0, payload: new Uint8Array(0) },
  "ask-peers": { _tag: "AskPeers" },
  "ask-dial-back": { _tag: "AskDialBack", request: 258 },
  "dial-back": { _tag: "DialBack", request: 258, result: "another-node", ip: ip("203.0.113.7"), port: 24_100 },
  "peers-none": { _tag: "Peers", peers: [] },
  "peers": {
    _tag: "Peers",
    peers: [
      { ip: ip("203.0.113.7"), port: 24_100 },
      { ip: ip("2001:db8::7"), port: 1 },
      { ip: ip("203.0.113.8"), port: 65_535 },
      { ip: ip("10.0.0.1"), port: 64 }
    ]
  },
  "get-headers-none": { _tag: "GetHeaders", request: 0, locator: [] },
  "get-headers": { _tag: "GetHeaders", request: 2 ** 32 - 1, locator: [repeated(0x11), repeated(0x22)] },
  "headers": { _tag: "Headers", request: 300, after: repeated(0x33), list: new Uint8Array(4), more: true },
  "headers-last": { _tag: "Headers", request: 300, after: repeated(0x33), list: new Uint8Array(4), more: false },
  "get-blocks": {
    _tag: "GetBlocks",
    request: 2,
    from: 70_000,
    hashes: Uint8Array.of(...repeated(0x44), ...repeated(0x55))
  },
  "blocks": { _tag: "Blocks", request: 2, blocks: [Uint8Array.of(1, 2, 3), new Uint8Array(0)], done: true },
  "blocks-more": { _tag: "Blocks", request: 2, blocks: [], done: false },
  "blocks-long": { _tag: "Blocks", request: 2, blocks: [repeated(1, 200)], done: true },
  "tip": { _tag: "Tip", height: 70_000, hash: repeated(0x66) },
  "tip-greatest": { _tag: "Tip", height: Number.MAX_SAFE_INTEGER, hash: repeated(0x66) },
  "new-block": { _tag: "NewBlock", block: Uint8Array.of(9, 8, 7) },
  "own-masternode": { _tag: "OwnMasternode", announcement: bronze, proof: vectorBytes("own-masternode", -64) },
  "masternodes": {
    _tag: "Masternodes",
    announcements: [bronze, {
      claim: { key: "11".repeat(32) as Key, ip: ip("2001:db8::7"), port: 0, tier: "free", at: 0x0102030405 },
      signature: repeated(0x22, 64)
    }]
  },
  "seen-masternodes": {
    _tag: "SeenMasternodes",
    seen: [{ ip: ip("203.0.113.7"), key: bronze.claim.key }, { ip: ip("2001:db8::7"), key: "11".repeat(32) as Key }]
  },
  "seen-masternodes-none": { _tag: "SeenMasternodes", seen: [] }
}

describe("what a masternode signs", () => {
  // The vectors were signed by another program, over bytes put together by hand.
  const isRight = (message: Uint8Array, signature: Uint8Array): boolean => {
    const der = Buffer.from(`302a300506032b6570032100${bronze.claim.key}`, "hex")
    return verify(null, message, createPublicKey({ key: der, format: "der", type: "spki" }), signature)
  }
  const session = { masternode: 0x0102030405060708n, peer: 0x1112131415161718n, peerIp: ip("2001:db8::7") }

  it("binds every field and the network", () => {
    const { claim, signature } = bronze
    const signed = (change: Partial<Claim>, network: Network = networks.testnet) =>
      isRight(Bytes.signed(network, { ...claim, ...change }), signature)
    assert.isTrue(signed({}))
    assert.isFalse(signed({ ip: ip("203.0.113.8") }))
    assert.isFalse(signed({ port: 24_101 }))
    assert.isFalse(signed({ tier: "silver" }))
    assert.isFalse(signed({ at: claim.at + 1 }))
    assert.isFalse(signed({ collateral: { txid: "00".repeat(32), vout: 1 } }))
    assert.isFalse(signed({ key: "11".repeat(32) as Key }))
    assert.isFalse(signed({}, networks.devnet))
    assert.isFalse(signed({}, { ...networks.testnet, name: "mainnet" }))
  })

  it("binds both ends of a connection and their addresses", () => {
    const proof = vectorBytes("own-masternode", -64)
    const signed = (change: Partial<Bytes.Session>, at = "203.0.113.7", network: Network = networks.testnet) =>
      isRight(Bytes.signedOnConnection(network, { ip: ip(at) }, { ...session, ...change }), proof)
    assert.isTrue(signed({}))
    assert.isFalse(signed({ masternode: session.peer, peer: session.masternode }))
    assert.isFalse(signed({ peer: 1n }))
    assert.isFalse(signed({ peerIp: ip("2001:db8::8") }))
    assert.isFalse(signed({}, "203.0.113.8"))
    assert.isFalse(signed({}, "203.0.113.7", networks.devnet))
  })
})

describe("golden bytes", () => {
  it("has a vector for every case and a case for every vector", () => {
    assert.deepStrictEqual([...vectors.keys()].toSorted(), Object.keys(golden).toSorted())
  })
  for (const [name, message] of Object.entries(golden)) {
    it(name, () => {
      const frame = vectors.get(name) ?? Buffer.alloc(0)
      assert.strictEqual(Buffer.from(bytesOf(message)).toString("hex"), frame.toString("hex"))
      assert.deepStrictEqual(plain(ofFrame(frame)), plain(message))
      assert.strictEqual(frame.readUInt32BE(), frame.length - 4)
    })
  }
})
