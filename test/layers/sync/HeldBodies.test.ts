/** What bodies that wait cost: exactly those that are held, and none that was dropped. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { type Held, HeldBodies } from "../../../src/layers/sync/HeldBodies.ts"

const height = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
const Step = Schema.Union([
  Schema.TaggedStruct("put", { height, size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })) }),
  Schema.TaggedStruct("dropAbove", { height }),
  Schema.TaggedStruct("dropUpTo", { height }),
  Schema.TaggedStruct("clear", {})
])

const body = (height: number, size: number): Held =>
  ({
    hash: `${height}`,
    block: { bytes: new Uint8Array(size) },
    treasuryBalance: 0n,
    from: undefined
  }) as unknown as Held

describe("HeldBodies", () => {
  it.prop("holds one body a height, and counts its bytes until it is dropped or replaced", [
    Arbitrary.array(Arbitrary.schema(Step))
  ], ([steps]) => {
    const held = new HeldBodies()
    const model = new Map<number, Held>()
    for (const step of steps) {
      switch (step._tag) {
        case "put": {
          const one = body(step.height, step.size)
          held.put(step.height, one)
          model.set(step.height, one)
          break
        }
        case "dropAbove":
          held.dropAbove(step.height)
          for (const at of model.keys()) if (at > step.height) model.delete(at)
          break
        case "dropUpTo":
          held.dropUpTo(step.height)
          for (const at of model.keys()) if (at <= step.height) model.delete(at)
          break
        case "clear":
          held.clear()
          model.clear()
      }
      assert.strictEqual(held.count, model.size)
      assert.strictEqual(held.bytes, [...model.values()].reduce((sum, { block }) => sum + block.bytes.length, 0))
      for (let at = 1; at <= 12; at++) assert.strictEqual(held.get(at), model.get(at))
    }
  }, { arbitrary: { runs: 300 } })
})
