import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { LagMeter } from "../../../src/layers/time/LagMeter.ts"

const make = () => {
  const stalls: Array<number> = []
  return { stalls, lag: new LagMeter((ms) => stalls.push(ms)) }
}

describe("LagMeter", () => {
  it("adds up stalls, one after the other", () => {
    const { lag, stalls } = make()
    lag.ran(1_000, 3_000)
    lag.ran(10_000, 11_500)
    assert.strictEqual(lag.totalMs, 3_500)
    assert.deepStrictEqual(stalls, [2_000, 1_500])
  })

  it("ordinary scheduling is no stall", () => {
    const { lag, stalls } = make()
    for (let at = 0; at < 10_000; at += 200) lag.ran(at, at + Limits.lagFloorMs)
    assert.strictEqual(lag.totalMs, 0)
    assert.deepStrictEqual(stalls, [])
  })

  it("counts one stall once, whoever saw how much of it", () => {
    const { lag, stalls } = make()
    lag.ran(4_000, 6_000)
    lag.ran(3_000, 6_001)
    lag.ran(5_500, 6_002)
    lag.ran(3_200, 6_003)
    assert.strictEqual(lag.totalMs, 3_003)
    assert.deepStrictEqual(stalls, [2_000, 1_001], "what is added later is no stall of its own")
    lag.ran(6_000, 6_003 + Limits.lagFloorMs)
    assert.deepStrictEqual([lag.totalMs, stalls.length], [3_003 + Limits.lagFloorMs, 2])
  })

  it("counts a stall that begins as another ends on from there", () => {
    const { lag } = make()
    lag.ran(1_000, 3_000)
    lag.ran(3_000, 5_000)
    lag.ran(2_000, 5_001)
    assert.strictEqual(lag.totalMs, 4_001)
  })
})
