/** Networks of nodes of ours and of daemons of the TIME network, simulated: without faults nothing happens, and through faults nobody is ever banned. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type FaultKind, faultKinds } from "../../src/simulation/plan/Fault.ts"
import type { SimulationOptions, SimulationReport } from "../../src/simulation/plan/SimulationReport.ts"
import * as SimulationText from "../../src/simulation/plan/SimulationText.ts"
import * as Simulation from "../../src/simulation/Simulation.ts"

const mixed = (
  seed: number,
  nodes: number,
  hours: number,
  faults: ReadonlyArray<FaultKind>
): SimulationOptions => ({ seed, nodes, hours, faults, mode: "safety", wire: "mixed" })

const figures = (given: SimulationOptions, report: SimulationReport) => {
  if (!report.ok) assert.fail(`${SimulationText.replay(given)}\n${JSON.stringify(report.violations, undefined, 2)}`)
  return report.daemons ?? assert.fail("no daemons")
}

describe("a mixed network", () => {
  it.live("without faults: every pair is settled, and no daemon holds anything against a node", () => {
    const given = mixed(1, 4, 2, [])
    return Effect.map(Simulation.run(given), (report) => {
      const { bans, daemons, held, pairs, settled, unfaultedDowns } = figures(given, report)
      assert.deepStrictEqual({ daemons, pairs, settled, bans, held, unfaultedDowns }, {
        daemons: 2,
        pairs: 4,
        settled: 4,
        bans: 0,
        held: 0,
        unfaultedDowns: 0
      })
      // A block is due every ten minutes, and each end has it from the other.
      assert.isAtLeast(Math.min(...report.heights), 120 + 11)
    })
  })

  it.live("through faults of machines, processes, clocks and links nobody is banned, and the same seed runs the same way", () =>
    Effect.gen(function*() {
      const given = mixed(2, 4, 1, faultKinds)
      const [a, b] = [yield* Simulation.run(given), yield* Simulation.run(given)]
      assert.strictEqual(figures(given, a).bans, 0)
      assert.isAbove(Object.values(a.faults).reduce((sum, count) => sum + count, 0), 5)
      assert.deepStrictEqual(
        Object.keys(a.faults).filter((kind) => ["twin", "hostile", "fork", "flood"].includes(kind)),
        []
      )
      assert.deepStrictEqual(a, b)
    }))

  it.live("an older session that is left open is found", () => {
    const given: SimulationOptions = { ...mixed(2, 4, 3, ["kill", "vanish", "cut"]), mutant: "older-session-kept" }
    return Effect.map(
      Simulation.run(given),
      ({ violations }) => assert.strictEqual(violations[0]?.invariant, "one connection up per peer")
    )
  })
})
