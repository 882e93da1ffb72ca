/**
 * SipHash-2-4, the keyed hash that places addresses in the peer book: no one without the key can tell where an address goes, or choose
 * addresses that go to one place. Of its 64 bits the low 32 are given, which is what a choice of buckets needs.
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

/** The four words of state, low and high halves. Not shared: hashing is synchronous. */
const v = new Int32Array(8)

/** v[a] += v[b], 64 bits. */
const add = (a: number, b: number): void => {
  const low = ((v[a] ?? 0) >>> 0) + ((v[b] ?? 0) >>> 0)
  v[a + 1] = (v[a + 1] ?? 0) + (v[b + 1] ?? 0) + (low > 0xffff_ffff ? 1 : 0)
  v[a] = low
}

/** v[a] = rotl(v[a], bits) ^ v[b], 64 bits; `bits` below 32. */
const rotateXor = (a: number, bits: number, b: number): void => {
  const low = v[a] ?? 0
  const high = v[a + 1] ?? 0
  v[a] = ((low << bits) | (high >>> (32 - bits))) ^ (v[b] ?? 0)
  v[a + 1] = ((high << bits) | (low >>> (32 - bits))) ^ (v[b + 1] ?? 0)
}

/** v[a] = rotl(v[a], 32). */
const swap = (a: number): void => {
  const low = v[a] ?? 0
  v[a] = v[a + 1] ?? 0
  v[a + 1] = low
}

const [v0, v1, v2, v3] = [0, 2, 4, 6] as const

const round = (): void => {
  add(v0, v1)
  rotateXor(v1, 13, v0)
  swap(v0)
  add(v2, v3)
  rotateXor(v3, 16, v2)
  add(v0, v3)
  rotateXor(v3, 21, v0)
  add(v2, v1)
  rotateXor(v1, 17, v2)
  swap(v2)
}

const start = (at: number, low: number, high: number): void => {
  v[at] = low
  v[at + 1] = high
}

const absorb = (low: number, high: number): void => {
  v[6] = (v[6] ?? 0) ^ low
  v[7] = (v[7] ?? 0) ^ high
  round()
  round()
  v[0] = (v[0] ?? 0) ^ low
  v[1] = (v[1] ?? 0) ^ high
}

/** Up to four bytes from `at` as a little-endian word; what is beyond `end` is 0. */
const word = (bytes: Uint8Array, at: number, end: number): number => {
  let value = 0
  for (let i = 0; i < 4 && at + i < end; i++) value |= (bytes[at + i] ?? 0) << (8 * i)
  return value
}

/** The low 32 bits of the hash of the first `length` bytes, as an unsigned number. */
export const hash = (key: Key, bytes: Uint8Array, length = bytes.length): number => {
  const [a, b, c, d] = key
  start(v0, a ^ 0x70736575, b ^ 0x736f6d65)
  start(v1, c ^ 0x6e646f6d, d ^ 0x646f7261)
  start(v2, a ^ 0x6e657261, b ^ 0x6c796765)
  start(v3, c ^ 0x79746573, d ^ 0x74656462)
  const whole = length - (length % 8)
  for (let at = 0; at < whole; at += 8) absorb(word(bytes, at, length), word(bytes, at + 4, length))
  absorb(word(bytes, whole, length), word(bytes, whole + 4, length) | ((length & 255) << 24))
  v[4] = (v[4] ?? 0) ^ 0xff
  for (let i = 0; i < 4; i++) round()
  return ((v[0] ?? 0) ^ (v[2] ?? 0) ^ (v[4] ?? 0) ^ (v[6] ?? 0)) >>> 0
}
