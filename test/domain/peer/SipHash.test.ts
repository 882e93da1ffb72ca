import { assert, describe, it } from "@effect/vitest"
import * as SipHash from "../../../src/domain/peer/SipHash.ts"

const upTo = (length: number) => Uint8Array.from({ length }, (_, i) => i)
const key = SipHash.keyOf(upTo(16)) ?? assert.fail("16 bytes are a key")

/** Of the reference implementation (key 00…0f, input 00, 01, …): the low 32 bits of its 64. */
const vectors = [
  [0, 0xdd0e0e31],
  [1, 0x93dc67fd],
  [2, 0xd9a94f5a],
  [8, 0x9a932462],
  [15, 0x49be45e5]
] as const

const mask = 2n ** 64n - 1n
const rotl = (x: bigint, bits: bigint): bigint => ((x << bits) | (x >> (64n - bits))) & mask

/** SipHash-2-4 of one word of 64 bits, as the paper writes it: the low 32 bits. */
const ofWord = ([k0l, k0h, k1l, k1h]: SipHash.Key, word: bigint): number => {
  const k0 = BigInt(k0l) | (BigInt(k0h) << 32n)
  const k1 = BigInt(k1l) | (BigInt(k1h) << 32n)
  let [v0, v1] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn]
  let [v2, v3] = [k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n]
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & mask
      v1 = rotl(v1, 13n) ^ v0
      v0 = rotl(v0, 32n)
      v2 = (v2 + v3) & mask
      v3 = rotl(v3, 16n) ^ v2
      v0 = (v0 + v3) & mask
      v3 = rotl(v3, 21n) ^ v0
      v2 = (v2 + v1) & mask
      v1 = rotl(v1, 17n) ^ v2
      v2 = rotl(v2, 32n)
    }
  }
  for (const m of [word, 8n << 56n]) {
    v3 ^= m
    rounds(2)
    v0 ^= m
  }
  v2 ^= 0xffn
  rounds(4)
  return Number((v0 ^ v1 ^ v2 ^ v3) & 0xffff_ffffn)
}

describe("SipHash", () => {
  it("is the reference implementation's", () => {
    for (const [length, hash] of vectors) assert.strictEqual(SipHash.hash(key, upTo(length)), hash, `${length} bytes`)
  })

  for (
    const [sum, k1l, word] of [
      ["v0 + v1", 0xe2eaf4e7, 0n],
      ["v2 + v3", key[2], 0xe0e6e0e5n],
      ["v0 + v3", key[2], 0x103b696ec0b06c7bn],
      ["v2 + v1", key[2], 0x0cfb4893n]
    ] as const
  ) {
    it(`carries from the low half of ${sum} where it exceeds 32 bits, and not where it fills them`, () => {
      const bytes = new Uint8Array(8)
      new DataView(bytes.buffer).setBigUint64(0, word, true)
      // The low half of this sum is 2³² − 1 in the first round.
      const filling: SipHash.Key = [key[0], key[1], k1l, key[3]]
      assert.strictEqual(SipHash.hash(filling, bytes), ofWord(filling, word))
    })
  }

  it("hashes as many bytes as it is told, and depends on the key", () => {
    assert.strictEqual(SipHash.hash(key, upTo(40), 15), SipHash.hash(key, upTo(15)))
    assert.notStrictEqual(SipHash.hash([1, 2, 3, 4], upTo(15)), SipHash.hash(key, upTo(15)))
    assert.isUndefined(SipHash.keyOf(upTo(15)))
  })

  it("reads no byte beyond the length, and a key of 16 bytes as little-endian words", () => {
    for (let length = 0; length < 32; length++) {
      const beyond = upTo(40).map((byte, i) => i < length ? byte : 0xff)
      assert.strictEqual(SipHash.hash(key, beyond, length), SipHash.hash(key, upTo(length)), `${length} bytes`)
    }
    assert.deepStrictEqual(SipHash.keyOf(upTo(16)), [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c])
    assert.isUndefined(SipHash.keyOf(upTo(17)))
  })
})
