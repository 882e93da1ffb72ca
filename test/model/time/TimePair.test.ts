/** `TimePair` against the daemon's rules, exhaustively; and what each of its rules is for. */
import { assert, describe, it } from "@effect/vitest"
import { cases, mutants, refute } from "./Cases.ts"
import { search } from "./Search.ts"

describe("every state", () => {
  for (const { name, setting } of cases) {
    it(name, { timeout: 120_000 }, () => {
      const result = search(setting)
      assert.isUndefined(result.violation, result.violation?.flat().join("\n"))
      assert.isAbove(result.states, 10)
      assert.isAbove(result.settled, 0)
    })
  }
})

describe("the search can fail", () => {
  for (const mutant of mutants) {
    it(`refutes: ${mutant.name}`, { timeout: 120_000 }, () => assert.isDefined(refute(mutant).violation))
  }
})
