/** 32-byte hashes as bytes: block hashes, txids, merkle nodes. In text always 64 lower-case hex digits in byte order. */
import { Result } from "effect"
import { Hex } from "effect/encoding"

/** 32 bytes. Often a view into a message: do not write to it. */
export type Hash = Uint8Array

/** bytes. */
export const length = 32

export const zero: Hash = new Uint8Array(length)

export const equals = (a: Hash, b: Hash): boolean => {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Compares the bytes as unsigned big-endian numbers, like the hex text. Negative: `a` is lower. */
export const compare = (a: Hash, b: Hash): number => {
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export const isZero = (hash: Hash): boolean => equals(hash, zero)

/** Character codes of the digits. */
const digits = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0))

/** Reused by every call, which is synchronous. */
const codes: Array<number> = Array.from({ length: 2 * length }, () => 0)

/** One flat string: a string concatenated digit by digit is a tree of thirty fragments, flattened when it is first read. */
export const toHex = (hash: Hash): string => {
  if (hash.length !== length) return Hex.encode(hash)
  for (let i = 0; i < length; i++) {
    const byte = hash[i] ?? 0
    codes[2 * i] = digits[byte >> 4] ?? 0
    codes[2 * i + 1] = digits[byte & 15] ?? 0
  }
  return String.fromCharCode(...codes)
}

const pattern = /^[0-9a-f]{64}$/i

/** `undefined` if the text is not 64 hex digits. */
export const fromHex = (text: string): Hash | undefined => pattern.test(text) ? fromHexUnsafe(text) : undefined

/** For constants and text already checked: throws if the text is not hex. */
export const fromHexUnsafe = (text: string): Hash => Result.getOrThrow(Hex.decode(text))
