import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Backoff from "../../../src/domain/peer/Backoff.ts"
import * as arb from "../../harness/arbitraries.ts"

const failures = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_000 }))
const after = (n: number): Backoff.State => {
  let state = Backoff.start
  for (let i = 0; i < n; i++) state = Backoff.failed(state)
  return state
}

describe("the least wait after Rejects in a row", () => {
  it("is none for eight, then 1 s doubling to 60 s", () => {
    const table = [0, 1, 8].map((n) => Backoff.refusedMs(n))
    assert.deepStrictEqual(table, [0, 0, 0])
    assert.deepStrictEqual([9, 10, 11, 12, 13, 14, 15, 5_000].map((n) => Backoff.refusedMs(n) / 1_000), [
      1,
      2,
      4,
      8,
      16,
      32,
      60,
      60
    ])
  })
})

describe("Backoff", () => {
  it("is 1 s doubling to 300 s, 50 to 100 % of it", () => {
    const table = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]
    for (const [n, full] of table.entries()) {
      assert.strictEqual(Backoff.delay(after(n), 1), full)
      assert.strictEqual(Backoff.delay(after(n), 0), full / 2)
    }
  })

  it.prop("stays within its bounds for ever", [failures, arb.jitter], ([n, jitter]) => {
    const delay = Backoff.delay(after(n), jitter)
    assert.isAtLeast(delay, 500)
    assert.isAtMost(delay, 300_000)
    assert.isAtLeast(Backoff.delay(after(n + 1), jitter), delay)
  })

  it("a short Up counts as a failure, a longer one resets", () => {
    assert.deepStrictEqual(Backoff.ended(after(3), 4_999), after(4))
    assert.deepStrictEqual(Backoff.ended(after(3), 5_000), Backoff.start)
    assert.deepStrictEqual(Backoff.ended(Backoff.start, 0), after(1))
  })

  it.prop(
    "depends only on what happened since the last long Up",
    [Arbitrary.array(Arbitrary.schema(Schema.Literals(["failed", "short", "long"])))],
    ([events]) => {
      let state = Backoff.start
      for (const event of events) {
        state = event === "failed" ? Backoff.failed(state) : Backoff.ended(state, event === "short" ? 100 : 60_000)
      }
      assert.strictEqual(state.failures, events.length - 1 - events.lastIndexOf("long"))
    }
  )

  it.prop("fallback", [arb.jitter], ([jitter]) => {
    assert.strictEqual(Backoff.fallbackMs("first", jitter), 500 + 500 * jitter)
    assert.strictEqual(Backoff.fallbackMs("later", jitter), 3_000 + 2_000 * jitter)
  })
})
