import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { createHmac } from "node:crypto"
import * as AliasProof from "../../../src/domain/peer/AliasProof.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"

const nonce = Arbitrary.schema(Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 2n ** 64n - 1n })))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

describe("AliasProof", () => {
  it("is the HMAC that PROTOCOL 4.1 says: nonces of the Hellos, the verifier's first; over the verifier's address", () => {
    const key = AliasProof.proofKey({ verifier: 0x0102030405060708n, prover: 0xf1f2f3f4f5f6f7f8n })
    assert.strictEqual(hex(key), "0102030405060708f1f2f3f4f5f6f7f8")
    const input = AliasProof.proofInput(PeerIp.fromStringUnsafe("203.0.113.7"))
    assert.strictEqual(hex(input), "00000000000000000000ffffcb007107")
    const proof = createHmac("sha256", key).update(input).digest().subarray(0, AliasProof.proofBytes)
    assert.strictEqual(hex(proof).length, 32)
  })

  it.prop("has another key for the other end of the same connection", [nonce, nonce], ([a, b]) => {
    const [one, other] = [
      AliasProof.proofKey({ verifier: a, prover: b }),
      AliasProof.proofKey({ verifier: b, prover: a })
    ]
    assert.strictEqual(hex(one) === hex(other), a === b)
  })

  it("lets the process with the lower id decide, and never both", () => {
    const [low, high] = ["00".repeat(8), "0a".repeat(8)]
    assert.isTrue(AliasProof.decides(low, high))
    assert.isFalse(AliasProof.decides(high, low))
    assert.isFalse(AliasProof.decides(low, low))
  })
})
