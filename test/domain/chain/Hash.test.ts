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

  it("is read from 64 hex digits of either case, and from nothing else", () => {
    const text = "0123456789abcdef".repeat(4)
    assert.deepStrictEqual(Hash.fromHex(text.toUpperCase()), Hash.fromHex(text))
    for (
      const bad of ["", text.slice(1), `${text}0`, `${text.slice(1)}g`, ` ${text}`, `${text}\n`, `x${text}`, `${text}x`]
    ) {
      assert.isUndefined(Hash.fromHex(bad), bad)
    }
    assert.throws(() => Hash.fromHexUnsafe("xy"))
  })

  it("is equal, and ordered, by every byte", () => {
    for (let at = 0; at < Hash.length; at++) {
      const [low, high] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(7)]
      high[at] = 8
      assert.isFalse(Hash.equals(low, high), `byte ${at}`)
      assert.isBelow(Hash.compare(low, high), 0, `byte ${at}`)
      assert.isAbove(Hash.compare(high, low), 0, `byte ${at}`)
      assert.isFalse(Hash.isZero(Uint8Array.from({ length: 32 }, (_, i) => i === at ? 1 : 0)), `byte ${at}`)
    }
    assert.isTrue(Hash.isZero(new Uint8Array(32)))
    assert.strictEqual(Hash.compare(Hash.zero, new Uint8Array(32)), 0)
    // Bytes are without sign.
    assert.isBelow(Hash.compare(new Uint8Array(32).fill(0x7f), new Uint8Array(32).fill(0x80)), 0)
  })
})
