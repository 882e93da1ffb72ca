import { assert, describe, it } from "@effect/vitest"
import { Buffer } from "node:buffer"
import * as Hash from "../../../src/domain/chain/Hash.ts"

/** Every byte value at every place of a hash. */
const hashes = Array.from({ length: 256 }, (_, first) => Uint8Array.from({ length: Hash.length }, (_, i) => first + i))

describe("Hash", () => {
  it("is written as 64 lower-case hex digits, in byte order, and read back", () => {
    const texts = hashes.map(Hash.toHex)
    assert.deepStrictEqual(texts, hashes.map((hash) => Buffer.from(hash).toString("hex")))
    assert.deepStrictEqual(texts.map(Hash.fromHex), hashes)
  })

  it("is written the same as a view into a message", () => {
    const message = Uint8Array.from({ length: 100 }, (_, i) => 255 - i)
    const hash = message.subarray(7, 7 + Hash.length)
    assert.strictEqual(Hash.toHex(hash), Buffer.from(hash).toString("hex"))
  })

  it("writes other lengths too", () => {
    for (const length of [0, 1, 31, 33]) {
      const bytes = Uint8Array.from({ length }, (_, i) => 250 - i)
      assert.strictEqual(Hash.toHex(bytes), Buffer.from(bytes).toString("hex"))
    }
  })
})
