/** The bounds that the schemas of messages give their fields: each at its limit, and one beyond it. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { rejectReasons } from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import { dialBackResults } from "../../../src/domain/peer/Reach.ts"
import * as Message from "../../../src/domain/wire/Message.ts"

const isMessage = Schema.is(Message.Message)

const good: Readonly<Record<string, Message.Message>> = {
  Hello: {
    _tag: "Hello",
    protocol: 1,
    rule: 1,
    network: "testnet",
    genesis: "0a".repeat(32),
    nonce: 1n,
    tag: "0b".repeat(16),
    process: "0c".repeat(8),
    peer: ip("10.0.0.1"),
    listens: 0,
    software: "",
    tipHeight: 0,
    tipHash: "0d".repeat(32),
    capabilities: 0,
    extensions: []
  },
  Commit: { _tag: "Commit", lower: ip("10.0.0.1"), higher: ip("10.0.0.2") },
  Reject: { _tag: "Reject", reason: "full", text: "", retryAfterMs: 0, address: ip("10.0.0.1") },
  Ping: { _tag: "Ping", nonce: 0n },
  Pong: { _tag: "Pong", nonce: 0n },
  SameProcess: { _tag: "SameProcess", proof: "00".repeat(16) },
  Data: { _tag: "Data", channel: 0, payload: new Uint8Array(0) },
  Peers: { _tag: "Peers", peers: [] },
  AskDialBack: { _tag: "AskDialBack", request: 0 },
  DialBack: { _tag: "DialBack", request: 0, result: "reached", ip: ip("10.0.0.1"), port: 0 }
}

const integers = (bits: number): readonly [ReadonlyArray<unknown>, ReadonlyArray<unknown>] => [
  [0, 1, 2 ** bits - 1],
  [-1, 2 ** bits, 0.5, NaN, "1", 1n, undefined]
]
const nonces = [[0n, 2n ** 64n - 1n], [-1n, 2n ** 64n, 1]] as const
const hex = (bytes: number) => {
  const text = "0f".repeat(bytes)
  return [[text, "00".repeat(bytes), "af".repeat(bytes)], [
    `${text}0`,
    text.slice(1),
    `${text}00`,
    text.slice(2),
    `${text.slice(1)}g`,
    text.toUpperCase(),
    `x${text}`,
    `${text}x`,
    "",
    1
  ]] as const
}
const ips = [[ip("10.0.0.1"), ip("2001:db8::7")], ["10.0.0", "010.0.0.1", "2001:DB8::7", "", 1]] as const
const text = (bytes: number) =>
  [
    ["", "a b", "x".repeat(bytes), "é".repeat(bytes / 2)],
    ["x".repeat(bytes + 1), "é".repeat(bytes / 2 + 1), "a\nb", "\u0000", "\u200e", "\u2028", "\u2029", "\ud800", 1]
  ] as const
const extension = (id: number, bytes: number) => ({ id, bytes: new Uint8Array(bytes) })
const extensions = (n: number, bytes: number) => Array.from({ length: n }, (_, id) => extension(id, bytes))
const row = (port: number, address: unknown = ip("10.0.0.1")) => ({ ip: address, port })
const rows = (n: number) => Array.from({ length: n }, () => row(1))

/** What each field takes, and what it does not. */
const fields: Readonly<
  Record<string, Readonly<Record<string, readonly [ReadonlyArray<unknown>, ReadonlyArray<unknown>]>>>
> = {
  Hello: {
    protocol: integers(16),
    rule: integers(16),
    network: [
      ["x", "!~", "n".repeat(Limits.networkNameBytes)],
      ["", "n".repeat(Limits.networkNameBytes + 1), "a b", "\u007f", "é", "a\n", " a", 1]
    ],
    genesis: hex(32),
    nonce: nonces,
    tag: hex(16),
    process: hex(8),
    peer: ips,
    listens: integers(16),
    software: text(Limits.softwareBytes),
    tipHeight: [[0, Number.MAX_SAFE_INTEGER], [-1, 0.5, "1"]],
    tipHash: hex(32),
    capabilities: integers(32),
    extensions: [
      [
        [],
        extensions(Limits.helloExtensions, 0),
        [extension(0xffff, Limits.helloExtensionsBytes - 4)],
        extensions(2, Limits.helloExtensionsBytes / 2 - 4)
      ],
      [
        extensions(Limits.helloExtensions + 1, 0),
        [extension(1, Limits.helloExtensionsBytes - 3)],
        [extension(1, Limits.helloExtensionsBytes / 2), extension(2, Limits.helloExtensionsBytes / 2 - 7)],
        [extension(-1, 0)],
        [extension(0x1_0000, 0)],
        [{ id: 1, bytes: [] }],
        1
      ]
    ]
  },
  Commit: { lower: ips, higher: ips },
  Reject: {
    reason: [rejectReasons, ["eof", "", 1]],
    text: text(Limits.rejectTextBytes),
    retryAfterMs: integers(32),
    address: ips
  },
  Ping: { nonce: nonces },
  Pong: { nonce: nonces },
  SameProcess: { proof: hex(16) },
  Data: { channel: integers(16), payload: [[new Uint8Array(0), new Uint8Array(9)], [[], "x", undefined]] },
  Peers: {
    peers: [
      [[], [row(1), row(65_535)], rows(Limits.peersPerMessage)],
      [
        [row(0)],
        [row(65_536)],
        [row(1.5)],
        [row(1, "10.0.0")],
        [{ ip: ip("10.0.0.1") }],
        rows(Limits.peersPerMessage + 1),
        1
      ]
    ]
  },
  AskDialBack: { request: integers(32) },
  DialBack: { request: integers(32), result: [dialBackResults, ["yes", ""]], ip: ips, port: integers(16) }
}

describe("a message", () => {
  for (const [tag, bounds] of Object.entries(fields)) {
    const message = good[tag]
    for (const [field, [taken, refused]] of Object.entries(bounds)) {
      it(`${tag} has a ${field} within its bounds`, () => {
        for (const value of taken) assert.isTrue(isMessage({ ...message, [field]: value }), String(value))
        for (const value of refused) assert.isFalse(isMessage({ ...message, [field]: value }), String(value))
      })
    }
  }

  it("has all of its fields, but for the address of a Reject", () => {
    for (const [tag, message] of Object.entries(good)) {
      assert.isTrue(isMessage(message), tag)
      for (const field of Object.keys(message)) {
        const without: Record<string, unknown> = { ...message }
        delete without[field]
        assert.strictEqual(isMessage(without), tag === "Reject" && field === "address", `${tag} without ${field}`)
      }
    }
    assert.isTrue(isMessage({ _tag: "Ack" }) && isMessage({ _tag: "AskPeers" }))
    assert.isFalse(isMessage({ _tag: "Nack" }))
  })

  it("is one of these, under its own tag", () =>
    assert.deepStrictEqual(Message.Message.members.map(({ fields }) => fields._tag.schema.literal), [
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
      "GetHeaders",
      "Headers",
      "GetBlocks",
      "Blocks",
      "Tip",
      "NewBlock",
      "OwnMasternode",
      "Masternodes",
      "SeenMasternodes"
    ]))

  it("says of a text or of extensions out of bounds what they should be", () => {
    const said = (message: unknown): string => {
      const result = Schema.decodeUnknownExit(Message.Message)(message)
      return String(result)
    }
    assert.include(said({ ...good["Hello"], software: "\n" }), "printable text of at most 64 bytes of UTF-8")
    assert.include(said({ ...good["Hello"], extensions: [extension(1, 3_000)] }), "extensions of at most 2048 bytes")
  })
})

describe("extensions", () => {
  it("take four bytes each, and their own", () => {
    assert.strictEqual(Message.extensionsBytes([]), 0)
    assert.strictEqual(Message.extensionsBytes([extension(1, 0), extension(2, 7)]), 15)
  })
})

describe("a clean text", () => {
  it("has a question mark for each character that does not print, and ends with a whole one", () => {
    for (
      const bad of [
        "\u0000",
        "\u001b",
        "\u007f",
        "\u0085",
        "\u200b",
        "\u202e",
        "\ufeff",
        "\u2028",
        "\u2029",
        "\ud800",
        "\udfff"
      ]
    ) {
      assert.strictEqual(Message.cleanText(`a${bad}${bad}b`, 9), "a??b", JSON.stringify(bad))
    }
    for (const good of ["a b", "é", "時", "😀", "\u00a0", "\u3000"]) {
      assert.strictEqual(Message.cleanText(good, 9), good)
    }
    assert.strictEqual(Message.cleanText("abc", 3), "abc")
    assert.strictEqual(Message.cleanText("abcd", 3), "abc")
    assert.strictEqual(Message.cleanText("a😀", 4), "a")
    assert.strictEqual(Message.cleanText("a😀", 5), "a😀")
    assert.strictEqual(Message.cleanText("abc", 0), "")
  })
})
