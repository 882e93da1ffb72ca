import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { rejectReasons } from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import { classOf, fromStringUnsafe as ip, type PeerIp, toBytes } from "../../../src/domain/peer/PeerIp.ts"
import type { Hello } from "../../../src/domain/wire/Message.ts"
import * as arb from "../../harness/arbitraries.ts"

const local: Handshake.Local = {
  protocol: Handshake.protocolVersion,
  rule: Handshake.ruleVersion,
  network: "testnet",
  genesis: networks.testnet.genesis
}
const low = ip("50.28.104.50")
const high = ip("69.167.168.176")

const hello = (peer: PeerIp, changes: Partial<Hello> = {}): Hello => ({
  _tag: "Hello",
  ...local,
  nonce: 1n,
  tag: "ab".repeat(16),
  process: "cd".repeat(8),
  peer,
  listens: 24_100,
  software: "test",
  tipHeight: 0,
  tipHash: "00".repeat(32),
  capabilities: 0,
  extensions: [],
  ...changes
})

const context = (remote: PeerIp, changes: Partial<Handshake.Context> = {}): Handshake.Context => ({
  local,
  dir: "in",
  remote,
  isOwnDial: () => false,
  bannedMs: undefined,
  known: false,
  placesTaken: 0,
  maxPeers: 125,
  ...changes
})

const outcome = (result: Handshake.Accepted | Handshake.Refused) =>
  result._tag === "Accepted" ? result.role : result.reject

describe("Handshake.check", () => {
  it.prop("both ends of a socket compute the same pair and opposite roles", [arb.peerIp, arb.peerIp], ([a, b]) => {
    // a dials b: a's Hello says it dialled b, b's says it observed a.
    const atB = Handshake.check(hello(b), context(a, { dir: "in" }))
    const atA = Handshake.check(hello(a), context(b, { dir: "out" }))
    // Addresses that no peer has are refused as what a Hello gives the receiver, before anything is ranked.
    const special = [a, b].filter((address) => classOf(address) === "special")
    if (special.length > 0) {
      assert.include([outcome(atA), outcome(atB)], "protocol")
      return
    }
    if (a === b) {
      assert.deepStrictEqual([outcome(atA), outcome(atB)], ["self", "self"])
      return
    }
    assert.isTrue(atA._tag === "Accepted" && atB._tag === "Accepted")
    if (atA._tag !== "Accepted" || atB._tag !== "Accepted") return
    assert.deepStrictEqual([atA.self, atB.self], [a, b])
    assert.notStrictEqual(atA.role, atB.role)
    // What the lower commits fits what the higher sees, and nothing else does.
    const [lower, higher] = atA.role === "lower" ? [atA.self, atB.self] : [atB.self, atA.self]
    const commit = Handshake.commit(lower, higher)
    assert.isUndefined(Handshake.checkCommit(commit, "higher", higher, lower))
    assert.isString(Handshake.checkCommit(commit, "lower", lower, higher))
    assert.isString(Handshake.checkCommit(commit, "higher", lower, higher))
    assert.isString(Handshake.checkCommit(Handshake.commit(higher, lower), "higher", higher, lower))
    assert.isString(Handshake.checkCommit(Handshake.commit(lower, ip("9.9.9.9")), "higher", higher, lower))
  }, { arbitrary: { runs: 500 } })

  it("a Commit must name this pair, and come to the higher peer", () => {
    const fits = Handshake.commit(low, high)
    assert.deepStrictEqual(fits, { _tag: "Commit", lower: low, higher: high })
    assert.isUndefined(Handshake.checkCommit(fits, "higher", high, low))
    assert.strictEqual(
      Handshake.checkCommit(fits, "lower", low, high),
      "Commit received by the lower peer, which alone may send it"
    )
    for (const wrong of [Handshake.commit(low, ip("9.9.9.9")), Handshake.commit(ip("9.9.9.9"), high)]) {
      assert.strictEqual(
        Handshake.checkCommit(wrong, "higher", high, low),
        `Commit names the pair ${wrong.lower} / ${wrong.higher}, this node sees ${low} / ${high}`
      )
    }
  })

  it("ranks by number", () => {
    assert.strictEqual(outcome(Handshake.check(hello(low), context(high))), "lower")
    assert.strictEqual(outcome(Handshake.check(hello(high), context(low))), "higher")
    assert.strictEqual(outcome(Handshake.check(hello(ip("10.0.0.9")), context(ip("10.0.0.10")))), "lower")
    assert.strictEqual(outcome(Handshake.check(hello(ip("100.0.0.1")), context(ip("2.0.0.1")))), "higher")
  })

  it("checks in the order of the rules: mending the first fault shows the next", () => {
    const full = { placesTaken: 125 }
    const banned = { ...full, bannedMs: 5_000 }
    const self = { ...banned, isOwnDial: (nonce: bigint) => nonce === 1n }
    const wrongGenesis = { genesis: "00".repeat(32) }
    const steps: ReadonlyArray<readonly [string, Partial<Hello>, Partial<Handshake.Context>, string]> = [
      ["incompatible", { protocol: 2, rule: 7, network: "mainnet", ...wrongGenesis }, self, "protocol 2 rule 7"],
      ["incompatible", { protocol: 2, network: "mainnet", ...wrongGenesis }, self, "protocol 2 rule"],
      ["incompatible", { rule: 7, network: "mainnet", ...wrongGenesis }, self, "rule 7"],
      ["incompatible", { network: "mainnet", ...wrongGenesis }, self, "mainnet"],
      ["incompatible", wrongGenesis, self, "0000000000000000"],
      ["self", {}, self, "self-connection"],
      ["banned", {}, banned, "banned"],
      ["full", {}, full, "125"],
      ["lower", {}, {}, ""]
    ]
    for (const [expected, h, c, text] of steps) {
      const result = Handshake.check(hello(low, h), context(high, c))
      assert.strictEqual(outcome(result), expected)
      if (result._tag === "Refused") assert.include(result.text, text)
    }
  })

  it("names both numbers of an incompatible peer", () => {
    const result = Handshake.check(hello(low, { protocol: 3, rule: 4 }), context(high))
    assert.isTrue(result._tag === "Refused")
    if (result._tag === "Refused") assert.match(result.text, /protocol 1 rule 1.*protocol 3 rule 4/)
  })

  it("says what differs: the network, though its genesis is ours, or an address that no peer can have, and why it cannot", () => {
    const text = (peer: PeerIp, changes: Partial<Hello>) => {
      const result = Handshake.check(hello(peer, changes), context(high))
      return result._tag === "Refused" ? `${result.reject}: ${result.text}` : result.role
    }
    const genesis = networks.testnet.genesis.slice(0, 16)
    assert.strictEqual(
      text(low, { network: "devnet" }),
      `incompatible: this node is on testnet (genesis ${genesis}), you are on devnet (genesis ${genesis})`
    )
    assert.strictEqual(
      text(ip("fe80::1"), {}),
      "protocol: your Hello gives fe80::1 as this node's address, which is a link-local address"
    )
    assert.strictEqual(
      text(ip("224.0.0.1"), {}),
      "protocol: your Hello gives 224.0.0.1 as this node's address, which is not a unicast address"
    )
  })

  it("observed = dialled has no rank, before ban and full", () => {
    const result = Handshake.check(hello(high), context(high, { bannedMs: 1, placesTaken: 125 }))
    assert.strictEqual(outcome(result), "self")
    if (result._tag === "Refused") assert.strictEqual(result.text, "another node has this node's own address")
  })

  it("an own nonce means self only on an inbound socket: a peer may repeat ours to us", () => {
    const own = { isOwnDial: () => true }
    assert.strictEqual(outcome(Handshake.check(hello(low), context(high, { ...own, dir: "in" }))), "self")
    assert.strictEqual(outcome(Handshake.check(hello(low), context(high, { ...own, dir: "out" }))), "lower")
  })

  it("full counts peers: a challenger for a known pair never meets it", () => {
    const c = { placesTaken: 125, maxPeers: 125 }
    assert.strictEqual(outcome(Handshake.check(hello(low), context(high, c))), "full")
    assert.strictEqual(outcome(Handshake.check(hello(low), context(high, { ...c, known: true }))), "lower")
    assert.strictEqual(outcome(Handshake.check(hello(low), context(high, { ...c, placesTaken: 124 }))), "lower")
  })

  it("keeps tag and own address for the arbiter", () => {
    const result = Handshake.check(hello(low), context(high))
    assert.deepStrictEqual(result, { _tag: "Accepted", role: "lower", tag: "ab".repeat(16), self: low })
  })
})

describe("Handshake waits", () => {
  it("table", () => {
    const table = Object.fromEntries(rejectReasons.map((reason) => [reason, Handshake.retryAfterMs(reason)]))
    assert.deepStrictEqual(table, {
      "duplicate": 1_000,
      "in-use": 5_000,
      "full": 60_000,
      "banned": 3_600_000,
      "incompatible": 600_000,
      "alias": 60_000,
      "self": 3_600_000,
      "shutdown": 2_000,
      "operator": 300_000,
      "evicted": 60_000,
      "protocol": 60_000,
      "application": 60_000
    })
  })

  it("in-use doubles from 5 s to 5 min", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 5_000].map((refusals) => Handshake.retryAfterMs("in-use", { refusals }))
    assert.deepStrictEqual(waits, [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
  })

  it("banned is the rest of the ban, at most an hour, whole ms", () => {
    assert.strictEqual(Handshake.retryAfterMs("banned", { bannedMs: 1_500.2 }), 1_501)
    assert.strictEqual(Handshake.retryAfterMs("banned", { bannedMs: 86_400_000 }), 3_600_000)
    assert.strictEqual(Handshake.retryAfterMs("banned", { bannedMs: Infinity }), 3_600_000)
    assert.strictEqual(Handshake.retryAfterMs("banned", { bannedMs: -1 }), 0)
    const result = Handshake.check(hello(low), context(high, { bannedMs: 7_000 }))
    assert.strictEqual(result._tag === "Refused" ? result.retryAfterMs : 0, 7_000)
  })

  it("clamps after adding up to a quarter", () => {
    assert.strictEqual(Handshake.clampRetry(1_000, 0), 1_000)
    assert.strictEqual(Handshake.clampRetry(1_000, 1), 1_250)
    assert.strictEqual(Handshake.clampRetry(0, 1), 500)
    assert.strictEqual(Handshake.clampRetry(450, 1), 562.5)
    assert.strictEqual(Handshake.clampRetry(3_600_000, 1), 3_600_000)
  })

  it.prop(
    "whatever a peer asks, the wait is within half a second and an hour",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })), arb.jitter],
    ([asked, jitter]) => {
      const wait = Handshake.clampRetry(asked, jitter)
      assert.isTrue(wait >= Limits.retryMinMs && wait <= Limits.retryMaxMs)
      assert.isTrue(wait >= Math.min(asked, Limits.retryMaxMs))
      assert.isTrue(wait <= Math.max(asked * 1.25, Limits.retryMinMs))
    },
    { arbitrary: { runs: 500, size: 500 } }
  )

  it("the tag's input is the 16-byte form", () => {
    assert.deepStrictEqual(Handshake.instanceTagInput(low), toBytes(low))
    assert.strictEqual(Handshake.instanceTagInput(ip("::ffff:1.2.3.4")).length, 16)
  })
})

describe("Handshake.extensions: the number of a socket", () => {
  it("is read back", () => {
    for (const order of [0, 1, 255, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      assert.strictEqual(Handshake.orderOf({ extensions: Handshake.extensions(order, 3) }), order)
    }
  })

  it("is id 1 and a big-endian u64", () => {
    assert.deepStrictEqual(Handshake.extensions(0x0102, 0x0304), [
      { id: 1, bytes: Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2) },
      { id: 2, bytes: Uint8Array.of(3, 4) }
    ])
  })

  it("is unknown when the peer does not tell it, or not in this form", () => {
    const [extension] = Handshake.extensions(5, 0)
    assert(extension !== undefined)
    const cases = [
      [],
      [{ ...extension, id: 2 }],
      [{ id: 1, bytes: extension.bytes.subarray(1) }],
      [{ id: 1, bytes: Uint8Array.of(...extension.bytes, 0) }],
      [{ id: 1, bytes: new Uint8Array(8).fill(255) }],
      [{ id: 1, bytes: Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0) }]
    ]
    for (const extensions of cases) assert.isUndefined(Handshake.orderOf({ extensions }))
  })

  it("of several the first counts, whatever stands before it", () => {
    const extensions = [
      { id: 7, bytes: new Uint8Array(3) },
      ...Handshake.extensions(5, 0),
      ...Handshake.extensions(6, 1)
    ]
    assert.strictEqual(Handshake.orderOf({ extensions }), 5)
  })
})

describe("Handshake.extensions: the number of connections", () => {
  it("is read back, up to what fits, and unknown when the peer does not tell it or not in this form", () => {
    for (const [peers, read] of [[0, 0], [125, 125], [65_535, 65_535], [70_000, 65_535]] as const) {
      assert.strictEqual(Handshake.peersOf({ extensions: Handshake.extensions(1, peers) }), read)
    }
    assert.isUndefined(Handshake.peersOf({ extensions: [] }))
    assert.isUndefined(Handshake.peersOf({ extensions: [{ id: 2, bytes: new Uint8Array(3) }] }))
    assert.strictEqual(
      Handshake.peersOf({ extensions: [...Handshake.extensions(1, 4), ...Handshake.extensions(1, 9)] }),
      4
    )
  })
})
