/**
 * The TIME address of a public key: `TIME0` (testnet) or `TIME1` (mainnet), then base58 of 20 bytes and a checksum. The 20 bytes are the
 * start of the key's SHA-256; the checksum is the first 4 bytes of their double SHA-256.
 */
import type { NetworkName } from "../Network.ts"
import type { Hasher } from "./Hasher.ts"

type Sha256 = Pick<Hasher, "sha256">

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
/** bytes. */
const payloadBytes = 20
const checksumBytes = 4
const prefixes: ReadonlyArray<readonly [string, NetworkName]> = [["TIME0", "testnet"], ["TIME1", "mainnet"]]

const base58 = (bytes: Uint8Array): string => {
  let rest = 0n
  for (const byte of bytes) rest = (rest << 8n) | BigInt(byte)
  let text = ""
  for (; rest > 0n; rest /= 58n) text = `${alphabet[Number(rest % 58n)]}${text}`
  // Each leading zero byte becomes one digit.
  const zeros = bytes.findIndex((byte) => byte !== 0)
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + text
}

/** The bytes of a base58 text; `undefined` if it does not decode to exactly `length` bytes. */
const fromBase58 = (text: string, length: number): Uint8Array | undefined => {
  let rest = 0n
  for (const digit of text) {
    const value = alphabet.indexOf(digit)
    if (value < 0) return undefined
    rest = rest * 58n + BigInt(value)
  }
  const bytes = new Uint8Array(length)
  for (let at = length - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 255n)
  return base58(bytes) === text ? bytes : undefined
}

const checksum = ({ sha256 }: Sha256, payload: Uint8Array): Uint8Array =>
  sha256(sha256(payload)).subarray(0, checksumBytes)

/** The network of an address; `undefined` if the text is not an address, or is misspelt. */
export const networkOf = (hasher: Sha256, text: string): NetworkName | undefined => {
  const [prefix, network] = prefixes.find(([prefix]) => text.startsWith(prefix)) ?? []
  if (prefix === undefined) return undefined
  const data = fromBase58(text.slice(prefix.length), payloadBytes + checksumBytes)
  if (data === undefined) return undefined
  const expected = checksum(hasher, data.subarray(0, payloadBytes))
  return expected.every((byte, at) => byte === data[payloadBytes + at]) ? network : undefined
}

/** The same key's addresses on both networks. */
export const ofPublicKey = (
  hasher: Sha256,
  publicKey: Uint8Array
): { readonly testnet: string; readonly mainnet: string } => {
  const data = new Uint8Array(payloadBytes + checksumBytes)
  data.set(hasher.sha256(publicKey).subarray(0, payloadBytes))
  data.set(checksum(hasher, data.subarray(0, payloadBytes)), payloadBytes)
  const text = base58(data)
  return { testnet: `TIME0${text}`, mainnet: `TIME1${text}` }
}
