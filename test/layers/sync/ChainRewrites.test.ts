/** A reader of several reads sees one chain: it waits out a rewrite, and reads again if one began meanwhile. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ChainRewrites } from "../../../src/layers/sync/ChainRewrites.ts"

describe("ChainRewrites", () => {
  it.effect("a read waits until the rewrite is done", () =>
    Effect.gen(function*() {
      const rewrites = new ChainRewrites()
      rewrites.begin()
      const reading = yield* Effect.forkChild(rewrites.steady(Effect.succeed("read")))
      yield* Effect.yieldNow
      assert.isUndefined(reading.pollUnsafe())
      rewrites.end()
      assert.deepStrictEqual(yield* Fiber.join(reading), ["read", rewrites.version])
    }))

  it.effect("a read during which a rewrite begins is made again, also when that has ended by then", () =>
    Effect.gen(function*() {
      const rewrites = new ChainRewrites()
      let reads = 0
      const read = Effect.sync(() => {
        reads += 1
        if (reads === 1) {
          rewrites.begin()
          rewrites.end()
        }
        return reads
      })
      assert.deepStrictEqual(yield* rewrites.steady(read), [2, rewrites.version])
    }))

  it.effect("a failed read ends it", () =>
    Effect.gen(function*() {
      const rewrites = new ChainRewrites()
      assert.strictEqual(yield* Effect.flip(rewrites.steady(Effect.fail("gone"))), "gone")
    }))
})
