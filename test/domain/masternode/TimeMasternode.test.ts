/** The TIME network's masternodes, from the bytes that its reference daemon wrote. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { Reader } from "../../../src/domain/chain/Bincode.ts"
import * as TimeMasternode from "../../../src/domain/masternode/TimeMasternode.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"

const vectors = fs.readFileSync(new URL("../../vectors/time-wire.txt", import.meta.url), "utf8").split("\n")

/** The fields of a frame, behind its length and the index of its variant. */
const fieldsOf = (name: string): Reader => {
  const line = vectors.find((text) => text.startsWith(`${name} `)) ?? assert.fail(`no vector ${name}`)
  const bytes = Buffer.from(line.split(" ").at(-1) ?? "", "hex")
  return new Reader(new Uint8Array(bytes), 8)
}

const tiers = ["Free", "Bronze", "Silver", "Gold"] as const

const entry = (reader: Reader): TimeMasternode.TimeMasternode => ({
  address: reader.text(),
  rewardAddress: reader.text(),
  tier: tiers[reader.u32()] ?? "Free",
  publicKey: reader.raw(reader.count(1)),
  collateral: reader.some() ? { txid: reader.raw(32), vout: reader.u32() } : undefined
})

const key = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
const txid = Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString("hex")

describe("masternodes of the TIME network", () => {
  it("of a list are read as hearsay", () => {
    const reader = fieldsOf("MasternodesResponse")
    assert.strictEqual(Number(reader.u64()), 1)
    const told = entry(reader)
    const heard = TimeMasternode.hearsay(told)
    assert.deepStrictEqual<unknown>(heard, {
      key,
      ip: "10.0.0.2",
      tier: "bronze",
      collateral: { txid, vout: 1 },
      rewardAddress: "TIME0abc"
    })
    assert.strictEqual(Number(reader.u64()), 5, "registered at")
    if (typeof heard !== "string") assert.deepStrictEqual(TimeMasternode.toTime(heard), told)
  })

  it("of an announcement are read alike", () => {
    const told = entry(fieldsOf("MasternodeAnnouncementV3"))
    const heard = TimeMasternode.hearsay(told)
    assert.deepStrictEqual<unknown>(heard, {
      key,
      ip: "10.0.0.2",
      tier: "free",
      collateral: undefined,
      rewardAddress: "TIME0abc"
    })
    if (typeof heard !== "string") assert.deepStrictEqual(TimeMasternode.toTime(heard), told)
  })

  it("have an address without its port, in one spelling", () => {
    const told = entry(fieldsOf("MasternodeAnnouncementV3"))
    const ip = (address: string) => {
      const heard = TimeMasternode.hearsay({ ...told, address })
      return typeof heard === "string" ? heard : heard.ip
    }
    for (const text of ["203.0.113.7", "203.0.113.7:24100", "::ffff:203.0.113.7", "[::ffff:203.0.113.7]:1"]) {
      assert.strictEqual(ip(text), PeerIp.fromStringUnsafe("203.0.113.7"), text)
    }
    assert.strictEqual(ip("[2001:db8::7]:24100"), PeerIp.fromStringUnsafe("2001:db8::7"))
    assert.strictEqual(ip("2001:DB8::7"), PeerIp.fromStringUnsafe("2001:db8::7"))
    assert.include(ip("127.0.0.1"), "loopback")
    assert.include(ip("0.0.0.7"), "unicast")
    assert.include(ip("example.org:1"), "not a peer")
  })

  it("that say what cannot be are nothing to keep", () => {
    const told = entry(fieldsOf("MasternodeAnnouncementV3"))
    assert.strictEqual(TimeMasternode.hearsay({ ...told, tier: "Gold" }), "a gold masternode without collateral")
    const collateral = { txid: new Uint8Array(32).fill(1), vout: 0 }
    assert.strictEqual(TimeMasternode.hearsay({ ...told, collateral }), "a free masternode with collateral")
    assert.strictEqual(TimeMasternode.hearsay({ ...told, publicKey: new Uint8Array(31) }), "a key of 31 bytes")
  })

  it("prove their collateral by 64 or 96 bytes", () => {
    assert.strictEqual(TimeMasternode.collateralClaim({ txid, vout: 1 }), `TIME_COLLATERAL_CLAIM:${txid}:1`)
    assert.strictEqual(
      TimeMasternode.collateralRevocation("10.0.0.2", { txid, vout: 1 }, 9),
      `TIME_COLLATERAL_REVOKE:10.0.0.2:${txid}:1:9`
    )
    const proof = Uint8Array.from({ length: 96 }, (_, i) => i)
    assert.deepStrictEqual<unknown>(TimeMasternode.collateralProof(proof), {
      walletKey: txid,
      signature: proof.subarray(32)
    })
    assert.deepStrictEqual(TimeMasternode.collateralProof(proof.subarray(32)), {
      walletKey: undefined,
      signature: proof.subarray(32)
    })
    assert.isUndefined(TimeMasternode.collateralProof(proof.subarray(1)))
  })
})
