/**
 * The outcome of a simulation as one JSON object: the report in numbers and, on failure, the shortest run that still fails.
 *
 * **Units** as in `SimulationReport`; `wallSeconds` is real time, the only field that differs between two equal runs.
 */
import { Schema } from "effect"
import * as Recovery from "./Recovery.ts"
import type { SimulationReport } from "./SimulationReport.ts"

const Violation = Schema.Struct({ atMs: Schema.Finite, invariant: Schema.String, detail: Schema.String })

/** The shortest failing run found. */
export const Shrunk = Schema.Struct({
  /** One line each, in order. */
  faults: Schema.Array(Schema.String),
  nodes: Schema.Array(Schema.Int),
  untilMs: Schema.Int,
  /** Its violation: the same invariant, possibly with other numbers. */
  violation: Violation,
  /** Runs it took to find. */
  runs: Schema.Int,
  /** True if nothing more can be left out; false if the runs or the time for them were used up. */
  shortest: Schema.Boolean,
  /** The command that repeats it. */
  replay: Schema.String
})
export type Shrunk = typeof Shrunk.Type

export const SimulationResult = Schema.Struct({
  seed: Schema.Int,
  nodes: Schema.Int,
  mode: Schema.Literals(["safety", "liveness"]),
  virtualHours: Schema.Finite,
  wallSeconds: Schema.Finite,
  traceHash: Schema.String,
  pairs: Schema.Int,
  connected: Schema.Int,
  duplicates: Schema.Int,
  unfaultedDowns: Schema.Int,
  faults: Schema.Record(Schema.String, Schema.Int),
  downsByReason: Schema.Record(Schema.String, Schema.Int),
  recoveries: Schema.Record(Schema.String, Schema.Array(Schema.Int)),
  healing: Schema.Struct({ seconds: Schema.Record(Schema.String, Schema.Int), mostPerNode: Schema.Int }),
  maxRecoveryMs: Schema.Finite,
  /** Only for a mixed network. */
  daemons: Schema.optionalKey(Schema.Struct({
    daemons: Schema.Int,
    pairs: Schema.Int,
    settled: Schema.Int,
    bans: Schema.Int,
    held: Schema.Int,
    unfaultedDowns: Schema.Int,
    replaced: Schema.Int,
    maxRecoveryMs: Schema.Int
  })),
  heights: Schema.Array(Schema.Int),
  reorgs: Schema.Int,
  messages: Schema.Int,
  violations: Schema.Array(Violation),
  ok: Schema.Boolean,
  shrunk: Schema.optionalKey(Shrunk)
})
export type SimulationResult = typeof SimulationResult.Type

export const ofReport = (
  report: SimulationReport,
  wallSeconds: number,
  shrunk: Shrunk | undefined
): SimulationResult => ({
  seed: report.seed,
  nodes: report.nodes,
  mode: report.mode,
  virtualHours: report.virtualHours,
  wallSeconds,
  traceHash: report.traceHash,
  pairs: report.pairs,
  connected: report.connected,
  duplicates: report.duplicates,
  unfaultedDowns: report.unfaultedDowns,
  faults: report.faults,
  downsByReason: report.downsByReason,
  recoveries: report.recoveries,
  healing: report.healing,
  maxRecoveryMs: report.maxRecoveryMs,
  ...(report.daemons === undefined ? {} : { daemons: report.daemons }),
  heights: report.heights,
  reorgs: report.reorgs,
  messages: report.messages,
  violations: report.violations,
  ok: report.ok,
  ...(shrunk === undefined ? {} : { shrunk })
})

/** Name of the violation that stands for a process that ended without a result. */
export const crash = "the simulation ends by itself"

/** The result for a run whose process ended without one. `detail`: its last output. */
export const crashed = (
  { mode, nodes, seed }: Pick<SimulationResult, "mode" | "nodes" | "seed">,
  wallSeconds: number,
  detail: string
): SimulationResult => ({
  seed,
  nodes,
  mode,
  virtualHours: 0,
  wallSeconds,
  traceHash: "",
  pairs: 0,
  connected: 0,
  duplicates: 0,
  unfaultedDowns: 0,
  faults: {},
  downsByReason: {},
  recoveries: {},
  healing: Recovery.noHealing,
  maxRecoveryMs: 0,
  heights: [],
  reorgs: 0,
  messages: 0,
  violations: [{ atMs: 0, invariant: crash, detail }],
  ok: false
})
