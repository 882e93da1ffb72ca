/**
 * Whether a transaction's special data is genuine: its fields are filled in, its signature is valid for its key, and any address in it
 * belongs to that key. Near the tip, a transaction without inputs and outputs must carry such data.
 */
import { Result } from "effect"
import { Hex } from "effect/encoding"
import type { Hasher } from "./Hasher.ts"
import * as TimeAddress from "./TimeAddress.ts"
import type { SpecialData } from "./Transaction.ts"

/** bytes. */
const keyBytes = 32
const signatureBytes = 64
const toUtf8 = new TextEncoder()

/** `n` bytes from hex digits of either case; `undefined` if the text is anything else. */
const hexBytes = (text: string, n: number): Uint8Array | undefined =>
  text.length === 2 * n ? Result.getOrUndefined(Hex.decode(text)) : undefined

const isFilled = (data: SpecialData): boolean => {
  if (data.nodeAddress === "") return false
  switch (data._tag) {
    case "MasternodeRegistration":
      return data.nodeAddress.includes(":") && data.walletAddress !== ""
    case "MasternodePayoutUpdate":
      return data.newRewardAddress !== ""
    case "MasternodeDeregistration":
      return true
  }
}

/** The text that the key's owner signs. */
export const signedText = (data: SpecialData): string => {
  switch (data._tag) {
    case "MasternodeRegistration": {
      const collateral = data.collateralOutpoint === "" ? "none" : data.collateralOutpoint
      return `MNREG:${data.nodeAddress}:${data.walletAddress}:${data.pubkey}:${collateral}`
    }
    case "MasternodeDeregistration":
      return `MNDEREG:${data.nodeAddress}:${data.slotId}`
    case "MasternodePayoutUpdate":
      return `MNPAYOUT:${data.nodeAddress}:${data.newRewardAddress}`
  }
}

export const isGenuine = (hasher: Hasher, data: SpecialData): boolean => {
  const key = hexBytes(data.pubkey, keyBytes)
  const signature = hexBytes(data.signature, signatureBytes)
  if (key === undefined || signature === undefined || !isFilled(data)) return false
  if (!hasher.verifyEd25519(key, toUtf8.encode(signedText(data)), signature)) return false
  if (data._tag !== "MasternodeRegistration") return true
  const { mainnet, testnet } = TimeAddress.ofPublicKey(hasher, key)
  return data.walletAddress === mainnet || data.walletAddress === testnet
}
