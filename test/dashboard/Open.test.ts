import { assert, describe, it } from "@effect/vitest"
import { growth, type Sample } from "./Open.ts"

const open = (heapOf: (at: number) => number): ReadonlyArray<Sample> =>
  Array.from({ length: 60 }, (_, at) => ({ at, heap: heapOf(at), nodes: 1_000, listeners: 15 }))

describe("a dashboard that stays open", () => {
  it("may fill its lists, and go up and down", () => {
    assert.deepStrictEqual(growth(open((at) => Math.min(5_000, 1_000 + 300 * at) + (at % 7) * 50)), [])
  })

  it("may not grow for ever", () => {
    assert.deepStrictEqual(growth(open((at) => 2_000 + 30 * at)), ["heap grew from 2870 to 3770"])
  })

  it("is not judged by a few minutes", () => {
    assert.deepStrictEqual(growth(open(() => 1).slice(0, 7)), ["7 samples say nothing: 8 at least"])
  })
})
