/** The simulator as the commands use it. Loaded when it is needed: it is as big as the node. */
import { Effect } from "effect"
import type { Run } from "../../simulation/FailureSearch.ts"
import type { Fault } from "../../simulation/plan/Fault.ts"
import type { SimulationOptions } from "../../simulation/plan/SimulationReport.ts"

export interface Simulator {
  readonly run: Run
  /** The faults that are to happen. */
  readonly planOf: (options: SimulationOptions) => ReadonlyArray<Fault>
}

export const real: Effect.Effect<Simulator> = Effect.promise(() => import("../../simulation/Simulation.ts"))
