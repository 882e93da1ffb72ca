/** What a world is made of. */
import type { App } from "./App.ts"
import type { Mutant } from "./plan/Mutants.ts"
import type { SimulatedStore, SimulatedWire } from "./plan/SimulationReport.ts"

export interface WorldOptions {
  readonly seed: string
  /** Numbers of the nodes that exist, ascending, out of `planned`. */
  readonly nodes: ReadonlyArray<number>
  readonly planned: number
  readonly mutant: Mutant | undefined
  /** Whether some of the nodes are masternodes and all keep a registry of them. */
  readonly masternodes: boolean
  readonly store: SimulatedStore
  readonly wire: SimulatedWire
  readonly app: App | undefined
  /** One JSON object per line: every event but pings and pongs, and every fault. */
  readonly onTrace: ((line: string) => void) | undefined
}
