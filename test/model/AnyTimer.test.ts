import { assert, describe, it } from "@effect/vitest"
import { search } from "./Search.ts"
import { quickAnyTimer } from "./Settings.ts"
import { trace } from "./Trace.ts"

/** Its own file, so that it runs beside the timely half. */
describe("exhaustive search, every timer may fire at any moment", () => {
  for (const setting of quickAnyTimer) {
    it(setting.name, { timeout: 180_000 }, () => {
      const result = search(setting)
      assert.deepStrictEqual(result.first.flatMap((violation) => trace(result, violation)), [])
      assert.isAbove(result.states, 5)
    })
  }
})
