import { assert, describe, it } from "@effect/vitest"
import { addLatest, putLatest } from "../../src/domain/latest.ts"

describe("bounded by what was put last", () => {
  it("a map forgets the key that was put first, and putting a key again makes it the last", () => {
    const map = new Map<string, number>()
    for (const [i, key] of ["a", "b", "a", "c"].entries()) putLatest(map, key, i, 2)
    assert.deepStrictEqual([...map], [["a", 2], ["c", 3]])
  })

  it("a set as well; one that was larger before is cut to the bound", () => {
    const set = new Set([1, 2, 3, 4])
    addLatest(set, 2, 2)
    assert.deepStrictEqual([...set], [4, 2])
  })
})
