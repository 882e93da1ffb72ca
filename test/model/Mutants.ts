/** Wrong rules. The search must refute each with a trace, or it proves nothing about the right ones. */
import * as Pair from "../../src/domain/pair/Pair.ts"
import type { Rules } from "../../src/domain/pair/PairRules.ts"
import { production } from "../../src/domain/pair/PairRules.ts"
import { behindLower, seven } from "./Cases.ts"
import type { Options } from "./Cases.ts"
import type { Result, Violation } from "./Search.ts"
import { search } from "./Search.ts"
import { trace } from "./Trace.ts"
import type { Setting } from "./World.ts"

export interface Mutant {
  readonly name: string
  readonly rules: Rules
  readonly cases: ReadonlyArray<(options: Options) => Setting>
}

export const mutants: ReadonlyArray<Mutant> = [
  { name: "keep the oldest challenger", rules: { ...production, keep: "oldest" }, cases: seven },
  { name: "no challenge", rules: { ...production, conflict: "refuse" }, cases: seven },
  { name: "commit blindly", rules: { ...production, conflict: "replace" }, cases: seven },
  { name: "let H choose", rules: { ...production, chooser: "higher" }, cases: seven },
  { name: "reject early challengers", rules: { ...production, early: "reject" }, cases: seven },
  {
    name: "H obeys the newest Commit of another process",
    rules: { ...production, foreignCommit: "obey" },
    cases: [behindLower]
  }
]

export interface Refutation {
  readonly settings: number
  readonly states: number
  /** Lines of the shortest trace; `undefined`: the mutant was not refuted. */
  readonly lines: ReadonlyArray<string> | undefined
}

/** Searches with no fault, then with one, until something is violated; tells the shortest trace of all cases. */
export const refute = (mutant: Mutant): Refutation => {
  const step = Pair.make(mutant.rules)
  let settings = 0
  let states = 0
  for (const faults of [0, 1]) {
    let best: { readonly result: Result; readonly violation: Violation } | undefined
    let length = Infinity
    for (const build of mutant.cases) {
      const result = search(build({ slots: 3, faults, anyTimer: false, step }))
      settings += 1
      states += result.states
      for (const violation of result.first) {
        const lines = trace(result, violation).length
        if (lines >= length) continue
        length = lines
        best = { result, violation }
      }
    }
    if (best !== undefined) return { settings, states, lines: trace(best.result, best.violation) }
  }
  return { settings, states, lines: undefined }
}
