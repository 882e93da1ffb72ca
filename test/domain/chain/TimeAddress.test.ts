/** Addresses of the TIME network. What they should be comes from another implementation of the same rule. */
import { assert, describe, it } from "@effect/vitest"
import * as TimeAddress from "../../../src/domain/chain/TimeAddress.ts"
import { sha256 } from "../../../src/layers/crypto/sha256.ts"

const key = Buffer.from("ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c", "hex")
const ofKey = "TIME0QChNmKtoXcSRHthZQUfQvwJfYdCJqFEhP"
const networkOf = (text: string) => TimeAddress.networkOf({ sha256 }, text)

describe("a TIME address", () => {
  it("of a key is the one that the network's own rule gives", () => {
    assert.strictEqual(TimeAddress.ofPublicKey({ sha256 }, key).testnet, ofKey)
  })

  it("says its network", () => {
    assert.strictEqual(networkOf(ofKey), "testnet")
    assert.strictEqual(networkOf(ofKey.replace("TIME0", "TIME1")), "mainnet")
    assert.strictEqual(networkOf("TIME111CxomJ3qYP6wHhqNSHpYeN5HVitbyFw"), "mainnet", "two leading zero bytes")
  })

  it("with any character changed, one too many or one too few is none", () => {
    for (let at = 0; at < ofKey.length; at++) {
      const other = ofKey[at] === "2" ? "3" : "2"
      assert.isUndefined(networkOf(ofKey.slice(0, at) + other + ofKey.slice(at + 1)), `at ${at}`)
    }
    for (
      const text of [
        ofKey.slice(0, -1),
        `${ofKey}2`,
        ofKey.replace("TIME0", "TIME01"),
        "",
        "TIME0",
        "TIME0é",
        ` ${ofKey}`
      ]
    ) {
      assert.isUndefined(networkOf(text), text)
    }
  })
})
