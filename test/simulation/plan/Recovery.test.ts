import { assert, describe, it } from "@effect/vitest"
import * as Bounds from "../../../src/simulation/plan/Bounds.ts"
import * as Recovery from "../../../src/simulation/plan/Recovery.ts"
import { RecoveryWatch } from "../../../src/simulation/watch/RecoveryWatch.ts"

describe("figures of recovery", () => {
  it("percentiles are nearest ranks", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
    assert.deepStrictEqual([0.5, 0.9, 0.99, 1].map((part) => Recovery.percentile(hundred, part)), [50, 90, 99, 100])
    assert.strictEqual(Recovery.percentile([7], 0.01), 7)
    assert.strictEqual(Recovery.percentile([], 0.5), 0)
  })

  it("a pair kept apart by faults of one kind counts under it, by several kinds under none of them", () => {
    const watch = new RecoveryWatch()
    watch.recovered(["kill"], 900.4)
    watch.recovered(["kill", "kill"], 100)
    watch.recovered(["kill", "cut"], 60_000)
    watch.recovered([], 5)
    assert.deepStrictEqual(watch.recoveries, { kill: [100, 900], several: [60_000] })
    assert.deepStrictEqual(Recovery.figures(watch.recoveries), [
      { kind: "kill", count: 2, p50Ms: 100, p90Ms: 900, p99Ms: 900, worstMs: 900 },
      { kind: "several", count: 1, p50Ms: 60_000, p90Ms: 60_000, p99Ms: 60_000, worstMs: 60_000 }
    ])
  })

  it("dials count by second, and only in seconds in which a pair waits", () => {
    const watch = new RecoveryWatch()
    for (
      const [node, ms, healing] of [[1, 100, true], [1, 900, false], [2, 999, false], [1, 1_000, false], [
        3,
        2_500,
        true
      ]] as const
    ) {
      watch.dialled(node, ms, healing)
    }
    const healing = watch.dialsWhileHealing
    assert.deepStrictEqual(healing, { seconds: { 1: 1, 3: 1 }, mostPerNode: 2 })
    assert.deepStrictEqual(Recovery.dialsPerSecond(healing), { mean: 2, p99: 3, most: 3, mostPerNode: 2 })
  })

  it("runs add up", () => {
    const merged = Recovery.merge({ kill: [1, 5], cut: [2] }, { kill: [3], pause: [4] })
    assert.deepStrictEqual(Recovery.figures(merged).map(({ count, kind, worstMs }) => [kind, count, worstMs]), [
      ["kill", 3, 5],
      ["pause", 1, 4],
      ["cut", 1, 2]
    ])
    const healing = Recovery.mergeHealing({ seconds: { 1: 2 }, mostPerNode: 1 }, {
      seconds: { 1: 1, 9: 1 },
      mostPerNode: 4
    })
    assert.deepStrictEqual(healing, { seconds: { 1: 3, 9: 1 }, mostPerNode: 4 })
    assert.deepStrictEqual(Recovery.dialsPerSecond(Recovery.noHealing), { mean: 0, p99: 0, most: 0, mostPerNode: 0 })
  })
})

describe("bounds on recovery", () => {
  const figures = (kind: Recovery.RecoveryKind, ms: number, count: number) =>
    Recovery.figures({ [kind]: Array.from({ length: count }, () => ms) })

  it("are as decided: processes 15 s and 30 s, links and pauses 15 s and 60 s", () => {
    for (const kind of ["kill", "vanish", "crash-loop"] as const) {
      assert.deepStrictEqual(Bounds.of(kind), { p99Ms: 15_000, worstMs: 30_000 })
    }
    for (const kind of ["cut", "reset", "pause", "partition"] as const) {
      assert.deepStrictEqual(Bounds.of(kind), { p99Ms: 15_000, worstMs: 60_000 })
    }
  })

  it("a pair kept apart by several kinds has the time of the slowest, one that was never connected 75 s at least, one that has to hear of the other twice that", () => {
    assert.strictEqual(Bounds.worstMs(["kill"]), 30_000)
    assert.strictEqual(Bounds.worstMs(["kill", "cut"]), 60_000)
    assert.strictEqual(Bounds.firstMs([]), 75_000)
    assert.strictEqual(Bounds.firstMs(["cut"]), 75_000, "they were never connected")
    assert.isAbove(Bounds.firstMs(["twin"]), 300_000)
    assert.isAbove(Bounds.worstMs(["kill", "twin"]), 300_000)
    assert.strictEqual(Bounds.introductionMs(["kill"]), 150_000)
  })

  it("a p99 is judged of a hundred recoveries", () => {
    assert.deepStrictEqual(Bounds.problems(figures("cut", 15_000, 200)), [])
    assert.deepStrictEqual(Bounds.problems(figures("cut", 15_001, 99)), [])
    assert.deepStrictEqual(Bounds.problems(figures("cut", 15_001, 100)), [
      "cut: p99 15001 ms of 100 recoveries exceeds limit 15000 ms"
    ])
    assert.isNotEmpty(Bounds.problems(figures("several", 16_000, 100)))
  })
})
