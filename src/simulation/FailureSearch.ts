/**
 * Runs simulations, and shrinks a failing one.
 *
 * The simulation itself is passed in as `Run`, because this module needs nothing else of it.
 */
import { Effect } from "effect"
import * as SimulationLimits from "./plan/Limits.ts"
import * as Shrink from "./plan/Shrink.ts"
import type { InvalidSimulation } from "./plan/SimulationOptions.ts"
import type { SimulationOptions, SimulationReport, Violation } from "./plan/SimulationReport.ts"
import type { Shrunk } from "./plan/SimulationResult.ts"
import * as SimulationText from "./plan/SimulationText.ts"
import type { Watch } from "./Simulation.ts"

/** Same signature as `Simulation.run`. */
export type Run = (options: SimulationOptions, watch?: Watch) => Effect.Effect<SimulationReport, InvalidSimulation>

/** Virtual ms that the options request. */
export const wholeMs = ({ hours, untilMs }: Pick<SimulationOptions, "hours" | "untilMs">): number =>
  untilMs ?? hours * 3_600_000

export const everybody = ({ keepNodes, nodes }: Pick<SimulationOptions, "keepNodes" | "nodes">) =>
  keepNodes ?? Array.from({ length: nodes }, (_, node) => node)

const optionsOf = (options: SimulationOptions, { faults, nodes, untilMs }: Shrink.Case): SimulationOptions => ({
  ...options,
  keepFaults: faults,
  keepNodes: nodes,
  untilMs
})

/**
 * Shrinks a failing simulation, within `SimulationLimits.shrinkRuns` runs and `SimulationLimits.shrinkSteps` steps (checked between
 * runs), so that a failure shrinks to the same run on every machine. `report`: the report of the failing run;
 * its first violation is the one to reproduce.
 *
 * @param tell called before each run with the progress so far
 */
export const shrink = Effect.fnUntraced(function*(
  run: Run,
  options: SimulationOptions,
  report: SimulationReport,
  tell: (state: Shrink.Shrink) => void = () => {}
): Effect.fn.Return<Shrunk | undefined, InvalidSimulation> {
  const [first] = report.violations
  if (first === undefined) return undefined
  let stepsLeft = SimulationLimits.shrinkSteps
  const plan = report.timeline.map(({ fault }) => fault).toSorted((a, b) => a.id - b.id)
  let state = Shrink.start({
    plan,
    nodes: everybody(options),
    untilMs: wholeMs(options),
    violatedMs: first.atMs
  })
  let violation: Violation = first
  let shortest = { report, options }
  while (state.candidate !== undefined && stepsLeft > 0) {
    tell(state)
    const candidate = optionsOf(options, state.candidate)
    const result = yield* run(candidate)
    stepsLeft -= result.steps
    const same = result.violations.find(({ invariant }) => invariant === first.invariant)
    state = Shrink.heard(state, same?.atMs)
    if (same !== undefined) {
      violation = same
      shortest = { report: result, options: candidate }
    }
  }
  const { faults, nodes, untilMs } = state.best
  const there = new Set(faults)
  return {
    faults: shortest.report.timeline.flatMap(({ fault }) => there.has(fault.id) ? [SimulationText.fault(fault)] : []),
    nodes,
    untilMs: Math.ceil(untilMs),
    violation,
    runs: state.runs,
    shortest: state.phase === "done",
    replay: SimulationText.replay(optionsOf(options, { faults, nodes, untilMs: Math.ceil(untilMs) }))
  }
})
