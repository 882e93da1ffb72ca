/** Sync progress as text and as a bar: rate, number of peers, time left. Pure. */
import * as Limits from "../../domain/Limits.ts"
import type { SyncReport } from "../../services/Sync.ts"

/** Heights over the last `Limits.progressRateMs`, oldest first. `at` in ms. */
export interface Pace {
  readonly samples: ReadonlyArray<{ readonly at: number; readonly height: number }>
}

export const start: Pace = { samples: [] }

/** Adds a sample; a shorter chain restarts the list. `at`: ms on any clock. */
export const sampled = ({ samples }: Pace, at: number, height: number): Pace => {
  const last = samples.at(-1)
  const kept = last !== undefined && last.height > height
    ? []
    : samples.filter((_, i) =>
      // One sample older than the window stays, so that two distant samples still give a rate.
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

/** Peers that are sending blocks. */
const sources = ({ peers }: SyncReport): number => peers.filter(({ use }) => use.startsWith("sending")).length

const time = (seconds: number): string => {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds % 3_600 / 60)} min`
}

const left = (report: SyncReport, perSecond: number): string =>
  perSecond > 0 ? `${time((report.target - report.tip.height) / perSecond)} left` : "waiting"

const number = (n: number): string => Math.round(n).toLocaleString("en")

/** The log line: the sync report, with rate and time left while blocks arrive. */
export const text = (report: SyncReport, pace: Pace): string => {
  const perSecond = rate(pace)
  return perSecond > 0 && report.target > report.tip.height
    ? `${report.line}, ${number(perSecond)} blocks/s, ${left(report, perSecond)}`
    : report.line
}

/** characters. Short enough that the bar and its longest text fit a terminal of 80 columns. */
const cells = 10

/** The bar, at most `width` characters; `undefined` when nothing is left to fetch. */
export const bar = (report: SyncReport, pace: Pace, width: number): string | undefined => {
  const goal = report.target
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
