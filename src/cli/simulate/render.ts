/** Results of a simulation as text for people. Pure. */
import * as Bounds from "../../simulation/plan/Bounds.ts"
import { faultKinds } from "../../simulation/plan/Fault.ts"
import * as Recovery from "../../simulation/plan/Recovery.ts"
import type {
  DaemonFigures,
  FaultRecord,
  SimulationOptions,
  SimulationReport
} from "../../simulation/plan/SimulationReport.ts"
import type { Shrunk, SimulationResult } from "../../simulation/plan/SimulationResult.ts"
import * as SimulationText from "../../simulation/plan/SimulationText.ts"
import { type Column, duration, fields, fitted, table } from "../table.ts"
import { hang } from "../terminalText.ts"

const hours = (count: number): string => `${Math.round(count * 100) / 100} h`

const many = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

/** What is about to run. */
export const header = (
  { faults, hours: asked, keepFaults, keepNodes, mode, nodes, seed, untilMs }: SimulationOptions
) =>
  [
    `seed ${seed}, ${many(nodes, "node")}, ${hours(asked)}, ${mode}, faults: ${SimulationText.kinds(faults)}`,
    ...(keepFaults === undefined ? [] : [`of the plan ${many(keepFaults.length, "fault")}`]),
    ...(keepNodes === undefined ? [] : [`only the nodes ${keepNodes.join()}`]),
    ...(untilMs === undefined ? [] : [`until ${SimulationText.moment(untilMs)}`])
  ].join(", ")

/** Cells of a density bar: as many as fit beside the other two columns, from the start and end times to this. */
const cellsMost = 48
const cellsLeast = 16

/** Faults by kind: how many, and when they began. */
const timeline = (records: ReadonlyArray<FaultRecord>, untilMs: number, width: number | undefined): string => {
  const kinds = faultKinds.filter((kind) => records.some(({ fault }) => fault.kind === kind))
  const before = Math.max("FAULT".length, ...kinds.map((kind) => kind.length)) + "  COUNT  ".length
  const cells = Math.max(cellsLeast, Math.min(cellsMost, (width ?? Number.POSITIVE_INFINITY) - before))
  const rows = faultKinds.flatMap((kind) => {
    const times = records.flatMap(({ fault }) => fault.kind === kind ? [fault.atMs] : [])
    return times.length === 0 ? [] : [[kind, String(times.length), SimulationText.strip(times, untilMs, cells)]]
  })
  const end = SimulationText.moment(untilMs).replace(/\.\d+$/, "")
  return table([["FAULT", "COUNT", `0:00:00${end.padStart(cells - 7)}`], ...rows])
}

/** Faults listed one by one: those with the longest recovery. */
const notable = (records: ReadonlyArray<FaultRecord>): ReadonlyArray<string> =>
  records.filter(({ recoveryMs = 0 }) => recoveryMs > 0)
    .toSorted((a, b) => (b.recoveryMs ?? 0) - (a.recoveryMs ?? 0))
    .slice(0, 5)
    .map((record) => `  ${SimulationText.record(record)}`)

const downs = (byReason: SimulationReport["downsByReason"]): string => {
  const reasons = Object.entries(byReason).toSorted(([, a], [, b]) => b - a)
  return reasons.length === 0 ? "none" : reasons.map(([reason, count]) => `${reason} ${count}`).join(", ")
}

const heights = (all: ReadonlyArray<number>): string => {
  if (all.length === 0) return "none"
  const [least, most] = [Math.min(...all), Math.max(...all)]
  return least === most ? `${least} at all` : `${least} to ${most}`
}

/** `wallSeconds` is 0 for a very short run. */
const speed = (virtualHours: number, wallSeconds: number): string =>
  `${Math.round(virtualHours * 3_600 / Math.max(wallSeconds, 0.001)).toLocaleString("en")} times as fast as the clock`

const withDaemons = ({ bans, daemons, held, maxRecoveryMs, pairs, replaced, settled, unfaultedDowns }: DaemonFigures) =>
  `${many(daemons, "daemon")}: ${settled} of ${pairs} pairs are settled, ${many(bans, "ban")}, ${
    many(held, "violation")
  } held, ` +
  `${many(unfaultedDowns, "Down")} no fault explains, ${replaced} connections replaced, worst recovery ${
    SimulationText.seconds(maxRecoveryMs)
  }`

const recovery = ({ maxRecoveryMs }: Pick<SimulationResult, "maxRecoveryMs">) =>
  `worst ${SimulationText.seconds(maxRecoveryMs)}`

const within = (ms: number, mostMs: number): string =>
  `${SimulationText.seconds(ms)} of ${SimulationText.seconds(mostMs)}`

const recoveryColumns: ReadonlyArray<Column<Recovery.Figures>> = [
  { heading: "RECOVERY AFTER", cell: ({ kind }) => kind },
  { heading: "PAIRS", worth: 3, cell: ({ count }) => String(count) },
  { heading: "P50", worth: 1, cell: ({ p50Ms }) => SimulationText.seconds(p50Ms) },
  { heading: "P90", worth: 0, cell: ({ p90Ms }) => SimulationText.seconds(p90Ms) },
  { heading: "P99", worth: 2, cell: ({ kind, p99Ms }) => within(p99Ms, Bounds.of(kind).p99Ms) },
  { heading: "WORST", cell: ({ kind, worstMs }) => within(worstMs, Bounds.of(kind).worstMs) }
]

/** Recovery by kind of fault, and the dials it took. */
const recoveryTable = (
  { dialsPerSecond: { mean, most, mostPerNode, p99 }, recovery: rows }: Pick<Total, "dialsPerSecond" | "recovery">,
  width: number | undefined
): string =>
  [
    ...fitted(recoveryColumns, rows, width),
    hang(
      `dials while pairs recover: ${mean.toFixed(1)} per second on average, p99 ${p99}, most ${most}; ` +
        `most of one node ${mostPerNode}`,
      width
    )
  ].join("\n")

/** The whole report except the verdict, at most `width` wide if that is known. */
export const summary = (report: SimulationReport, wallSeconds: number, width: number | undefined): string => {
  const { connected, duplicates, messages, pairs, reorgs, timeline: records, unfaultedDowns, virtualHours } = report
  const slowest = notable(records)
  return [
    ...(records.length === 0 ? [] : [timeline(records, virtualHours * 3_600_000, width), ""]),
    ...(Object.keys(report.recoveries).length === 0 ? [] : [
      recoveryTable({
        recovery: Recovery.figures(report.recoveries),
        dialsPerSecond: Recovery.dialsPerSecond(report.healing)
      }, width),
      ""
    ]),
    ...(slowest.length === 0
      ? []
      : ["slowest to get over (others may have come between):", ...slowest.map((line) => hang(line, width)), ""]),
    hang(
      fields([
        ["faults", String(records.length)],
        ["downs", downs(report.downsByReason)],
        ["no fault explains", String(unfaultedDowns)],
        ["recovery", recovery(report)],
        ["pairs", `${connected} of ${pairs} that can be are connected, ${many(duplicates, "duplicate")}`],
        ...(report.daemons === undefined ? [] : [["with daemons", withDaemons(report.daemons)] as const]),
        ["heights", `${heights(report.heights)}, ${many(reorgs, "reorg")}`],
        ["messages", messages.toLocaleString("en")],
        ["time", `${hours(virtualHours)} in ${wallSeconds.toFixed(1)} s, ${speed(virtualHours, wallSeconds)}`],
        ["trace", report.traceHash]
      ]),
      width
    )
  ].join("\n")
}

/** The verdict: `OK`, or the violations. */
export const verdict = ({ ok, violations }: Pick<SimulationResult, "ok" | "violations">): string =>
  ok ? "OK" : ["NOT OK", ...violations.map((each) => `  ${SimulationText.violation(each)}`)].join("\n")

/** The shortest failing run, and how to run it again. */
export const shrunk = ({ faults, nodes, replay, runs, shortest, untilMs, violation }: Shrunk): string =>
  [
    `shortest failing run found in ${many(runs, "run")}${
      shortest ? "" : ", given up before there was nothing to leave out"
    }:`,
    `  nodes ${nodes.join(", ")}, until ${SimulationText.moment(untilMs)}, ${
      faults.length === 0 ? "no fault" : many(faults.length, "fault")
    }`,
    ...faults.map((line) => `  ${line}`),
    `  ${SimulationText.violation(violation)}`,
    "replay:",
    `  ${replay}`
  ].join("\n")

/** One seed of many on one line; for a failed one, the violations and how to replay it. */
export const line = (result: SimulationResult, replay: string): string => {
  const { faults, maxRecoveryMs, ok, seed, shrunk, traceHash, violations, virtualHours, wallSeconds } = result
  const count = Object.values(faults).reduce((a, b) => a + b, 0)
  if (ok) {
    return `seed ${seed}: OK, ${hours(virtualHours)} in ${wallSeconds.toFixed(1)} s, ${many(count, "fault")}, ` +
      `worst recovery ${SimulationText.seconds(maxRecoveryMs)}, trace ${traceHash}`
  }
  return [
    `seed ${seed}: NOT OK`,
    ...violations.map((each) => `  ${SimulationText.violation(each)}`),
    ...(shrunk?.faults ?? []).map((fault) => `  ${fault}`),
    `  replay: ${shrunk?.replay ?? replay}`
  ].join("\n")
}

/** Totals over all seeds. */
export interface Total {
  readonly seeds: number
  readonly failedSeeds: ReadonlyArray<number>
  readonly wallSeconds: number
  /** Maximum over all seeds, failed or not. */
  readonly maxRecoveryMs: number
  /** By kind of fault. */
  readonly recovery: ReadonlyArray<Recovery.Figures>
  readonly dialsPerSecond: ReturnType<typeof Recovery.dialsPerSecond>
  /** Recoveries that took too long over all seeds together, in words. */
  readonly problems: ReadonlyArray<string>
  readonly ok: boolean
}

/** At most `width` wide if that is known. */
export const total = (
  { failedSeeds, ok, problems, seeds, wallSeconds, ...recoveries }: Total,
  width: number | undefined
): string =>
  [
    ...(recoveries.recovery.length === 0 ? [] : [recoveryTable(recoveries, width), ""]),
    fields([
      ["seeds", `${seeds}, ${failedSeeds.length} failed`],
      ["recovery", recovery(recoveries)],
      ["time", duration(wallSeconds * 1_000)]
    ]),
    ...problems.map((problem) => hang(`recovery took too long: ${problem}`, width)),
    hang(ok ? "OK" : failedSeeds.length === 0 ? "NOT OK" : `NOT OK: seeds ${failedSeeds.join(", ")}`, width)
  ].join("\n")
