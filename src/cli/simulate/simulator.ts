/** The simulator as the commands use it. Loaded when it is needed: it is as big as the node. */
import { Effect } from "effect"
import type { Fault } from "../../domain/sim/Fault.ts"
import type { SimulationOptions } from "../../domain/sim/SimulationReport.ts"
import type { Run } from "../../layers/sim/Search.ts"

export interface Simulator {
  readonly run: Run
  /** The faults that are to happen. */
  readonly planOf: (options: SimulationOptions) => ReadonlyArray<Fault>
}

export const real: Effect.Effect<Simulator> = Effect.promise(() => import("../../layers/sim/Simulation.ts"))
