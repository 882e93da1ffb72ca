/** The simulator as the commands use it. Loaded on demand: it is as large as the node. */
import { Effect } from "effect"
import type { Run } from "../../simulation/FailureSearch.ts"
import type { Fault } from "../../simulation/plan/Fault.ts"
import type { SimulationOptions } from "../../simulation/plan/SimulationReport.ts"

export interface Simulator {
  readonly run: Run
  /** The planned faults. */
  readonly planOf: (options: SimulationOptions) => ReadonlyArray<Fault>
}

export const real: Effect.Effect<Simulator> = Effect.promise(() => import("../../simulation/Simulation.ts"))
