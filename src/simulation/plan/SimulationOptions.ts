/** The rules for a simulation's options, enforced for the flags of `simulate` and for an embedder's code alike. */
import { Data } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { faultKinds } from "./Fault.ts"
import * as SimulationLimits from "./Limits.ts"
import type { SimulationOptions } from "./SimulationReport.ts"

/** The options break a rule, so nothing was simulated. `option`: its name. */
export class InvalidSimulation extends Data.TaggedError("InvalidSimulation")<{
  readonly option: string
  readonly input: string
  readonly problem: string
}> {
  override get message() {
    return `simulation option ${this.option}: "${this.input}" ${this.problem}`
  }
}

/** Limit of a network: every node may be connected to every other at once, whichever of them dials. */
export const mostNodes = Limits.maxPeers - Limits.outboundPlaces + 1

const invalid = (option: keyof SimulationOptions, input: unknown, problem: string) =>
  new InvalidSimulation({ option, input: String(input), problem })

const range = (least: number, most: number): string => `is not a number from ${least} to ${most}`

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

/** The first broken rule; `undefined` if the options are valid. */
export const problem = (options: SimulationOptions): InvalidSimulation | undefined => {
  const { faults, hours, keepFaults, keepNodes, mode, nodes, seed, store, untilMs, wire } = options
  const { maxHours, minHours } = SimulationLimits
  if (!isWhole(seed, 0, Number.MAX_SAFE_INTEGER)) {
    return invalid("seed", seed, "is not a whole number from 0 to 2^53 - 1")
  }
  if (!isWhole(nodes, 2, mostNodes)) return invalid("nodes", nodes, `is not a whole number from 2 to ${mostNodes}`)
  if (!(hours >= minHours && hours <= maxHours)) return invalid("hours", hours, range(minHours, maxHours))
  if (mode !== "safety" && mode !== "liveness") return invalid("mode", mode, "is neither safety nor liveness")
  const known: ReadonlySet<string> = new Set(faultKinds)
  const strange = faults.find((kind) => !known.has(kind))
  if (strange !== undefined) return invalid("faults", strange, "is not a kind of fault")
  if (store !== undefined && store !== "memory" && store !== "sqlite") {
    return invalid("store", store, "is neither memory nor sqlite")
  }
  if (wire !== undefined && wire !== "native" && wire !== "mixed") {
    return invalid("wire", wire, "is neither native nor mixed")
  }
  const noId = keepFaults?.find((id) => !isWhole(id, 0, Number.MAX_SAFE_INTEGER))
  if (noId !== undefined) return invalid("keepFaults", noId, "is not the number of a fault")
  const noNode = keepNodes?.find((node) => !isWhole(node, 0, nodes - 1))
  if (noNode !== undefined) return invalid("keepNodes", noNode, `is not the number of a node, 0 to ${nodes - 1}`)
  if (keepNodes?.length === 0) return invalid("keepNodes", "none", "leaves no node")
  return untilMs === undefined ||
      (untilMs > 0 && untilMs <= SimulationLimits.longestMs(hours, options.masternodes === true))
    ? undefined
    : invalid("untilMs", untilMs, `is not a number of ms within the ${hours} hours`)
}
