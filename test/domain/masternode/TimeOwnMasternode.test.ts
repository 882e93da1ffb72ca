/** What this node says of itself on the TIME wire: which version, and what it proves. */
import { assert, describe, it } from "@effect/vitest"
import { createPublicKey, verify } from "node:crypto"
import * as TimeMasternode from "../../../src/domain/masternode/TimeMasternode.ts"
import * as TimeOwnMasternode from "../../../src/domain/masternode/TimeOwnMasternode.ts"
import * as masternodes from "../../harness/masternodes.ts"
import { ip } from "../../harness/mesh.ts"

const { key, sign } = masternodes.masternode(7)
const free: TimeOwnMasternode.TimeOwnMasternode = {
  ip: ip("10.0.0.2"),
  key,
  tier: "free",
  collateral: undefined,
  rewardAddress: "TIME0own",
  keyAddress: "TIME0own",
  startedAt: 1_764_547_200,
  sign
}
const gold = { ...free, tier: "gold", collateral: masternodes.collateral(3) } as const

describe("this node's announcement", () => {
  it("of a free one is V3: there is nothing to prove", () => {
    assert.deepStrictEqual(TimeOwnMasternode.announcement(free), {
      _tag: "MasternodeAnnouncementV3",
      address: "10.0.0.2",
      rewardAddress: "TIME0own",
      tier: "Free",
      publicKey: new Uint8Array(Buffer.from(key, "hex")),
      collateral: undefined,
      certificate: new Uint8Array(64),
      startedAt: 1_764_547_200
    })
  })

  it("of a paid one whose key holds the collateral is V4, signed for that output", () => {
    const said = TimeOwnMasternode.announcement(gold)
    if (said?._tag !== "MasternodeAnnouncementV4") return assert.fail("not V4")
    assert.strictEqual(said.tier, "Gold")
    assert.deepStrictEqual(said.collateral, { txid: new Uint8Array(32).fill(3), vout: 3 })
    const text = `TIME_COLLATERAL_CLAIM:${"03".repeat(32)}:3`
    const publicKey = createPublicKey(masternodes.privateKey(7))
    assert.isTrue(verify(null, Buffer.from(text), publicKey, said.collateralProof))
    assert.deepStrictEqual(TimeMasternode.collateralProof(said.collateralProof)?.walletKey, undefined)
  })

  it("of a paid one whose rewards go elsewhere is V3: its key signs for no address of the collateral", () => {
    assert.strictEqual(
      TimeOwnMasternode.announcement({ ...gold, rewardAddress: "TIME0wallet" })?._tag,
      "MasternodeAnnouncementV3"
    )
  })

  it("at an IPv6 address is none: the network does not know such", () => {
    assert.isUndefined(TimeOwnMasternode.announcement({ ...free, ip: ip("2001:db8::2") }))
  })
})
