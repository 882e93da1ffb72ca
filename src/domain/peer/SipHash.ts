/**
 * SipHash-2-4, the keyed hash that places addresses in the peer book: a host without the key cannot tell where an address goes, or choose
 * addresses that collide. Returns the low 32 of its 64 bits, which suffice to choose a bucket.
 *
 * **Source**: Aumasson and Bernstein, "SipHash: a fast short-input PRF"; JavaScript has no 64-bit integers, so each word is two halves.
 */

/** 128 bits as four little-endian words: `k0` low, `k0` high, `k1` low, `k1` high. */
export type Key = readonly [number, number, number, number]

/** The key in 16 bytes, little-endian; `undefined` unless there are exactly 16. */
export const keyOf = (bytes: Uint8Array): Key | undefined => {
  if (bytes.length !== 16) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  return [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true)]
}

/** Up to four bytes from `at` as a little-endian word; bytes beyond `end` are 0. */
const word = (bytes: Uint8Array, at: number, end: number): number => {
  let value = 0
  for (let i = 0; i < 4 && at + i < end; i++) value |= (bytes[at + i] ?? 0) << (8 * i)
  return value
}

/**
 * The low 32 bits of the hash of the first `length` bytes, as an unsigned number. One function with its state in local variables: four
 * times as fast as an array of words, and each gossiped address is hashed twice.
 */
export const hash = (key: Key, bytes: Uint8Array, length = bytes.length): number => {
  const [k0l, k0h, k1l, k1h] = key
  let v0l = k0l ^ 0x70736575
  let v0h = k0h ^ 0x736f6d65
  let v1l = k1l ^ 0x6e646f6d
  let v1h = k1h ^ 0x646f7261
  let v2l = k0l ^ 0x6e657261
  let v2h = k0h ^ 0x6c796765
  let v3l = k1l ^ 0x79746573
  let v3h = k1h ^ 0x74656462
  const whole = length - (length % 8)
  // Words of 8 bytes; the last is padded with zeros and the length; the word after it finalises.
  for (let at = 0; at <= whole + 8; at += 8) {
    const finishes = at > whole
    const low = finishes ? 0 : word(bytes, at, length)
    const high = finishes ? 0 : word(bytes, at + 4, length) | (at === whole ? (length & 255) << 24 : 0)
    v3l ^= low
    v3h ^= high
    if (finishes) v2l ^= 0xff
    for (let rounds = finishes ? 4 : 2; rounds > 0; rounds--) {
      // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
      let sum = (v0l >>> 0) + (v1l >>> 0)
      v0h = (v0h + v1h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v0l = sum | 0
      let left = (v1l << 13) | (v1h >>> 19)
      v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h
      v1l = left ^ v0l
      let half = v0l
      v0l = v0h
      v0h = half
      // v2 += v3; v3 = rotl(v3, 16) ^ v2
      sum = (v2l >>> 0) + (v3l >>> 0)
      v2h = (v2h + v3h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v2l = sum | 0
      left = (v3l << 16) | (v3h >>> 16)
      v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h
      v3l = left ^ v2l
      // v0 += v3; v3 = rotl(v3, 21) ^ v0
      sum = (v0l >>> 0) + (v3l >>> 0)
      v0h = (v0h + v3h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v0l = sum | 0
      left = (v3l << 21) | (v3h >>> 11)
      v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h
      v3l = left ^ v0l
      // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
      sum = (v2l >>> 0) + (v1l >>> 0)
      v2h = (v2h + v1h + (sum > 0xffff_ffff ? 1 : 0)) | 0
      v2l = sum | 0
      left = (v1l << 17) | (v1h >>> 15)
      v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h
      v1l = left ^ v2l
      half = v2l
      v2l = v2h
      v2h = half
    }
    v0l ^= low
    v0h ^= high
  }
  return (v0l ^ v1l ^ v2l ^ v3l) >>> 0
}
