/**
 * The entry point `timemesh/simulation`: whole networks of the real node in virtual time, with faults drawn from a seed.
 *
 * `Simulation.run` gives a report; with your own program on every node (`Simulation.SimApp`) it checks your promises too.
 * `FailureSearch.shrink` shrinks a failing run. `Fault` and `SimulationReport` are the plain data of a plan and a
 * report; `SimulationText` prints them.
 */
export * as FailureSearch from "./FailureSearch.ts"
export * as Fault from "./plan/Fault.ts"
export type * as Recovery from "./plan/Recovery.ts"
export type * as Shrink from "./plan/Shrink.ts"
export * as SimulationOptions from "./plan/SimulationOptions.ts"
export type * as SimulationReport from "./plan/SimulationReport.ts"
export type * as SimulationResult from "./plan/SimulationResult.ts"
export * as SimulationText from "./plan/SimulationText.ts"
export * as Simulation from "./Simulation.ts"
