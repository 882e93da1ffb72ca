/** Messages about masternodes at their bounds: whole entries only, as many as allowed, and none of their bytes a view. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Announcement, Key } from "../../../src/domain/masternode/Masternode.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import * as MasternodeMessage from "../../../src/domain/wire/MasternodeMessage.ts"
import { MasternodeKind } from "../../../src/domain/wire/MasternodeMessage.ts"

/** bytes. An announcement, and a sighting. */
const [each, sighting] = [159, 48]
const key = "ab".repeat(32) as Key
const announcement: Announcement = {
  claim: { key, ip: ip("203.0.113.7"), port: 24_100, tier: "free", at: 5 },
  signature: new Uint8Array(64).fill(9)
}
const own = { _tag: "OwnMasternode" as const, announcement, proof: new Uint8Array(64).fill(8) }
const many = (n: number) => ({
  _tag: "Masternodes" as const,
  announcements: Array.from(
    { length: n },
    (_, i) => ({ ...announcement, claim: { ...announcement.claim, port: 1 + i } })
  )
})
const seen = (n: number) => ({
  _tag: "SeenMasternodes" as const,
  seen: Array.from({ length: n }, (_, i) => ({ ip: ip(`203.0.113.${i % 250}`), key }))
})
const said = (kind: number, body: Uint8Array) => {
  const message = MasternodeMessage.decode(kind, body)
  return typeof message === "object" ? message._tag : message
}

describe("a message about masternodes", () => {
  it("is read back from what is written", () => {
    const messages = [own, many(1), many(2), many(Limits.announcementsPerMessage), seen(0), seen(1), seen(3)]
    for (const message of messages) {
      const body = MasternodeMessage.encode(message)
      const decoded = MasternodeMessage.decode(MasternodeKind[message._tag], body)
      body.fill(0)
      assert.deepStrictEqual(decoded, message, "and is no view")
      assert.isTrue(MasternodeMessage.isMasternodeMessage(message))
      assert.isTrue(Schema.is(MasternodeMessage.MasternodeMessage)(message))
    }
    assert.isFalse(MasternodeMessage.isMasternodeMessage({ _tag: "Ping" }))
  })

  it("is of its kind, and of no other", () => {
    for (const kind of [0, 47, 51]) assert.isUndefined(MasternodeMessage.decode(kind, new Uint8Array(0)), `${kind}`)
  })

  it("has whole entries: the own one exactly once, of others at least one, of those seen any number", () => {
    const { Masternodes, OwnMasternode, SeenMasternodes } = MasternodeKind
    const whole = MasternodeMessage.encode(own)
    assert.strictEqual(whole.length, each + 64)
    for (const n of [0, 1, each, whole.length - 1]) {
      assert.strictEqual(said(OwnMasternode, whole.slice(0, n)), `${n} bytes, not 223`)
    }
    assert.strictEqual(said(OwnMasternode, Uint8Array.of(...whole, 0)), "224 bytes, not 223")
    const two = MasternodeMessage.encode(many(2))
    assert.strictEqual(two.length, 2 * each)
    for (const n of [0, 1, each - 1, each + 1, 2 * each - 1]) {
      assert.strictEqual(said(Masternodes, two.slice(0, n)), `${n} bytes of announcements`)
    }
    assert.strictEqual(said(Masternodes, two.slice(0, each)), "Masternodes")
    const three = MasternodeMessage.encode(seen(3))
    assert.strictEqual(three.length, 3 * sighting)
    for (const n of [1, sighting - 1, sighting + 1, 3 * sighting - 1]) {
      assert.strictEqual(said(SeenMasternodes, three.slice(0, n)), `${n} bytes of masternodes seen`)
    }
    assert.strictEqual(said(SeenMasternodes, new Uint8Array(0)), "SeenMasternodes")
  })

  it("has as many entries as its bound, and no more", () => {
    const { Masternodes, SeenMasternodes } = MasternodeKind
    const isMessage = Schema.is(MasternodeMessage.MasternodeMessage)
    const [most, mostSeen] = [Limits.announcementsPerMessage, Limits.sightingsPerReport]
    assert.strictEqual(said(Masternodes, MasternodeMessage.encode(many(most))), "Masternodes")
    const over = (most + 1) * each
    assert.strictEqual(said(Masternodes, MasternodeMessage.encode(many(most + 1))), `${over} bytes of announcements`)
    assert.deepStrictEqual([0, 1, most, most + 1].map((n) => isMessage(many(n))), [false, true, true, false])
    assert.strictEqual(said(SeenMasternodes, MasternodeMessage.encode(seen(mostSeen))), "SeenMasternodes")
    const overSeen = (mostSeen + 1) * sighting
    assert.strictEqual(
      said(SeenMasternodes, MasternodeMessage.encode(seen(mostSeen + 1))),
      `${overSeen} bytes of masternodes seen`
    )
    assert.deepStrictEqual([0, mostSeen, mostSeen + 1].map((n) => isMessage(seen(n))), [true, true, false])
    assert.deepStrictEqual(
      [63, 64, 65].map((n) => isMessage({ ...own, proof: new Uint8Array(n) })),
      [false, true, false]
    )
  })

  it("says of a proof of another length what it should be", () => {
    const said = Schema.decodeUnknownExit(MasternodeMessage.OwnMasternode)({ ...own, proof: new Uint8Array(63) })
    assert.include(String(said), "Expected 64 bytes")
  })

  it("with a bad entry is bad, whichever it is, and says so", () => {
    const body = MasternodeMessage.encode(many(3))
    for (let i = 0; i < 3; i++) {
      const broken = Uint8Array.from(body)
      broken[i * each + 50] = 77
      assert.strictEqual(said(MasternodeKind.Masternodes, broken), "masternode tier 77")
    }
    const one = MasternodeMessage.encode(own)
    one[50] = 78
    assert.strictEqual(said(MasternodeKind.OwnMasternode, one), "masternode tier 78")
  })
})
