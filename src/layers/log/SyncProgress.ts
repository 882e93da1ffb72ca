/** Progress of sync in words and as a bar: how fast, from how many peers, how long to go. Pure. */
import * as Limits from "../../domain/Limits.ts"
import type { SyncReport } from "../../services/Sync.ts"

/** Where the chain stood at a time, ms; the oldest first, those of the last `Limits.progressRateMs`. */
export interface Pace {
  readonly samples: ReadonlyArray<{ readonly at: number; readonly height: number }>
}

export const start: Pace = { samples: [] }

/** A sample more. A chain that became shorter starts anew. `at`: ms on any clock. */
export const sampled = ({ samples }: Pace, at: number, height: number): Pace => {
  const last = samples.at(-1)
  const kept = last !== undefined && last.height > height
    ? []
    : samples.filter((_, i) =>
      // One older than the window stays: with few samples the rate is that since the last one.
      (samples[i + 1]?.at ?? at) > at - Limits.progressRateMs
    )
  return { samples: [...kept, { at, height }] }
}

/** Blocks per second; 0 with less than two samples. */
export const rate = ({ samples }: Pace): number => {
  const [first, last] = [samples[0], samples.at(-1)]
  return first === undefined || last === undefined || last.at <= first.at
    ? 0
    : (last.height - first.height) * 1_000 / (last.at - first.at)
}

/** Height that sync is on its way to: that of the best headers, or what a peer tells of. */
export const target = ({ headers, peers, tip }: SyncReport): number =>
  Math.max(tip.height, headers, ...peers.filter(({ use }) => !use.startsWith("not used")).map(({ height }) => height))

/** Peers that are sending. */
const sources = ({ peers }: SyncReport): number => peers.filter(({ use }) => use.startsWith("sending")).length

const time = (seconds: number): string => {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds % 3_600 / 60)} min`
}

const left = (report: SyncReport, perSecond: number): string =>
  perSecond > 0 ? `${time((target(report) - report.tip.height) / perSecond)} left` : "waiting"

const number = (n: number): string => Math.round(n).toLocaleString("en")

/** The line for a log: what sync says of itself, and its pace while there is one. */
export const text = (report: SyncReport, pace: Pace): string => {
  const perSecond = rate(pace)
  return perSecond > 0 && target(report) > report.tip.height
    ? `${report.line}, ${number(perSecond)} blocks/s, ${left(report, perSecond)}`
    : report.line
}

/** Characters: with the longest texts behind it the bar fits a terminal of 80. */
const cells = 10

/** The bar, at most `width` characters; `undefined` when there is nothing to fetch. */
export const bar = (report: SyncReport, pace: Pace, width: number): string | undefined => {
  const goal = target(report)
  if (report.synced || goal <= report.tip.height) return undefined
  const part = report.tip.height / goal
  const full = Math.floor(part * cells)
  const perSecond = rate(pace)
  const peers = sources(report)
  const bar = `[${"#".repeat(full)}${".".repeat(cells - full)}] ${Math.floor(part * 100)} % ` +
    `${number(report.tip.height)}/${number(goal)}, ${number(perSecond)} blocks/s, ` +
    `${peers} ${peers === 1 ? "peer" : "peers"}, ${left(report, perSecond)}`
  return bar.slice(0, Math.max(0, width))
}
