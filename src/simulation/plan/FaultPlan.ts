/**
 * The faults of a whole run, drawn from its seed before it begins, and the nodes that each concerns. (What each may do to them is
 * in `Disturbance.ts`.)
 *
 * **Time.** Pauses between faults are those of a Poisson process, with bursts (several faults within a second, half of them at
 * the same node) and lulls (long enough for the slowest recovery).
 *
 * **Overlap.** Faults may overlap unless two at once make no sense. A process has one lifecycle (killed,
 * vanished or at another address), one reason to be paused, one reason not to read; a clock is set once, and runs at
 * one rate; a link is stopped or clogged by one fault of that kind; one partition and one storm run at a time. A fault of a
 * process does not begin while the process is down. A partition over a cut link, or a storm over a clogged one, is possible:
 * the injector counts a link's reasons.
 */
import type { Fault, FaultKind } from "./Fault.ts"
import { faultKinds } from "./Fault.ts"
import { type Drawn, drawn } from "./FaultDraw.ts"
import * as SimulationLimits from "./Limits.ts"
import * as Rng from "./Rng.ts"
import type { SimulatedWire } from "./SimulationReport.ts"

export interface PlanOptions {
  /** Uniform in [0, 1), from the seed; reserved for the plan. */
  readonly draw: () => number
  /** Number of nodes. */
  readonly nodes: number
  /** No fault begins at or after this time, and a fault that would last longer is cut short. */
  readonly durationMs: number
  /** Kinds that may happen, in any order; empty: no faults. */
  readonly kinds: ReadonlyArray<FaultKind>
}

/** Kinds specific to our own nodes and wire. The rest concern machines, processes, clocks and links: a mixed network has only those. */
const ours: ReadonlySet<FaultKind> = new Set(["flood", "readdress", "twin", "hostile", "fork", "alias"])

/** The allowed kinds that apply to a network of this wire. */
export const kindsOf = (wire: SimulatedWire | undefined, kinds: ReadonlyArray<FaultKind>): ReadonlyArray<FaultKind> =>
  wire === "mixed" ? kinds.filter((kind) => !ours.has(kind)) : kinds

/** Kinds that need a second node. */
const social: ReadonlySet<FaultKind> = new Set([
  "cut",
  "partition",
  "clog",
  "swizzle",
  "storm",
  "reset",
  "flood",
  "alias"
])

/** Kinds that touch all nodes or many: as frequent in a big network as in a small one. */
const wide: ReadonlySet<FaultKind> = new Set(["partition", "swizzle", "storm"])

const link = (a: number, b: number): string => a < b ? `${a}-${b}` : `${b}-${a}`

/** What a fault holds exclusively while it lasts. */
const claims = (fault: Drawn): ReadonlyArray<string> => {
  switch (fault.kind) {
    case "kill":
    case "vanish":
    case "crash-loop":
    case "readdress":
      return [`life ${fault.node}`]
    case "pause":
      return [`turns ${fault.node}`]
    case "stall":
      return [`turns ${fault.node}`, ...(fault.challenge === undefined ? [] : [`twin ${fault.challenge.peer}`])]
    case "slow-reader":
      return [`reads ${fault.node}`]
    case "flood":
      return [`reads ${fault.to}`]
    case "cut":
      return [`cut ${link(fault.a, fault.b)}`]
    case "clog":
      return [`clog ${link(fault.a, fault.b)}`]
    case "swizzle":
      return ["swizzle", ...fault.links.map(({ a, b }) => `cut ${link(a, b)}`)]
    case "partition":
    case "storm":
      return [fault.kind]
    case "narrow":
    case "refuse":
    case "jump":
    case "drift":
    case "twin":
      return [`${fault.kind} ${fault.node}`]
    case "hostile":
    case "reset":
    case "fork":
    case "alias":
      return []
  }
}

/** Processes that must be up when the fault begins. */
const needs = (fault: Drawn): ReadonlyArray<number> => {
  switch (fault.kind) {
    case "stall":
      return fault.challenge === undefined ? [fault.node] : [fault.node, fault.challenge.peer]
    case "pause":
    case "slow-reader":
    case "jump":
    case "drift":
    case "fork":
      return [fault.node]
    case "flood":
      return [fault.from, fault.to]
    default:
      return []
  }
}

const clash = (fault: Drawn, earlier: Drawn): boolean => {
  const taken = claims(earlier)
  if (claims(fault).some((claim) => taken.includes(claim))) return true
  // A paused node cannot stop and restart.
  if (fault.kind === "readdress" && taken.includes(`turns ${fault.node}`)) return true
  const dead = earlier.kind === "kill" || earlier.kind === "vanish" || earlier.kind === "crash-loop"
  return dead && needs(fault).includes(earlier.node)
}

/** Cuts a fault to end by this time. */
const cutShort = (fault: Drawn, lastMs: number): Drawn => {
  const endMs = Math.min(fault.endMs, lastMs)
  if (fault.kind === "crash-loop") {
    return { ...fault, endMs, reboots: fault.reboots.filter(({ upMs }) => upMs <= endMs) }
  }
  if (fault.kind !== "swizzle") return { ...fault, endMs }
  const links = fault.links.map(({ a, b, restoreMs, stopMs }) => ({
    a,
    b,
    stopMs: Math.min(stopMs, lastMs),
    restoreMs: Math.min(restoreMs, lastMs)
  }))
  return { ...fault, endMs, links }
}

/** How often faults come in a network of this size, as a factor of the usual pause. */
const pace = (nodes: number): number => Math.sqrt(SimulationLimits.faultNodes / nodes)

const weighted = (kinds: ReadonlyArray<FaultKind>, nodes: number) =>
  faultKinds.filter((kind) => kinds.includes(kind) && (nodes > 1 || !social.has(kind))).map((kind) => ({
    kind,
    weight: SimulationLimits.faults[kind].weight * (wide.has(kind) ? pace(nodes) : 1)
  }))

const kindOf = (random: Rng.Rng, table: ReturnType<typeof weighted>): FaultKind | undefined => {
  let left = random.upTo(table.reduce((sum, { weight }) => sum + weight, 0))
  return table.find(({ weight }) => (left -= weight) < 0)?.kind ?? table.at(-1)?.kind
}

/** Time to the next fault, and whether it belongs to the previous one. */
const pause = (random: Rng.Rng, nodes: number): { readonly ms: number; readonly burst: boolean } => {
  if (random.happens(SimulationLimits.bursts)) {
    return { ms: random.happens(1 / 3) ? 0 : random.between(1, SimulationLimits.burstMs), burst: true }
  }
  const lull = random.happens(SimulationLimits.lulls) ? random.between(...SimulationLimits.lullMs) : 0
  return { ms: lull + Math.round(random.exponential(SimulationLimits.faultGapMs * pace(nodes))), burst: false }
}

/**
 * The plan: in order of `atMs`, `id` 0, 1, …. The same options give the same plan; the order of `kinds` does not matter.
 */
export const make = ({ draw, durationMs, kinds, nodes }: PlanOptions): ReadonlyArray<Fault> => {
  const random = Rng.make(draw)
  const table = weighted(kinds, nodes)
  const everybody = Array.from({ length: nodes }, (_, node) => node)
  const plan: Array<Fault> = []
  if (table.length === 0 || nodes === 0) return plan
  let active: ReadonlyArray<Drawn> = []
  const attempt = (atMs: number, near: number | undefined): Drawn | undefined => {
    const kind = kindOf(random, table)
    if (kind === undefined) return undefined
    const fault = cutShort(drawn[kind](random, { atMs, near, nodes: everybody }), durationMs)
    return active.some((other) => clash(fault, other)) ? undefined : fault
  }
  let atMs = 0
  while (true) {
    const { burst, ms } = pause(random, nodes)
    atMs += ms
    if (atMs >= durationMs) return plan
    active = active.filter(({ endMs }) => endMs >= atMs)
    const last = plan.at(-1)
    const near = burst && last !== undefined && random.happens(SimulationLimits.burstsSameNode)
      ? random.some(concerns(last), 1)[0]
      : undefined
    for (let tries = SimulationLimits.faultTries; tries > 0; tries--) {
      const fault = attempt(atMs, near)
      if (fault === undefined) continue
      plan.push({ ...fault, id: plan.length })
      active = [...active, fault]
      break
    }
  }
}

/**
 * Nodes without which the fault is meaningless, ascending. Of a partition, its side; of a storm, none, because it fits any
 * network.
 */
export const concerns = (fault: Fault): ReadonlyArray<number> => {
  switch (fault.kind) {
    case "cut":
    case "clog":
    case "reset":
      return [fault.a, fault.b].toSorted((a, b) => a - b)
    case "flood":
      return [fault.from, fault.to].toSorted((a, b) => a - b)
    case "stall":
      return [fault.node, ...(fault.challenge === undefined ? [] : [fault.challenge.peer])].toSorted((a, b) => a - b)
    case "swizzle":
      return [...new Set(fault.links.flatMap(({ a, b }) => [a, b]))].toSorted((a, b) => a - b)
    case "partition":
      return fault.side
    case "storm":
      return []
    default:
      return [fault.node]
  }
}

/** The fault in a network of only those nodes; `undefined` if nothing of it is left. */
const within = (fault: Fault, nodes: ReadonlySet<number>): Fault | undefined => {
  switch (fault.kind) {
    case "swizzle": {
      const links = fault.links.filter(({ a, b }) => nodes.has(a) && nodes.has(b))
      return links.length === 0 ? undefined : { ...fault, links }
    }
    case "partition": {
      const side = fault.side.filter((node) => nodes.has(node))
      return side.length === 0 || side.length === nodes.size ? undefined : { ...fault, side }
    }
    case "alias": {
      const told = fault.told.filter((node) => nodes.has(node))
      return told.length === 0 || !nodes.has(fault.node) ? undefined : { ...fault, told }
    }
    default:
      return concerns(fault).every((node) => nodes.has(node)) ? fault : undefined
  }
}

/**
 * The plan reduced to some of its faults and some of the nodes. A fault of a missing node is dropped;
 * a partition or swizzle keeps its effect on the rest. `undefined`: all.
 */
export const kept = (
  plan: ReadonlyArray<Fault>,
  { faults, nodes }: {
    readonly faults?: ReadonlyArray<number> | undefined
    readonly nodes?: ReadonlyArray<number> | undefined
  }
): ReadonlyArray<Fault> => {
  const ids = faults === undefined ? undefined : new Set(faults)
  const chosen = ids === undefined ? plan : plan.filter(({ id }) => ids.has(id))
  if (nodes === undefined) return chosen
  const existing = new Set(nodes)
  return chosen.flatMap((fault) => within(fault, existing) ?? [])
}
