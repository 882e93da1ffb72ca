import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { createPublicKey, verify } from "node:crypto"
import * as fs from "node:fs"
import { rejectReasons } from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Bytes from "../../../src/domain/masternode/AnnouncementBytes.ts"
import type { Announcement, Claim, Key } from "../../../src/domain/masternode/Masternode.ts"
import { type Network, networks } from "../../../src/domain/Network.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import * as Frame from "../../../src/domain/wire/Frame.ts"
import { MasternodeKind } from "../../../src/domain/wire/MasternodeMessage.ts"
import * as Message from "../../../src/domain/wire/Message.ts"
import { decode } from "../../../src/domain/wire/native/NativeDecoder.ts"
import * as Encoder from "../../../src/domain/wire/native/NativeEncoder.ts"
import { isControl, Kind } from "../../../src/domain/wire/native/NativeLayout.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import { SyncKind } from "../../../src/domain/wire/SyncMessage.ts"
import type { Decoded } from "../../../src/domain/wire/Wire.ts"
import * as arb from "../../harness/arbitraries.ts"
import { long } from "../../harness/long.ts"
import { randomFrom } from "../../harness/random.ts"

const isMessage = Schema.is(Message.Message)
const bytesOf = (message: Message.Message): Uint8Array => Buffer.concat(Encoder.encode(message))
const ofFrame = (frame: Uint8Array): Decoded => decode(frame[4] ?? 0, frame, Frame.headerBytes, frame.length)
/** Structural copy with plain byte arrays, so that views into different buffers compare. */
const plain = (decoded: Decoded) => decoded._tag === "Data" ? { ...decoded, payload: [...decoded.payload] } : decoded

const vectors = new Map(
  fs.readFileSync(new URL("../../vectors/native-wire.txt", import.meta.url), "utf8")
    .replaceAll(/^(#.*)?\n/gm, "").replaceAll(/\n +/g, "").trim().split("\n").map((line) => {
      const [name = "", hex = ""] = line.split(":")
      return [name, Buffer.from(hex.replaceAll(" ", ""), "hex")] as const
    })
)

const hello: Message.Hello = {
  _tag: "Hello",
  protocol: 1,
  rule: 1,
  network: "testnet",
  genesis: "b9523431d4e59a1b41d757a8c0f01ed023c11123761b1455e4644ef9d5599ff6",
  nonce: 0x0102030405060708n,
  tag: "000102030405060708090a0b0c0d0e0f",
  process: "a0a1a2a3a4a5a6a7",
  peer: ip("69.167.168.176"),
  listens: 24_100,
  software: "timemesh/0.1.0",
  tipHeight: 70_000,
  tipHash: "11".repeat(32),
  capabilities: 3,
  extensions: [{ id: 0x0102, bytes: Uint8Array.of(0xbe, 0xef) }]
}

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

describe("Message", () => {
  it.prop("every message survives the wire", [arb.message], ([message]) => {
    assert.isTrue(isMessage(message), "the generator keeps to the schema")
    assert.deepStrictEqual(plain(ofFrame(bytesOf(message))), plain(message))
  }, { arbitrary: { runs: 2_000 } })

  it.prop("control kinds fit the frames allowed before Up", [arb.message], ([message]) => {
    const bytes = bytesOf(message)
    assert.strictEqual(
      isControl(bytes[4] ?? 0),
      !["Data", "Peers", "AskPeers", "AskDialBack", "DialBack", ...Object.keys(MasternodeKind)].includes(message._tag)
    )
    if (isControl(bytes[4] ?? 0)) assert.isAtMost(bytes.length - 4, Limits.frameBeforeUpBytes)
  }, { arbitrary: { runs: 500 } })

  it.prop(
    "a body cut or lengthened anywhere is never another message of a fixed layout",
    [arb.message],
    ([message]) => {
      // What they hold is a list of no said length.
      if (["Data", "Peers", "AskPeers", "Masternodes", "SeenMasternodes"].includes(message._tag)) return
      const frame = bytesOf(message)
      for (let end = Frame.headerBytes; end < frame.length; end++) {
        const decoded = decode(frame[4] ?? 0, frame, Frame.headerBytes, end)
        // A Hello cut between two extensions is a Hello with fewer of them.
        if (decoded._tag === "Hello" && message._tag === "Hello") {
          assert.isBelow(decoded.extensions.length, message.extensions.length)
        } else assert.strictEqual(decoded._tag, "BadBody")
      }
      assert.strictEqual(ofFrame(Buffer.concat([frame, Buffer.alloc(1)]))._tag, "BadBody")
    },
    { arbitrary: { runs: 60 } }
  )

  it("the longest Hello and the most Peers fit their bounds", () => {
    const longest: Message.Hello = {
      ...hello,
      network: "n".repeat(Limits.networkNameBytes),
      software: "é".repeat(Limits.softwareBytes / 2),
      extensions: [{ id: 1, bytes: new Uint8Array(Limits.helloExtensionsBytes - 4) }]
    }
    assert.isTrue(isMessage(longest))
    assert.isAtMost(bytesOf(longest).length - 4, Limits.frameBeforeUpBytes)
    assert.deepStrictEqual(ofFrame(bytesOf(longest)), longest)
    const peers: Message.Peers = {
      _tag: "Peers",
      peers: Array.from({ length: Limits.peersPerMessage }, (_, i) => ({
        ip: ip(`ffff:ffff:ffff:ffff:ffff:ffff:ffff:${(0x1000 + i).toString(16)}`),
        port: 65_535 - i
      }))
    }
    assert.deepStrictEqual(ofFrame(bytesOf(peers)), peers)
    assert.isAtMost(bytesOf(peers).length - Frame.headerBytes, Limits.peersBodyBytes)
    assert.throws(() => bytesOf({ ...peers, peers: [...peers.peers, { ip: ip("1.2.3.4"), port: 1 }] }))
  })

  it("refuses too many or too long extensions, and skips unknown ones", () => {
    const many = { ...hello, extensions: Array.from({ length: 17 }, (_, id) => ({ id, bytes: new Uint8Array(0) })) }
    assert.strictEqual(ofFrame(bytesOf(many))._tag, "BadBody")
    const long = { ...hello, extensions: [{ id: 1, bytes: new Uint8Array(Limits.helloExtensionsBytes - 3) }] }
    assert.strictEqual(ofFrame(bytesOf(long))._tag, "BadBody")
    assert.strictEqual(
      ofFrame(bytesOf({ ...hello, extensions: [{ id: 65_535, bytes: new Uint8Array(9) }] }))._tag,
      "Hello"
    )
  })

  it("keeps no view of the frame in a Hello, which outlives it", () => {
    const frame = Buffer.from(bytesOf(hello))
    const decoded = ofFrame(frame)
    frame.fill(0)
    assert.deepStrictEqual(decoded, hello)
  })

  it("refuses what a Hello must not say", () => {
    const at = (offset: number, ...values: ReadonlyArray<number>) => {
      const frame = Uint8Array.from(bytesOf(hello))
      frame.set(values, Frame.headerBytes + offset)
      return ofFrame(frame)._tag
    }
    assert.strictEqual(at(86, 0x00, 0x20), "BadBody", "tip height 2^53")
    assert.strictEqual(at(130, 0), "BadBody", "no network")
    assert.strictEqual(at(130, 33), "BadBody", "long network")
    assert.strictEqual(at(131, 0x20), "BadBody", "blank in the network")
    assert.strictEqual(at(131, 0x80), "BadBody", "network beyond ASCII")
    const software = (bytes: number) => {
      const whole = bytesOf({ ...hello, software: "", extensions: [] })
      const frame = Buffer.concat([Buffer.from(whole), Buffer.alloc(bytes, "a")])
      frame[whole.length - 1] = bytes
      return ofFrame(frame)._tag
    }
    assert.strictEqual(software(64), "Hello")
    assert.strictEqual(software(65), "BadBody", "long software")
  })

  it("reads IPv4-mapped bytes as IPv4", () => {
    const decoded = ofFrame(vectors.get("hello") ?? Buffer.alloc(0))
    assert.strictEqual<unknown>(decoded._tag === "Hello" ? decoded.peer : "", "69.167.168.176")
  })

  it("reads an unknown reject code as operator, saying which", () => {
    for (let code = 0; code < 256; code++) {
      const frame = Uint8Array.from(vectors.get("reject-full") ?? [])
      frame[5] = code
      const decoded = ofFrame(frame)
      assert.isTrue(decoded._tag === "Reject" && isMessage(decoded))
      if (decoded._tag !== "Reject") continue
      assert.strictEqual(decoded.reason, rejectReasons[code - 1] ?? "operator")
      assert.strictEqual(decoded.text, rejectReasons[code - 1] === undefined ? `reason ${code}: no room` : "no room")
      assert.strictEqual(decoded.retryAfterMs, 60_000)
    }
  })

  it("mends texts instead of refusing them", () => {
    const bad = Uint8Array.from(vectors.get("reject-full") ?? [])
    bad.set([0xff, 0x1b, 0x0a, 0x41, 0xe2, 0x80, 0xae], bad.length - 7)
    const decoded = ofFrame(bad)
    assert.strictEqual(decoded._tag === "Reject" ? decoded.text : "", "\ufffd??A?")
    const long = ofFrame(bytesOf({ _tag: "Reject", reason: "full", text: `${"é".repeat(200)}`, retryAfterMs: 1 }))
    assert.strictEqual(long._tag === "Reject" ? long.text : "", "é".repeat(128))
    assert.strictEqual(Message.cleanText("a\ud800b\u0000c\u2028d", 100), "a?b?c?d")
    assert.strictEqual(Message.cleanText("aé", 2), "a")
  })

  it("gives a payload as a view, not a copy, also of a view in a larger buffer", () => {
    const around = new Uint8Array(100)
    around.set(vectors.get("data") ?? [], 50)
    const view = around.subarray(40)
    const decoded = decode(Kind.Data, view, 10 + Frame.headerBytes, 20)
    assert.isTrue(decoded._tag === "Data")
    if (decoded._tag !== "Data") return
    assert.strictEqual(decoded.payload.buffer, around.buffer)
    around[57] = 0x7a
    assert.deepStrictEqual([...decoded.payload], [0x7a, 0x62, 0x63])
  })

  it("answers Unknown for every other kind", () => {
    const known = new Set<number>([
      ...Object.values(Kind),
      ...Object.values(SyncKind),
      ...Object.values(MasternodeKind)
    ])
    for (let kind = 0; kind < 256; kind++) {
      const decoded = decode(kind, new Uint8Array(3), 0, 3)
      assert.strictEqual(decoded._tag === "Unknown", !known.has(kind))
    }
  })

  it("does not begin to decode a Peers body over its bound", () => {
    const decoded = decode(Kind.Peers, new Uint8Array(Limits.frameBytes), 0, Limits.peersBodyBytes + 1)
    assert.strictEqual(decoded._tag === "BadBody" ? decoded.reason : "", "16385 bytes, over 16384")
  })

  it(
    "is total: 200,000 bodies, random and mutated, never throw, and what is a message keeps to the schema",
    long,
    () => {
      const seed = 20_251_124
      const random = randomFrom(seed)
      const corpus = [...vectors.values()].map((frame) => Uint8Array.from(frame)).concat([
        Uint8Array.from(
          bytesOf({ _tag: "Peers", peers: [{ ip: ip("1.2.3.4"), port: 5 }, { ip: ip("2001:db8::7"), port: 24_100 }] })
        )
      ])
      const kinds = [...Object.values(Kind), ...Object.values(MasternodeKind)]
      const seen = new Map<string, number>()
      for (let i = 0; i < 200_000; i++) {
        let body: Uint8Array
        let kind: number
        if (i % 4 === 0) {
          body = Uint8Array.from({ length: random(200) }, () => random(256))
          kind = kinds[random(kinds.length)] ?? 0
        } else {
          const frame = corpus[random(corpus.length)] ?? new Uint8Array(5)
          kind = frame[4] ?? 0
          body = frame.slice(Frame.headerBytes, random(4) === 0 ? Frame.headerBytes + random(frame.length) : undefined)
          for (let n = random(4); n > 0 && body.length > 0; n--) body[random(body.length)] = random(256)
        }
        let decoded: Decoded
        try {
          decoded = decode(kind, body, 0, body.length)
        } catch (error) {
          return assert.fail(
            `seed ${seed}, input ${i}: kind ${kind} ${Buffer.from(body).toString("hex")}: ${String(error)}`
          )
        }
        seen.set(decoded._tag, (seen.get(decoded._tag) ?? 0) + 1)
        // The schema is slow: a quarter of the inputs.
        if (i % 8 < 2 && decoded._tag !== "BadBody" && decoded._tag !== "Unknown") {
          assert.isTrue(isMessage(decoded), `seed ${seed}, input ${i}: ${Buffer.from(body).toString("hex")}`)
          assert.deepStrictEqual(plain(ofFrame(bytesOf(decoded))), plain(decoded))
        }
      }
      // The fuzz reaches every kind of answer, else it proves nothing.
      for (
        const tag of [
          "Hello",
          "Commit",
          "Ack",
          "Reject",
          "Ping",
          "Pong",
          "SameProcess",
          "Data",
          "Peers",
          "AskPeers",
          "AskDialBack",
          "DialBack",
          "BadBody"
        ]
      ) {
        assert.isAbove(seen.get(tag) ?? 0, 100, tag)
      }
    }
  )
})

describe("a stream that is TLS", () => {
  for (const head of [[0x15, 3, 3, 0], [0x15, 3, 1, 0], [0x16, 3, 1, 2], [0x16, 3, 3, 0]]) {
    it(`is named: ${Buffer.from(head).toString("hex")}`, () => {
      const reader = NativeWire.reader((bytes) => new Uint8Array(bytes))
      reader.push(Uint8Array.from(head))
      assert.strictEqual(reader.read(Limits.frameBeforeUpBytes), "malformed")
      assert.include(reader.fault(Limits.frameBeforeUpBytes), "this endpoint speaks TLS")
    })
  }

  it("other lengths are told as what they are", () => {
    const reader = NativeWire.reader((bytes) => new Uint8Array(bytes))
    reader.push(Uint8Array.of(0x15, 3, 2, 0))
    assert.strictEqual(reader.read(Limits.frameBytes), "malformed")
    assert.strictEqual(reader.fault(Limits.frameBytes), `frame length 352518656 exceeds limit ${Limits.frameBytes}`)
  })
})
