import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { rejectReasons } from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import * as Frame from "../../../src/domain/wire/Frame.ts"
import { MasternodeKind } from "../../../src/domain/wire/MasternodeMessage.ts"
import * as Message from "../../../src/domain/wire/Message.ts"
import { decode } from "../../../src/domain/wire/native/NativeDecoder.ts"
import { isControl, Kind } from "../../../src/domain/wire/native/NativeLayout.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import { SyncKind } from "../../../src/domain/wire/SyncMessage.ts"
import type { Decoded } from "../../../src/domain/wire/Wire.ts"
import * as arb from "../../harness/arbitraries.ts"
import { long } from "../../harness/long.ts"
import { bytesOf, hello, ofFrame, plain, vectors } from "../../harness/messages.ts"
import { randomFrom } from "../../harness/random.ts"

const isMessage = Schema.is(Message.Message)

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
    "is total: 50,000 bodies, random and mutated, never throw, and what is a message keeps to the schema",
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
      for (let i = 0; i < 50_000; i++) {
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
