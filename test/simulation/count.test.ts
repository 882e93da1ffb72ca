/** Peers and masternodes are counted right at the end of runs whose nodes restart, move, stand still and lose their links; wrong counts are found. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type FaultKind, faultKinds } from "../../src/simulation/plan/Fault.ts"
import type { Mutant } from "../../src/simulation/plan/Mutants.ts"
import type { SimulationOptions } from "../../src/simulation/plan/SimulationReport.ts"
import * as SimulationText from "../../src/simulation/plan/SimulationText.ts"
import * as Simulation from "../../src/simulation/Simulation.ts"

const options = (seed: number, faults: ReadonlyArray<FaultKind>, mutant?: Mutant): SimulationOptions => ({
  seed,
  nodes: 6,
  hours: 0.25,
  faults,
  mode: "safety",
  masternodes: true,
  ...(mutant === undefined ? {} : { mutant })
})

describe("counts at the end of a run", () => {
  for (const [seed, kinds] of [[1, faultKinds], [2, ["readdress", "kill", "jump"]]] as const) {
    it.live(`are the truth at every node (seed ${seed})`, () =>
      Effect.gen(function*() {
        const given = options(seed, kinds)
        const { ok, violations } = yield* Simulation.run(given)
        assert.isTrue(ok, `${SimulationText.replay(given)}\n${JSON.stringify(violations)}`)
      }))
  }

  for (
    const [mutant, seed] of [
      ["masternodes-by-address", 1],
      ["masternodes-stale", 1],
      ["masternodes-by-one-netgroup", 1]
    ] as const
  ) {
    it.live(`${mutant} is found`, () =>
      Effect.map(
        Simulation.run(options(seed, ["readdress"], mutant)),
        ({ violations }) =>
          assert.deepStrictEqual(violations.map(({ invariant }) => invariant), [
            "peers and masternodes are counted right"
          ])
      ))
  }
})
