/** Faults, times and options of a simulation in the form that people read or type. */
import type { Fault, FaultKind } from "./Fault.ts"
import { faultKinds } from "./Fault.ts"
import type { FaultRecord, SimulationOptions, Violation } from "./SimulationReport.ts"

const two = (n: number): string => String(n).padStart(2, "0")

/** A virtual time: `1:02:03.456`, hours first. */
export const moment = (ms: number): string => {
  const whole = Math.floor(ms)
  const seconds = Math.floor(whole / 1_000)
  const clock = `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${clock}.${String(whole % 1_000).padStart(3, "0")}`
}

/** `0.1 s`, `312 s`. */
export const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`

/** `node 3`, `nodes 3 and 4`, `nodes 3, 4 and 5`. */
const nodes = (all: ReadonlyArray<number>): string =>
  all.length === 1 ? `node ${all[0]}` : `nodes ${all.slice(0, -1).join(", ")} and ${all.at(-1)}`

const ways = { both: "", out: ", outwards only", in: ", inwards only" } as const

/** Describes the fault, without its times. */
export const what = (fault: Fault): string => {
  switch (fault.kind) {
    case "kill":
      return `kill node ${fault.node}${fault.inWrite === undefined ? "" : " in a write"}, ${
        fault.keepsState ? "its disk kept" : "its disk lost"
      }`
    case "pause":
      return `pause node ${fault.node}`
    case "stall":
      return fault.challenge === undefined
        ? `stall node ${fault.node}`
        : `stall node ${fault.node} for ${fault.challenge.ms} ms as it challenges node ${fault.challenge.peer}`
    case "vanish":
      return `node ${fault.node} vanishes`
    case "crash-loop":
      return `node ${fault.node} vanishes and comes back, ${fault.reboots.length} times`
    case "cut":
      return fault.oneWay ? `cut node ${fault.a} to node ${fault.b}, one way` : `cut ${nodes([fault.a, fault.b])}`
    case "partition":
      return `part ${nodes(fault.side)} from the others${ways[fault.way]}`
    case "clog":
      return `clog ${nodes([fault.a, fault.b])}, ${fault.latencyMs} ms`
    case "swizzle": {
      const links = fault.links.map(({ a, b, restoreMs, stopMs }) =>
        `${a}-${b} at ${moment(stopMs)} to ${moment(restoreMs)}`
      )
      return `swizzle ${links.join(", ")}`
    }
    case "storm":
      return `latency storm, ${fault.latencyMs} ms and up to ${fault.jitterMs} ms more`
    case "narrow":
      return `narrow node ${fault.node}, ${fault.bandwidth} B/s`
    case "reset":
      return `reset node ${fault.a} to node ${fault.b} after ${fault.bytes} bytes`
    case "refuse":
      return `refuse dials to node ${fault.node}`
    case "jump":
      return `set the clock of node ${fault.node} ${seconds(Math.abs(fault.ms))} ${fault.ms < 0 ? "back" : "ahead"}`
    case "drift":
      return `clock of node ${fault.node} at ${fault.rate} times its rate`
    case "slow-reader":
      return `node ${fault.node} reads nothing`
    case "flood":
      return `flood node ${fault.to} from node ${fault.from}, ${fault.bytes} bytes`
    case "readdress":
      return `move node ${fault.node} to another address`
    case "twin":
      return `a second process at the address of node ${fault.node}`
    case "hostile":
      return `a hostile peer at node ${fault.node}: ${fault.how}`
    case "fork":
      return `fork at node ${fault.node}, ${fault.depth} deep`
    case "alias":
      return `tell node ${fault.told.join()} of the second address of node ${fault.node}`
  }
}

/** One line: start, description, duration. `#3  0:12:03.250  pause node 4, for 31.5 s`. */
export const fault = (of: Fault): string => {
  const lasts = of.endMs > of.atMs ? `, for ${seconds(of.endMs - of.atMs)}` : ""
  return `#${of.id}  ${moment(of.atMs)}  ${what(of)}${lasts}`
}

export const record = ({ fault: of, recoveryMs }: FaultRecord): string =>
  recoveryMs === undefined ? fault(of) : `${fault(of)}; over it after ${seconds(recoveryMs)}`

export const violation = ({ atMs, detail, invariant }: Violation): string =>
  `${invariant} at ${moment(atMs)}: ${detail}`

/** A density bar from 0 to `untilMs`: `.` for no events, `1` to `9`, `+` for more. */
export const strip = (times: ReadonlyArray<number>, untilMs: number, cells: number): string => {
  const counts = Array.from({ length: cells }, () => 0)
  for (const ms of times) {
    const cell = Math.min(cells - 1, Math.floor(ms / untilMs * cells))
    counts[cell] = (counts[cell] ?? 0) + 1
  }
  return counts.map((count) => count === 0 ? "." : count > 9 ? "+" : String(count)).join("")
}

/** Kinds in the format of `--faults`. */
export const kinds = (of: ReadonlyArray<FaultKind>): string => {
  if (of.length === 0) return "none"
  return faultKinds.every((kind) => of.includes(kind)) ? "all" : of.join()
}

const list = (ids: ReadonlyArray<number>): string => ids.length === 0 ? "none" : ids.join()

/** The command that repeats a run with exactly these options. */
export const replay = (options: SimulationOptions): string => {
  const { faults, hours, keepFaults, keepNodes, masternodes, mode, mutant, nodes, seed, store, untilMs, wire } = options
  return [
    `timemesh simulate --seed ${seed} --nodes ${nodes} --hours ${hours} --mode ${mode} --faults ${kinds(faults)}`,
    ...(keepFaults === undefined ? [] : [`--keep-faults ${list(keepFaults)}`]),
    ...(keepNodes === undefined ? [] : [`--keep-nodes ${list(keepNodes)}`]),
    ...(untilMs === undefined ? [] : [`--until-ms ${untilMs}`]),
    ...(wire === undefined ? [] : [`--wire ${wire}`]),
    ...(masternodes === true ? ["--masternodes"] : []),
    ...(store === undefined ? [] : [`--store ${store}`]),
    ...(mutant === undefined ? [] : [`--mutant ${mutant}`])
  ].join(" ")
}
