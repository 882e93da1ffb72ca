/** A branch that peers have shown: which headers it gives at which height while our chain reaches it, or leaves it further down. */
import { assert, describe, it } from "@effect/vitest"
import type { Parent } from "../../../src/domain/chain/HeaderRules.ts"
import type { Held } from "../../../src/layers/sync/HeldBodies.ts"
import { ShownBranch } from "../../../src/layers/sync/ShownBranch.ts"

const header = (height: number): Parent => {
  const hash = new Uint8Array(32)
  new DataView(hash.buffer).setUint32(28, height)
  return { height, hash, treasuryBalance: 0 }
}
const headers = (from: number, to: number): ReadonlyArray<Parent> =>
  Array.from({ length: to - from + 1 }, (_, i) => header(from + i))
const heights = (all: ReadonlyArray<{ readonly height: number }>) => all.map(({ height }) => height)
const body = (height: number): Held =>
  ({ hash: `${height}`, block: { bytes: new Uint8Array(1) }, from: undefined }) as unknown as Held

/** It leaves our chain at height 10 and ends at 20. */
const branch = () => new ShownBranch(1, 10, headers(11, 20))

describe("a shown branch", () => {
  it("has the headers above the fork up to its tip, and no others", () => {
    const one = branch()
    assert.deepStrictEqual([one.fork, one.base, one.height, one.tip?.height], [10, 10, 20, 20])
    assert.deepStrictEqual([10, 11, 20, 21].map((height) => one.at(height)?.height), [undefined, 11, 20, undefined])
    assert.deepStrictEqual(heights(one.upTo(13)), [11, 12, 13])
    assert.deepStrictEqual(heights(one.upTo(10)), [])
    assert.deepStrictEqual(one.tipText, { height: 20, hash: `${"0".repeat(62)}14` })
    assert.isTrue(one.holds(15, header(15).hash))
    assert.isFalse(one.holds(15, header(16).hash))
    assert.isFalse(one.holds(10, header(10).hash), "that is our chain's")
  })

  it("grows at its end", () => {
    const one = branch()
    one.append(headers(21, 22))
    assert.deepStrictEqual([one.height, one.at(21)?.height, one.tip?.height], [22, 21, 22])
  })

  it("that our chain follows gives what is above it, and drops the bodies that are stored", () => {
    const one = branch()
    for (const height of [11, 12, 13]) one.held.put(height, body(height))
    one.advance(12)
    assert.deepStrictEqual([one.fork, one.base, one.height], [12, 12, 20])
    assert.deepStrictEqual([12, 13].map((height) => one.at(height)?.height), [undefined, 13])
    assert.deepStrictEqual(heights(one.upTo(14)), [13, 14])
    assert.deepStrictEqual([one.held.get(12), one.held.count], [undefined, 1])
    one.advance(20)
    assert.deepStrictEqual([heights(one.upTo(20)), one.height], [[], 20])
  })

  it("of many headers is the same when those that our chain has reached are dropped", () => {
    for (const reached of [4_095, 4_096, 4_097, 9_000]) {
      const one = new ShownBranch(1, 0, headers(1, 9_000))
      one.advance(reached)
      assert.deepStrictEqual([one.fork, one.height], [reached, 9_000])
      assert.isUndefined(one.at(reached))
      assert.strictEqual(one.at(reached + 1)?.height, reached < 9_000 ? reached + 1 : undefined)
      assert.strictEqual(one.tip?.height, reached < 9_000 || reached < 4_096 ? 9_000 : undefined)
      assert.strictEqual(one.tipText.hash === "", reached === 9_000, "nothing is left of one that is reached whole")
    }
  })

  it("that our chain left further down has those blocks as its own again", () => {
    const one = branch()
    one.advance(14)
    one.recede(8, headers(9, 14))
    assert.deepStrictEqual([one.fork, one.base, one.height], [8, 8, 20])
    assert.deepStrictEqual(heights(one.upTo(20)), heights(headers(9, 20)))
    assert.deepStrictEqual([8, 9, 15].map((height) => one.at(height)?.height), [undefined, 9, 15])
  })

  it("with bodies that are staged beside our chain continues above them", () => {
    const one = branch()
    for (const height of [15, 16, 17]) one.held.put(height, body(height))
    one.stagedTo = 15
    assert.strictEqual(one.base, 15)
    one.advance(12)
    assert.deepStrictEqual([one.base, one.held.count], [15, 2])
    one.advance(16)
    assert.deepStrictEqual([one.base, one.held.count], [16, 1])
  })

  it("is found by ten hashes in a row from its tip, then in steps that double, above the fork only", () => {
    const one = new ShownBranch(1, 100, headers(101, 200))
    const locator = one.locator()
    assert.deepStrictEqual(heights(locator), [
      200,
      199,
      198,
      197,
      196,
      195,
      194,
      193,
      192,
      191,
      189,
      185,
      177,
      161,
      129
    ])
    assert.deepStrictEqual(locator.map(({ hash }) => hash), heights(locator).map((height) => header(height).hash))
    one.advance(200)
    assert.deepStrictEqual(one.locator(), [])
  })
})
