/** Headers of a branch as bytes: the same headers come out, at the same heights, whatever was added or left out before. */
import { assert, describe, it } from "@effect/vitest"
import { HeaderChain } from "../../../src/domain/chain/HeaderChain.ts"
import type { Parent } from "../../../src/domain/chain/HeaderRules.ts"
import { PackedHeaders } from "../../../src/layers/sync/PackedHeaders.ts"

/** Some treasuries are beyond what a number holds. */
const header = (height: number): Parent => {
  const hash = new Uint8Array(32)
  new DataView(hash.buffer).setUint32(28, height)
  return { height, hash, treasuryBalance: height % 2 === 0 ? height : 2n ** 63n + BigInt(height) }
}
const headers = (from: number, to: number): ReadonlyArray<Parent> =>
  Array.from({ length: to - from + 1 }, (_, i) => header(from + i))

describe("packed headers", () => {
  it("give back what they were given, and nothing beyond", () => {
    const packed = new PackedHeaders(11, headers(11, 20))
    assert.deepStrictEqual([packed.first, packed.last], [11, 20])
    assert.deepStrictEqual(packed.range(0, 99), headers(11, 20))
    assert.deepStrictEqual(packed.range(13, 14), headers(13, 14))
    assert.deepStrictEqual([10, 11, 20, 21].map((height) => packed.at(height)), [
      undefined,
      header(11),
      header(20),
      undefined
    ])
    assert.deepStrictEqual([10, 11, 20, 21].map((height) => packed.hashAt(height)), [
      undefined,
      header(11).hash,
      header(20).hash,
      undefined
    ])
    assert.isTrue(packed.isHash(15, header(15).hash))
    assert.isFalse(packed.isHash(15, header(16).hash))
    assert.isFalse(packed.isHash(21, new Uint8Array(32)), "room that is not used holds nothing")
    assert.isFalse(packed.isHash(10, header(10).hash))
  })

  it("grow header by header beyond their room", () => {
    const packed = new PackedHeaders(1, [])
    assert.strictEqual(packed.last, 0)
    for (const next of headers(1, 100)) packed.append([next])
    assert.deepStrictEqual(packed.range(1, 100), headers(1, 100))
  })

  it("do not change a hash that was read before they grew, nor one that was copied", () => {
    const packed = new PackedHeaders(1, headers(1, 3))
    const [view, copy] = [packed.hashAt(2), packed.at(2)?.hash]
    packed.append(headers(4, 200))
    assert.deepStrictEqual([view, copy], [header(2).hash, header(2).hash])
    copy?.fill(9)
    assert.deepStrictEqual(packed.hashAt(2), header(2).hash)
  })

  it("without their first ones are the rest, and grow on", () => {
    for (const first of [1, 2, 50, 51]) {
      const rest = new PackedHeaders(1, headers(1, 50)).since(first)
      assert.deepStrictEqual([rest.first, rest.last, rest.range(1, 50)], [first, 50, headers(first, 50)])
      rest.append(headers(51, 90))
      assert.deepStrictEqual(rest.range(1, 90), headers(first, 90))
    }
  })

  it("extend a chain that ends below them", () => {
    const chain = new HeaderChain(header(0))
    const packed = new PackedHeaders(1, headers(1, 50))
    packed.extend(chain, 1, 30)
    packed.extend(chain, 31, 50)
    assert.strictEqual(chain.height, 50)
    for (const height of [1, 30, 31, 50]) assert.deepStrictEqual(chain.parentAt(height), header(height))
    assert.strictEqual(chain.heightOf(header(37).hash), 37)
  })
})
