/** One table of the peer book by itself: slots, what leaves, and what a draw gives. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { BookTable, type Held } from "../../../src/domain/peer/BookTable.ts"
import type { KnownAddress } from "../../../src/domain/peer/KnownAddress.ts"

const held = (bucket: number, slot: number): Held => ({ known: {} as KnownAddress, table: "new", bucket, slot })
const tableOf = (...all: ReadonlyArray<Held>): BookTable => {
  const table = new BookTable()
  for (const one of all) table.put(one)
  return table
}
/** Gives these numbers, one after the other. */
const draws = (...numbers: ReadonlyArray<number>) => {
  const left = [...numbers]
  return () => left.shift() ?? assert.fail("one draw too many")
}
const last = Limits.bookBucketSlots - 1

describe("BookTable", () => {
  it("holds each address in its slot, and nothing anywhere else", () => {
    const [a, b, c] = [held(7, 0), held(7, last), held(9, 0)]
    const table = tableOf(a, b, c)
    assert.strictEqual(table.size, 3)
    assert.deepStrictEqual([table.at(7, 0), table.at(7, last), table.at(9, 0)], [a, b, c])
    assert.deepStrictEqual([table.at(7, 1), table.at(8, 0)], [undefined, undefined])
  })

  it("draws a bucket first, then the first used slot from one on, round the end", () => {
    const [a, b, c] = [held(7, 1), held(7, last), held(9, 0)]
    const table = tableOf(a, b, c)
    assert.strictEqual(table.draw(draws(0, 0)), a)
    assert.strictEqual(table.draw(draws(0.49, 2 / Limits.bookBucketSlots)), b)
    assert.strictEqual(table.draw(draws(0.5, 1 / Limits.bookBucketSlots)), c, "from its second slot on")
    assert.isUndefined(tableOf().draw(draws(0, 0)))
  })

  it("draws from the buckets that are left, whichever was emptied", () => {
    const all = [held(1, 0), held(2, 0), held(3, 0)]
    for (const gone of all) {
      const table = tableOf(...all)
      table.remove(gone)
      assert.strictEqual(table.size, 2)
      assert.isUndefined(table.at(gone.bucket, gone.slot))
      const drawn = [0, 0.5].map((bucket) => table.draw(draws(bucket, 0)))
      assert.sameMembers(drawn, all.filter((one) => one !== gone))
      const again = held(gone.bucket, 1)
      table.put(again)
      assert.strictEqual(table.draw(draws(0.9, 0)), again, "a bucket that filled again")
      for (const one of [...all, again]) table.remove(one)
      assert.strictEqual(table.size, 0)
      assert.isUndefined(table.draw(draws(0)))
    }
  })

  it("keeps a bucket that is not empty yet", () => {
    const [a, b] = [held(7, 0), held(7, 1)]
    const table = tableOf(a, b)
    table.remove(a)
    assert.strictEqual(table.draw(draws(0, 0)), b)
    assert.strictEqual(table.at(7, 1), b)
  })

  it("removes what is in the slot, and not another that would be", () => {
    const table = tableOf(held(7, 0))
    for (const other of [held(7, 0), held(7, 1), held(8, 0)]) table.remove(other)
    assert.strictEqual(table.size, 1)
  })
})
