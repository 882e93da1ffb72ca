/** A simulator that simulates nothing, for tests of the command: which seeds fail, and of what, is known. */
import { Effect } from "effect"
import type { Simulator } from "../../src/cli/simulate/simulator.ts"
import type { Fault } from "../../src/simulation/plan/Fault.ts"
import * as FaultPlan from "../../src/simulation/plan/FaultPlan.ts"
import type { SimulationOptions, SimulationReport } from "../../src/simulation/plan/SimulationReport.ts"

/** Eight faults, one a minute; the first at 1 min. */
const plan: ReadonlyArray<Fault> = Array.from({ length: 8 }, (_, id) => ({
  kind: "pause",
  id,
  node: id % 4,
  atMs: (id + 1) * 60_000,
  endMs: (id + 1) * 60_000 + 1_500
}))

/** Fails at 0:07:00.500, if the faults 2 (of node 2) and 5 (of node 1) happen. */
export const failing = 13
/** Fails in another way as soon as anything is left out. */
export const fickle = 14
/** Ends its process. */
export const crashing = 15
/** Has a defect. */
export const dying = 16
/** Never ends. */
export const hanging = 17

const planOf = (options: SimulationOptions): ReadonlyArray<Fault> =>
  FaultPlan.kept(options.faults.includes("pause") ? plan : [], {
    faults: options.keepFaults,
    nodes: options.keepNodes
  })

const violationsOf = (options: SimulationOptions, untilMs: number): SimulationReport["violations"] => {
  const ids = planOf(options).map(({ id }) => id)
  if (options.seed === failing && ids.includes(2) && ids.includes(5) && untilMs >= 420_500) {
    return [{ atMs: 420_500, invariant: "at most one", detail: `of ${ids.length} faults` }]
  }
  if (options.seed === fickle) {
    const whole = options.keepFaults === undefined
    return [{ atMs: 100, invariant: whole ? "seldom" : "often", detail: "by design" }]
  }
  return []
}

const reportOf = (options: SimulationOptions): SimulationReport => {
  const asked = options.untilMs ?? options.hours * 3_600_000
  const violations = violationsOf(options, asked)
  const untilMs = violations[0]?.atMs ?? asked
  const timeline = planOf(options).filter(({ atMs }) => atMs <= untilMs).map((fault) => ({ fault, recoveryMs: 2_500 }))
  const nodes = options.keepNodes?.length ?? options.nodes
  return {
    seed: options.seed,
    nodes,
    mode: options.mode,
    virtualHours: untilMs / 3_600_000,
    traceHash: `${options.seed}`.padStart(16, "0"),
    pairs: nodes * (nodes - 1) / 2,
    connected: nodes * (nodes - 1) / 2,
    duplicates: 0,
    unfaultedDowns: 0,
    faults: timeline.length === 0 ? {} : { pause: timeline.length },
    downsByReason: { silent: 2, EOF: 5 },
    recoveries: { pause: timeline.map(({ recoveryMs }) => recoveryMs) },
    healing: { seconds: { 2: timeline.length }, mostPerNode: 1 },
    maxRecoveryMs: 2_500 + options.seed,
    heights: Array.from({ length: nodes }, (_, node) => 100 + node),
    reorgs: 1,
    messages: 12_345,
    steps: 99,
    timeline,
    violations,
    ok: violations.length === 0
  }
}

export const simulator: Simulator = {
  planOf,
  run: (options, watch) =>
    Effect.suspend(() => {
      watch?.progress?.(1_000)
      watch?.trace?.(JSON.stringify({ seed: options.seed }))
      if (options.seed === hanging) return Effect.never
      if (options.seed === dying) return Effect.die(new Error("a defect of the stub"))
      if (options.seed === crashing) {
        process.stderr.write("the stub gives up\n")
        process.exit(3)
      }
      return Effect.succeed(reportOf(options))
    })
}
