import { assert, describe, it } from "@effect/vitest"
import * as crypto from "node:crypto"
import * as SpecialDataRules from "../../../src/domain/chain/SpecialDataRules.ts"
import * as TimeAddress from "../../../src/domain/chain/TimeAddress.ts"
import type { SpecialData } from "../../../src/domain/chain/Transaction.ts"
import { hasher } from "../../harness/hasher.ts"
import { publicKeyOf, signedData } from "../../harness/specialData.ts"

const addresses = (seed = 7) => TimeAddress.ofPublicKey(hasher, Buffer.from(publicKeyOf(seed), "hex"))
const isGenuine = (data: SpecialData) => SpecialDataRules.isGenuine(hasher, data)

const registration = {
  _tag: "MasternodeRegistration",
  nodeAddress: "10.0.0.1:24100",
  walletAddress: addresses().testnet,
  rewardAddress: "",
  collateralOutpoint: ""
} as const
const deregistration = { _tag: "MasternodeDeregistration", nodeAddress: "10.0.0.1", slotId: 4_294_967_295 } as const
const payout = { _tag: "MasternodePayoutUpdate", nodeAddress: "10.0.0.1", newRewardAddress: "r" } as const

describe("TimeAddress", () => {
  it("is the prefix and base58 of 20 bytes of the key's hash and 4 of a checksum", () => {
    const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    const sha256 = (bytes: Uint8Array) => crypto.hash("sha256", bytes, "buffer")
    for (let seed = 0; seed < 50; seed++) {
      const { mainnet, testnet } = addresses(seed)
      assert.isTrue(testnet.startsWith("TIME0") && mainnet.startsWith("TIME1"))
      assert.strictEqual(testnet.slice(5), mainnet.slice(5))
      // Read back as the number it is.
      let number = 0n
      for (const digit of testnet.slice(5)) number = number * 58n + BigInt(alphabet.indexOf(digit))
      const data = Buffer.from(number.toString(16).padStart(48, "0"), "hex")
      assert.deepStrictEqual(data.subarray(0, 20), sha256(Buffer.from(publicKeyOf(seed), "hex")).subarray(0, 20))
      assert.deepStrictEqual(data.subarray(20), sha256(sha256(data.subarray(0, 20))).subarray(0, 4))
    }
  })

  it("writes each leading zero byte as a digit", () => {
    const hashed = (bytes: ReadonlyArray<number>) => ({
      ...hasher,
      sha256: () => Uint8Array.from([...bytes, ...new Uint8Array(32 - bytes.length)])
    })
    // 20 bytes 0, 0, 1, 0 … and the checksum 0, 0, 1, 0.
    const { testnet } = TimeAddress.ofPublicKey(hashed([0, 0, 1]), new Uint8Array(32))
    assert.match(testnet, /^TIME011[2-9A-HJ-NP-Za-km-z]/)
    assert.strictEqual(TimeAddress.ofPublicKey(hashed([]), new Uint8Array(32)).mainnet, `TIME1${"1".repeat(24)}`)
  })
})

describe("SpecialDataRules", () => {
  it("takes what is signed by its key, of every kind", () => {
    for (const data of [registration, deregistration, payout]) assert.isTrue(isGenuine(signedData(data)), data._tag)
    assert.isTrue(isGenuine(signedData({ ...registration, walletAddress: addresses().mainnet })))
    assert.isTrue(isGenuine(signedData({ ...registration, collateralOutpoint: "ab:0", rewardAddress: "r" })))
    // Hex of either case; the signed text has the key as it is written.
    const data = signedData(deregistration)
    assert.isTrue(
      isGenuine({ ...data, pubkey: data.pubkey.toUpperCase(), signature: data.signature.toUpperCase() })
    )
  })

  it("signs the texts of the network", () => {
    const key = publicKeyOf()
    const wallet = addresses().testnet
    const cases = [
      [registration, `MNREG:10.0.0.1:24100:${wallet}:${key}:none`],
      [{ ...registration, collateralOutpoint: "ab:1" }, `MNREG:10.0.0.1:24100:${wallet}:${key}:ab:1`],
      [deregistration, "MNDEREG:10.0.0.1:4294967295"],
      [payout, "MNPAYOUT:10.0.0.1:r"]
    ] as const
    for (const [data, text] of cases) assert.strictEqual(SpecialDataRules.signedText(signedData(data)), text)
  })

  it("refuses every field that is changed, missing or of another key", () => {
    const bad: ReadonlyArray<readonly [string, SpecialData]> = [
      ["another node", { ...signedData(registration), nodeAddress: "10.0.0.2:24100" } as SpecialData],
      ["another collateral", { ...signedData(registration), collateralOutpoint: "ab:0" } as SpecialData],
      ["a wallet of another key", signedData({ ...registration, walletAddress: addresses(8).testnet })],
      ["a wallet that is no address", signedData({ ...registration, walletAddress: "TIME0x" })],
      ["no wallet", signedData({ ...registration, walletAddress: "" })],
      ["a node without a port", signedData({ ...registration, nodeAddress: "10.0.0.1" })],
      ["no node to register", signedData({ ...registration, nodeAddress: "" })],
      ["another slot", { ...signedData(deregistration), slotId: 1 } as SpecialData],
      ["no node to deregister", signedData({ ...deregistration, nodeAddress: "" })],
      ["no node to pay", signedData({ ...payout, nodeAddress: "" })],
      ["no new address", signedData({ ...payout, newRewardAddress: "" })],
      ["another new address", { ...signedData(payout), newRewardAddress: "s" } as SpecialData],
      ["another key", { ...signedData(payout), pubkey: publicKeyOf(9) }],
      ["a key that is too short", { ...signedData(payout), pubkey: publicKeyOf().slice(2) }],
      ["a key that is too long", { ...signedData(payout), pubkey: `${publicKeyOf()}00` }],
      ["a key that is no hex", { ...signedData(payout), pubkey: `${publicKeyOf().slice(2)}zz` }],
      ["a key that begins with no hex", { ...signedData(payout), pubkey: `zz${publicKeyOf().slice(2)}` }],
      ["a key with blanks around it", { ...signedData(payout), pubkey: ` ${publicKeyOf().slice(2)} ` }],
      ["a key of other digits", { ...signedData(payout), pubkey: "é".repeat(64) }],
      ["no key", { ...signedData(payout), pubkey: "" }],
      ["no signature", { ...signedData(payout), signature: "" }],
      ["a signature that is too short", { ...signedData(payout), signature: signedData(payout).signature.slice(2) }],
      ["a signature that is too long", { ...signedData(payout), signature: `${signedData(payout).signature}00` }],
      ["a signature that is no hex", { ...signedData(payout), signature: "g".repeat(128) }],
      ["another signature", { ...signedData(payout), signature: signedData(deregistration).signature }]
    ]
    for (const [name, data] of bad) assert.isFalse(isGenuine(data), name)
  })
})
