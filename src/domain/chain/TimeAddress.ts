/**
 * A TIME address of a public key: `TIME0` (testnet) or `TIME1` (mainnet), then base58 of the first 20 bytes of the key's
 * SHA-256 and a checksum, the first 4 bytes of the double SHA-256 of those 20.
 */
import type { Hasher } from "./Hasher.ts"

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
/** bytes. */
const payloadBytes = 20
const checksumBytes = 4

const base58 = (bytes: Uint8Array): string => {
  let rest = 0n
  for (const byte of bytes) rest = (rest << 8n) | BigInt(byte)
  let text = ""
  for (; rest > 0n; rest /= 58n) text = `${alphabet[Number(rest % 58n)]}${text}`
  // Every leading zero byte is one digit of its own.
  const zeros = bytes.findIndex((byte) => byte !== 0)
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + text
}

/** The same key's addresses on both networks. */
export const ofPublicKey = (
  hasher: Hasher,
  publicKey: Uint8Array
): { readonly testnet: string; readonly mainnet: string } => {
  const data = new Uint8Array(payloadBytes + checksumBytes)
  data.set(hasher.sha256(publicKey).subarray(0, payloadBytes))
  const checksum = hasher.sha256(hasher.sha256(data.subarray(0, payloadBytes)))
  data.set(checksum.subarray(0, checksumBytes), payloadBytes)
  const text = base58(data)
  return { testnet: `TIME0${text}`, mainnet: `TIME1${text}` }
}
