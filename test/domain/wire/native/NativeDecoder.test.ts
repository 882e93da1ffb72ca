/** The bounds of every body of a native frame, one byte to either side, and what is said of a bad one. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Limits from "../../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../../src/domain/peer/PeerIp.ts"
import * as Frame from "../../../../src/domain/wire/Frame.ts"
import { MasternodeKind } from "../../../../src/domain/wire/MasternodeMessage.ts"
import type * as Message from "../../../../src/domain/wire/Message.ts"
import { decode } from "../../../../src/domain/wire/native/NativeDecoder.ts"
import * as Encoder from "../../../../src/domain/wire/native/NativeEncoder.ts"
import { Kind, peersCodec } from "../../../../src/domain/wire/native/NativeLayout.ts"
import { SyncKind } from "../../../../src/domain/wire/SyncMessage.ts"

const hello: Message.Hello = {
  _tag: "Hello",
  protocol: 1,
  rule: 2,
  network: "net",
  genesis: "0a".repeat(32),
  nonce: 3n,
  tag: "0b".repeat(16),
  process: "0c".repeat(8),
  peer: ip("10.0.0.1"),
  listens: 4,
  software: "soft",
  tipHeight: 5,
  tipHash: "0d".repeat(32),
  capabilities: 6,
  extensions: []
}

const bodyOf = (message: Message.Message): Uint8Array =>
  new Uint8Array(Buffer.concat(Encoder.encode(message)).subarray(Frame.headerBytes))
/** The message of a body that lies between other bytes, as in a reader's chunk. */
const decoded = (kind: number, body: Uint8Array) =>
  decode(kind, Uint8Array.of(0xee, 0xee, 0xee, ...body, 0xee, 0xee), 3, 3 + body.length)
const reason = (kind: number, body: Uint8Array): string => {
  const message = decoded(kind, body)
  if (message._tag !== "BadBody") return message._tag
  assert.strictEqual(message.kind, kind)
  return message.reason
}
/** A `Peers` of rows that no encoder of ours lets through. */
const encodePeers = Schema.encodeSync(peersCodec)
const edited = (body: Uint8Array, at: number, ...bytes: ReadonlyArray<number>): Uint8Array => {
  const copy = Uint8Array.from(body)
  copy.set(bytes, at)
  return copy
}

describe("a body of a fixed length", () => {
  const fixed: ReadonlyArray<readonly [kind: number, tag: string, bytes: number]> = [
    [Kind.Ping, "Ping", 8],
    [Kind.Pong, "Pong", 8],
    [Kind.SameProcess, "SameProcess", 16],
    [Kind.AskPeers, "AskPeers", 0],
    [Kind.AskDialBack, "AskDialBack", 4],
    [Kind.DialBack, "DialBack", 23],
    [Kind.Commit, "Commit", 32],
    [Kind.Ack, "Ack", 0]
  ]
  for (const [kind, tag, bytes] of fixed) {
    it(`${tag} has ${bytes} bytes, and neither fewer nor more`, () => {
      assert.strictEqual(reason(kind, new Uint8Array(bytes)), tag)
      assert.strictEqual(reason(kind, new Uint8Array(bytes + 1)), `${bytes + 1} bytes instead of ${bytes}`)
      for (let n = 0; n < bytes; n++) {
        assert.strictEqual(reason(kind, new Uint8Array(n)), `${n} bytes instead of ${bytes}`)
      }
    })
  }

  it("is read to its last byte", () => {
    const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i + 1)
    assert.deepStrictEqual(decoded(Kind.Ping, bytes(8)), { _tag: "Ping", nonce: 0x0102_0304_0506_0708n })
    assert.deepStrictEqual(decoded(Kind.Pong, bytes(8)), { _tag: "Pong", nonce: 0x0102_0304_0506_0708n })
    assert.deepStrictEqual(decoded(Kind.AskDialBack, bytes(4)), { _tag: "AskDialBack", request: 0x0102_0304 })
    assert.deepStrictEqual(decoded(Kind.SameProcess, bytes(16)), {
      _tag: "SameProcess",
      proof: "0102030405060708090a0b0c0d0e0f10"
    })
    assert.deepStrictEqual(decoded(Kind.Commit, bytes(32)), {
      _tag: "Commit",
      lower: ip("102:304:506:708:90a:b0c:d0e:f10"),
      higher: ip("1112:1314:1516:1718:191a:1b1c:1d1e:1f20")
    })
    assert.deepStrictEqual(decoded(Kind.DialBack, bytes(23)), {
      _tag: "DialBack",
      request: 0x0102_0304,
      result: "not-a-node",
      ip: ip("607:809:a0b:c0d:e0f:1011:1213:1415"),
      port: 0x1617
    })
  })

  it("of a DialBack has an unknown result read as no answer", () => {
    const results = [0, 1, 2, 3, 4, 5, 6, 255].map((code) => {
      const message = decoded(Kind.DialBack, edited(new Uint8Array(23), 4, code))
      return message._tag === "DialBack" ? message.result : message._tag
    })
    assert.deepStrictEqual(results, [
      "no-answer",
      "reached",
      "another-node",
      "refused",
      "no-answer",
      "not-a-node",
      "no-answer",
      "no-answer"
    ])
  })
})

describe("a Data", () => {
  it("needs its channel number, and no byte more", () => {
    const short = "shorter than its channel number"
    assert.deepStrictEqual([0, 1].map((n) => reason(Kind.Data, new Uint8Array(n))), [short, short])
    assert.deepStrictEqual(decoded(Kind.Data, Uint8Array.of(1, 2)), {
      _tag: "Data",
      channel: 258,
      payload: new Uint8Array(0)
    })
    assert.deepStrictEqual(decoded(Kind.Data, Uint8Array.of(1, 2, 3, 4)), {
      _tag: "Data",
      channel: 258,
      payload: Uint8Array.of(3, 4)
    })
  })
})

describe("a Hello", () => {
  const body = bodyOf(hello)
  const networkAt = 130

  it("names what is wrong with it", () => {
    const refused = (body: Uint8Array) => reason(Kind.Hello, body)
    assert.strictEqual(refused(body.subarray(0, 131)), "too short")
    assert.strictEqual(refused(new Uint8Array(0)), "too short")
    assert.strictEqual(refused(edited(body, 86, 0, 0x20)), "tip height over 2^53 - 1")
    assert.strictEqual(refused(edited(body, 86, 0, 0x1f, 255, 255, 255, 255, 255, 255)), "Hello")
    for (const length of [0, 33, 255]) {
      assert.strictEqual(refused(edited(body, networkAt, length)), "length of the network name", `${length}`)
    }
    const ascii = "network name is not printable ASCII"
    for (
      const [char, expected] of [[0x20, ascii], [0x21, "Hello"], [0x7e, "Hello"], [0x7f, ascii], [0xc3, ascii]] as const
    ) {
      for (const at of [1, 2, 3]) assert.strictEqual(refused(edited(body, networkAt + at, char)), expected, `${char}`)
    }
    assert.strictEqual(refused(edited(body, networkAt + 4, 65)), "length of the software name")
    assert.strictEqual(refused(edited(body, networkAt + 4, 5)), "too short for its software name")
    assert.strictEqual(refused(edited(body, networkAt + 4, 64)), "too short for its software name")
    // A network name that runs over the end.
    assert.strictEqual(refused(body.subarray(0, networkAt + 3)), ascii)
  })

  it("ends where its software name does, at the earliest", () => {
    for (let n = 0; n < body.length; n++) {
      assert.notStrictEqual(reason(Kind.Hello, body.subarray(0, n)), "Hello", `${n}`)
    }
    assert.strictEqual(reason(Kind.Hello, body), "Hello")
    const least = bodyOf({ ...hello, network: "n", software: "" })
    assert.strictEqual(least.length, 130 + 3)
    assert.strictEqual(reason(Kind.Hello, least), "Hello")
    const longest = { ...hello, network: "n".repeat(32), software: "s".repeat(64) }
    assert.deepStrictEqual(decoded(Kind.Hello, bodyOf(longest)), longest)
  })

  it("has as many extensions, and as many bytes of them, as its bounds allow", () => {
    const extended = (extensions: Message.Hello["extensions"]) => bodyOf({ ...hello, extensions })
    const empty = (n: number) => Array.from({ length: n }, (_, id) => ({ id, bytes: new Uint8Array(0) }))
    assert.strictEqual(reason(Kind.Hello, extended(empty(Limits.helloExtensions))), "Hello")
    assert.strictEqual(reason(Kind.Hello, extended(empty(Limits.helloExtensions + 1))), "too many extensions")
    const long = (bytes: number) => extended([{ id: 1, bytes: new Uint8Array(bytes) }])
    assert.strictEqual(reason(Kind.Hello, long(Limits.helloExtensionsBytes - 4)), "Hello")
    assert.strictEqual(reason(Kind.Hello, long(Limits.helloExtensionsBytes - 3)), "extensions too long")
    const two = [{ id: 0x0102, bytes: Uint8Array.of(7, 8) }, { id: 0xffff, bytes: Uint8Array.of(9) }]
    const whole = extended(two)
    const message = decoded(Kind.Hello, whole)
    assert.deepStrictEqual(message._tag === "Hello" ? message.extensions : [], two)
    for (let cut = 1; cut < 5; cut++) {
      assert.strictEqual(reason(Kind.Hello, whole.subarray(0, -cut)), "broken extension", `${cut} bytes short`)
    }
    assert.strictEqual(reason(Kind.Hello, edited(whole, whole.length - 2, 2)), "broken extension")
  })
})

describe("a Reject", () => {
  const body = bodyOf({ _tag: "Reject", reason: "full", text: "ab", retryAfterMs: 7, address: ip("10.0.0.2") })

  it("is read in full, with and without an address", () => {
    assert.deepStrictEqual(decoded(Kind.Reject, body), {
      _tag: "Reject",
      reason: "full",
      text: "ab",
      retryAfterMs: 7,
      address: ip("10.0.0.2")
    })
    const plain = bodyOf({ _tag: "Reject", reason: "full", text: "", retryAfterMs: 2 ** 32 - 1 })
    assert.strictEqual(plain.length, 8)
    assert.deepStrictEqual(decoded(Kind.Reject, plain), {
      _tag: "Reject",
      reason: "full",
      text: "",
      retryAfterMs: 2 ** 32 - 1
    })
  })

  it("names what is wrong with it", () => {
    const refused = (body: Uint8Array) => reason(Kind.Reject, body)
    assert.strictEqual(refused(body.subarray(0, 7)), "too short")
    for (const length of [1, 15, 17, 32]) {
      assert.strictEqual(refused(edited(body, 5, length)), "length of the address", `${length}`)
    }
    assert.strictEqual(refused(edited(body, 6, 1, 1)), "length of the text")
    assert.strictEqual(refused(edited(body, 6, 1, 0)), "26 bytes instead of 280")
    assert.strictEqual(refused(body.subarray(0, -1)), "25 bytes instead of 26")
    assert.strictEqual(refused(Uint8Array.of(...body, 0)), "27 bytes instead of 26")
    assert.strictEqual(refused(edited(body, 5, 0)), "26 bytes instead of 10")
    const longest = bodyOf({ _tag: "Reject", reason: "full", text: "t".repeat(256), retryAfterMs: 0 })
    assert.strictEqual(refused(longest), "Reject")
  })
})

describe("a Peers", () => {
  const peers = Array.from({ length: 3 }, (_, i) => ({ ip: ip(`10.0.0.${i + 1}`), port: 100 + i }))
  const body = bodyOf({ _tag: "Peers", peers })

  it("names what is wrong with it, and never takes a part of a list", () => {
    for (let end = 0; end < body.length; end++) {
      const message = decoded(Kind.Peers, body.subarray(0, end))
      assert.strictEqual(message._tag, "BadBody", `${end} bytes`)
      if (message._tag === "BadBody") assert.isAbove(message.reason.length, 5)
    }
    assert.strictEqual(reason(Kind.Peers, new Uint8Array(Limits.peersBodyBytes + 1)), "16385 bytes, over 16384")
    assert.notInclude(reason(Kind.Peers, new Uint8Array(Limits.peersBodyBytes)), "over")
  })

  it("has ports of 1 to 65535 and addresses of 16 bytes, and as many as a message may have", () => {
    const raw = (rows: ReadonlyArray<{ readonly ip: Uint8Array; readonly port: number }>) =>
      encodePeers({ peers: rows })
    const address = new Uint8Array(16).fill(1)
    for (const port of [0, 65_536, 1.5, -1, NaN]) {
      assert.strictEqual(reason(Kind.Peers, raw([{ ip: address, port }])), `port ${port}`)
    }
    for (const port of [1, 65_535]) assert.strictEqual(reason(Kind.Peers, raw([{ ip: address, port }])), "Peers")
    for (const bytes of [0, 4, 15, 17]) {
      assert.strictEqual(
        reason(Kind.Peers, raw([{ ip: new Uint8Array(bytes), port: 1 }])),
        `an address of ${bytes} bytes`
      )
    }
    const many = (n: number) => raw(Array.from({ length: n }, () => ({ ip: address, port: 1 })))
    assert.strictEqual(reason(Kind.Peers, many(Limits.peersPerMessage)), "Peers")
    assert.strictEqual(reason(Kind.Peers, many(Limits.peersPerMessage + 1)), "257 peers, over 256")
  })
})

describe("a kind", () => {
  it("is its number, on every wire and for ever", () => {
    assert.deepStrictEqual({ ...Kind, ...SyncKind, ...MasternodeKind }, {
      Hello: 1,
      Commit: 2,
      Ack: 3,
      Reject: 4,
      Ping: 5,
      Pong: 6,
      SameProcess: 7,
      Data: 16,
      Peers: 17,
      AskPeers: 18,
      AskDialBack: 19,
      DialBack: 20,
      GetHeaders: 32,
      Headers: 33,
      GetBlocks: 34,
      Blocks: 35,
      Tip: 36,
      NewBlock: 37,
      OwnMasternode: 48,
      Masternodes: 49,
      SeenMasternodes: 50
    })
  })

  it("that this version does not know is told as such, with its number", () =>
    assert.deepStrictEqual(decoded(200, Uint8Array.of(1)), { _tag: "Unknown", kind: 200 }))

  it("of a sync or masternode message has its fault cleaned and cut", () => {
    const said = reason(SyncKind.GetHeaders, new Uint8Array(0))
    assert.isAbove(said.length, 5)
    assert.isAtMost(Buffer.byteLength(said), 200)
    assert.notMatch(said, /\n/)
  })
})
