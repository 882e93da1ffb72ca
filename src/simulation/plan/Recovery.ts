/** Recovery figures: how soon pairs are connected again after faults, by kind, over one run or many. Pure. */
import type { FaultKind } from "./Fault.ts"
import { faultKinds } from "./Fault.ts"

/** The kind of fault that kept a pair apart; `several`: more than one kind. */
export type RecoveryKind = FaultKind | "several"

export const recoveryKinds: ReadonlyArray<RecoveryKind> = [...faultKinds, "several"]

/** Durations of all recoveries, ms, by kind, in any order. */
export type Recoveries = Readonly<Record<string, ReadonlyArray<number>>>

/** Dials to nodes of the network while some pair is unconnected with nothing keeping it apart. */
export interface Healing {
  /** Histogram over all nodes: dials in a second → number of such seconds. Seconds without a dial are not counted. */
  readonly seconds: Readonly<Record<string, number>>
  /** Maximum dials of one node in one second. */
  readonly mostPerNode: number
}

/** Figures of one kind, ms. */
export interface Figures {
  readonly kind: RecoveryKind
  readonly count: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly worstMs: number
}

/** Nearest-rank percentile of an ascending list; 0 if empty. */
export const percentile = (ascending: ReadonlyArray<number>, part: number): number =>
  ascending[Math.max(0, Math.ceil(ascending.length * part) - 1)] ?? 0

/** All kinds that occurred, in the order of `recoveryKinds`. */
export const figures = (recoveries: Recoveries): ReadonlyArray<Figures> =>
  recoveryKinds.flatMap((kind) => {
    const times = (recoveries[kind] ?? []).toSorted((a, b) => a - b)
    return times.length === 0 ? [] : [{
      kind,
      count: times.length,
      p50Ms: percentile(times, 0.5),
      p90Ms: percentile(times, 0.9),
      p99Ms: percentile(times, 0.99),
      worstMs: times.at(-1) ?? 0
    }]
  })

export const merge = (a: Recoveries, b: Recoveries): Recoveries => {
  const kinds = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...kinds].map((kind) => [kind, [...(a[kind] ?? []), ...(b[kind] ?? [])]]))
}

export const mergeHealing = (a: Healing, b: Healing): Healing => {
  const dials = new Set([...Object.keys(a.seconds), ...Object.keys(b.seconds)])
  return {
    seconds: Object.fromEntries([...dials].map((n) => [n, (a.seconds[n] ?? 0) + (b.seconds[n] ?? 0)])),
    mostPerNode: Math.max(a.mostPerNode, b.mostPerNode)
  }
}

export const noHealing: Healing = { seconds: {}, mostPerNode: 0 }

/** Dials per second of the whole network, over the seconds with a dial: mean, p99 and maximum; and the maximum of one node. */
export const dialsPerSecond = ({ mostPerNode, seconds }: Healing) => {
  const counts = Object.entries(seconds).map(([dials, times]) => [Number(dials), times] as const)
    .toSorted(([a], [b]) => a - b)
  const all = counts.reduce((sum, [, times]) => sum + times, 0)
  const dials = counts.reduce((sum, [each, times]) => sum + each * times, 0)
  let left = Math.ceil(all * 0.99)
  const p99 = counts.find(([, times]) => (left -= times) <= 0)?.[0] ?? 0
  return { mean: all === 0 ? 0 : dials / all, p99, most: counts.at(-1)?.[0] ?? 0, mostPerNode }
}
