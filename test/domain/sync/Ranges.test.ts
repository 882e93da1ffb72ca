import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Ranges from "../../../src/domain/sync/Ranges.ts"

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** A chain of `height` blocks above genesis that leaves the main chain above `fork`. */
describe("Ranges", () => {
  it.prop(
    "are the set of their heights",
    [Arbitrary.array(Arbitrary.all([int(0, 2), int(0, 20), int(0, 6)]), { maxLength: 30 })],
    ([moves]) => {
      let ranges = Ranges.empty
      const model = new Set<number>()
      for (const [kind, from, length] of moves) {
        ranges = kind === 0
          ? Ranges.remove(ranges, from, from + length - 1)
          : Ranges.add(ranges, from, from + length - 1)
        for (let h = from; h < from + length; h++) {
          if (kind === 0) model.delete(h)
          else model.add(h)
        }
        assert.strictEqual(Ranges.size(ranges), model.size)
        for (let h = 0; h < 30; h++) assert.strictEqual(Ranges.has(ranges, h), model.has(h))
        for (let i = 1; i < ranges.length; i++) {
          assert.isAbove(ranges[i]?.from ?? 0, (ranges[i - 1]?.to ?? 0) + 1)
        }
      }
    }
  )
})
