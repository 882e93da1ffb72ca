import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { faultKinds } from "../../../src/simulation/plan/Fault.ts"
import * as ShardFile from "../../../src/simulation/plan/ShardFile.ts"
import * as SimulationResult from "../../../src/simulation/plan/SimulationResult.ts"

const scenario = { nodes: 4, hours: 1, mode: "safety", faults: faultKinds } as const
const seeds = { first: 10, last: 16 }

const headerOf = (index: number, change: object = {}) => ({
  ...ShardFile.header(scenario, {
    software: "timemesh/1",
    behaviour: "0123456789abcdef",
    seeds,
    shard: { index, count: 3 },
    shrink: true
  }),
  ...change
})

const resultOf = (seed: number) => SimulationResult.crashed({ ...scenario, seed }, 1, "planted")

const linesOf = (index: number, change: object = {}): ReadonlyArray<string> => {
  const { first, last } = ShardFile.seedsOf(seeds, { index, count: 3 })
  const results = Array.from({ length: last - first + 1 }, (_, i) => resultOf(first + i))
  return [headerOf(index, change), ...results].map((value) => JSON.stringify(value))
}

const textOf = (index: number, change: object = {}) => `${linesOf(index, change).join("\n")}\n`

const fileOf = (index: number, change: object = {}) =>
  Result.getOrThrow(ShardFile.read(`part${index}`, textOf(index, change)))

const failure = <A>(result: Result.Result<A, string>): string =>
  Result.isFailure(result) ? result.failure : "no failure"

describe("ShardFile", () => {
  it("parts the seeds wholly, evenly and in order", () => {
    for (const [first, last] of [[0, 0], [1, 10], [7, 106], [5, 1_004]] as const) {
      for (let count = 1; count <= Math.min(last - first + 1, 37); count++) {
        const parts = Array.from(
          { length: count },
          (_, i) => ShardFile.seedsOf({ first, last }, { index: i + 1, count })
        )
        const sizes = parts.map((part) => part.last - part.first + 1)
        assert.strictEqual(parts[0]?.first, first)
        assert.strictEqual(parts.at(-1)?.last, last)
        for (const [i, part] of parts.slice(1).entries()) assert.strictEqual(part.first, (parts[i]?.last ?? 0) + 1)
        assert.isAtMost(Math.max(...sizes) - Math.min(...sizes), 1, `${first}..${last} in ${count}`)
      }
    }
  })

  it("merges all shards, in any order, into the results of all seeds in order", () => {
    const merged = Result.getOrThrow(ShardFile.merge([fileOf(3), fileOf(1), fileOf(2)]))
    assert.deepStrictEqual(merged, [10, 11, 12, 13, 14, 15, 16].map(resultOf))
  })

  it("refuses a shard that is missing or there twice", () => {
    assert.strictEqual(failure(ShardFile.merge([fileOf(2)])), "shard 1/3, shard 3/3 are missing")
    assert.strictEqual(failure(ShardFile.merge([fileOf(1), fileOf(3)])), "shard 2/3 is missing")
    const twice = [fileOf(1), fileOf(2), fileOf(3), { ...fileOf(2), name: "again" }]
    assert.strictEqual(failure(ShardFile.merge(twice)), "part2 and again are both shard 2/3")
  })

  const { settings } = headerOf(1)
  const others: ReadonlyArray<readonly [what: string, change: object, words: string]> = [
    ["program", { software: "timemesh/2" }, "timemesh/1 and timemesh/2"],
    ["build", { behaviour: "f123456789abcdef" }, "two builds of timemesh/1 that behave differently"],
    ["number of nodes", { settings: { ...settings, nodes: 5 } }, "\"nodes\":5"],
    ["duration", { settings: { ...settings, hours: 2 } }, "\"hours\":2"],
    ["mode", { settings: { ...settings, mode: "liveness" } }, "liveness"],
    ["kinds of faults", { settings: { ...settings, faults: ["cut"] } }, "\"faults\":[\"cut\"]"],
    ["store", { settings: { ...settings, store: "sqlite" } }, "sqlite"],
    ["defect", { settings: { ...settings, mutant: "keep-oldest" } }, "keep-oldest"],
    ["shrinking", { settings: { ...settings, shrink: false } }, "\"shrink\":false"]
  ]
  for (const [what, change, words] of others) {
    it(`refuses shards of another ${what}`, () => {
      const text = failure(ShardFile.merge([fileOf(1), fileOf(2, change), fileOf(3)]))
      assert.match(text, /^part1 and part2 do not belong together: /)
      assert.include(text, words)
    })
  }

  it("refuses shards of other seeds, or of another number of shards", () => {
    const more = ShardFile.read(
      "more",
      `${
        [headerOf(2, { seeds: { first: 10, last: 17 } }), ...[13, 14, 15].map(resultOf)].map((value) =>
          JSON.stringify(value)
        ).join("\n")
      }\n`
    )
    assert.include(failure(ShardFile.merge([fileOf(1), Result.getOrThrow(more)])), "seeds 10..16 and 10..17")
    const halves = ShardFile.read(
      "half",
      `${
        [headerOf(2, { shard: { index: 2, count: 2 } }), ...[14, 15, 16].map(resultOf)].map((value) =>
          JSON.stringify(value)
        ).join("\n")
      }\n`
    )
    assert.include(failure(ShardFile.merge([fileOf(1), Result.getOrThrow(halves)])), "shards of 3 and of 2")
  })

  it("a file that was cut off anywhere, or has a seed too many, twice or of another shard, is refused", () => {
    const whole = textOf(2)
    assert.isTrue(Result.isSuccess(ShardFile.read("part2", whole)))
    // The final line feed may be lost: nothing else may.
    for (let length = 0; length < whole.length - 1; length++) {
      assert.isTrue(Result.isFailure(ShardFile.read("part2", whole.slice(0, length))), `${length} characters`)
    }
    const [head = "", a = "", b = ""] = linesOf(2)
    const extra = JSON.stringify(resultOf(16))
    for (const lines of [[head, a, a], [head, b, a], [head, a, b, b], [head, a, b, extra], [head, extra, b], [a, b]]) {
      assert.isTrue(Result.isFailure(ShardFile.read("part2", lines.join("\n"))), lines.join("\n"))
    }
    assert.strictEqual(
      failure(ShardFile.read("part2", [head, a].join("\n"))),
      "part2: its last 1 seeds are missing, from 14; simulate that shard again"
    )
  })

  it("says what is wrong with another format or version", () => {
    assert.strictEqual(failure(ShardFile.read("x", "hello")), "x: is not a file of timemesh simulate --out")
    assert.strictEqual(
      failure(ShardFile.read("x", textOf(1, { version: 2 }))),
      "x: has version 2 of the format, this program reads 1; use one version"
    )
    const shards = [{ index: 0, count: 3 }, { index: 4, count: 3 }, { index: 1, count: 8 }]
    for (const shard of shards) {
      assert.include(failure(ShardFile.read("x", textOf(1, { shard }))), "no such shard")
    }
  })
})
