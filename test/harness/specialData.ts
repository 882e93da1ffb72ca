/** Special data that is signed, by a key made of a seed. */
import * as crypto from "node:crypto"
import * as SpecialDataRules from "../../src/domain/chain/SpecialDataRules.ts"
import type { SpecialData } from "../../src/domain/chain/Transaction.ts"

type Unsigned<A> = A extends unknown ? Omit<A, "pubkey" | "signature"> : never

/** DER of an Ed25519 private key (RFC 8410) up to its 32 bytes. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")

const keyOf = (seed: number) =>
  crypto.createPrivateKey({ key: Buffer.concat([pkcs8, Buffer.alloc(32, seed)]), format: "der", type: "pkcs8" })

/** Hex of the public key. */
export const publicKeyOf = (seed = 7): string =>
  crypto.createPublicKey(keyOf(seed)).export({ format: "der", type: "spki" }).subarray(-32).toString("hex")

export const signedData = (fields: Unsigned<SpecialData>, seed = 7): SpecialData => {
  const data = { ...fields, pubkey: publicKeyOf(seed), signature: "" } as SpecialData
  const signature = crypto.sign(null, Buffer.from(SpecialDataRules.signedText(data)), keyOf(seed)).toString("hex")
  return { ...data, signature }
}
