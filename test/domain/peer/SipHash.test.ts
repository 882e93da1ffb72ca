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

describe("SipHash", () => {
  it("is the reference implementation's", () => {
    for (const [length, hash] of vectors) assert.strictEqual(SipHash.hash(key, upTo(length)), hash, `${length} bytes`)
  })

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
