/** The judgement on a soak, in the form `--json` prints. Pure. */
import * as Limits from "../../src/domain/Limits.ts"
import type { Account, Kill, NodeEvents } from "../../src/testnet/Facts.ts"
import type { LogEvent } from "../../src/testnet/LogEvents.ts"
import type { History, UnexpectedDown } from "../../src/testnet/Replay.ts"
import * as Verdict from "../../src/testnet/Verdict.ts"
import type { Fault } from "./Faults.ts"
import * as Quickened from "./Quickened.ts"
import * as Slope from "./Slope.ts"
import type { Vitals } from "./Vitals.ts"

/** Samples of one process, taken while the network was whole; a node that was killed has had several. */
export interface Life {
  readonly ip: string
  readonly pid: number
  readonly vitals: ReadonlyArray<Vitals>
}

/** Second half of a life. `kibPerMinute` and its standard error; `null`: too few samples. */
interface Growth {
  readonly kibPerMinute: number
  readonly error: number
}

export interface NodeReport {
  readonly ip: string
  readonly pid: number
  readonly samples: number
  /** KiB, over the whole life. */
  readonly rss: { readonly first: number; readonly last: number; readonly most: number } | null
  readonly rssSlope: Growth | null
  /** KiB of live memory, after collections; `null`: none was read. */
  readonly live: { readonly first: number; readonly last: number; readonly most: number } | null
  readonly liveSlope: Growth | null
  /** File descriptors. */
  readonly fds: { readonly first: number; readonly last: number; readonly most: number } | null
  /** Per minute, over the second half, with its standard error. */
  readonly fdsSlope: { readonly perMinute: number; readonly error: number } | null
}

/** A node's gain in KiB, mean of all nodes, with its standard error. */
interface Gain {
  readonly kib: number
  readonly error: number
}

/** Of a quickened soak's second half: what a node gains per hour of the real clock, and per hour that it lived by its own. */
interface GrowthApart {
  readonly perRealHour: Gain
  readonly perNodeHour: Gain
}

/** A soak whose nodes' clocks ran faster. */
export interface QuickenedReport {
  readonly factor: number
  /** Hours that a node lived by its own clock while the network was whole. */
  readonly nodeHours: number
  /** `null`: too few samples to tell the two apart. */
  readonly live: GrowthApart | null
  readonly rss: GrowthApart | null
}

export interface Report {
  readonly nodes: number
  /** From the network being whole to the end. */
  readonly minutes: number
  /** `null`: clocks ran at their own pace. */
  readonly quickened: QuickenedReport | null
  readonly pairs: number
  readonly connected: number
  readonly duplicates: number
  /** From the last node listening until every pair was connected; `null`: never. */
  readonly settledMs: number | null
  /** All connections that ended before the final stop, by reason and who ended them. */
  readonly downsByReason: Readonly<Record<string, number>>
  readonly unfaultedDowns: number
  readonly unfaultedDownsDetail: ReadonlyArray<UnexpectedDown>
  readonly pings: Verdict.Verdict["pings"]
  readonly pongs: Verdict.Verdict["pongs"]
  readonly unansweredConnections: number
  readonly faults: ReadonlyArray<Fault>
  readonly crashes: number
  /** Lives with too few samples for a slope are listed without one. */
  readonly perNode: ReadonlyArray<NodeReport>
  /** Sum over the processes at the end. */
  readonly totalRssSlope: Growth | null
  readonly totalLiveSlope: Growth | null
  readonly directory: string
  readonly problems: ReadonlyArray<string>
  readonly ok: boolean
}

const rounded = (value: number): number => Math.round(value * 100) / 100

const ends = (values: ReadonlyArray<number>) => {
  const [first, last] = [values[0], values.at(-1)]
  return first === undefined || last === undefined ? null : { first, last, most: Math.max(...values) }
}

const growthOf = (slope: Slope.Slope | undefined): Growth | null =>
  slope === undefined ? null : { kibPerMinute: rounded(slope.slope), error: rounded(slope.error) }

const slopeOf = (vitals: ReadonlyArray<Vitals>, what: (vitals: Vitals) => number) =>
  Slope.of(Slope.secondHalf(vitals.map((each) => [each.at / 60_000, what(each)] as const)))

/** Of all that are known. */
const sumOf = (growths: ReadonlyArray<Growth | null>): Growth | null => {
  const known = growths.filter((growth) => growth !== null)
  return known.length === 0 ? null : {
    kibPerMinute: rounded(known.reduce((sum, { kibPerMinute }) => sum + kibPerMinute, 0)),
    error: rounded(Math.sqrt(known.reduce((sum, { error }) => sum + error ** 2, 0)))
  }
}

export const nodeReport = ({ ip, pid, vitals }: Life): NodeReport => {
  const rss = slopeOf(vitals, ({ rssKib }) => rssKib)
  const fds = slopeOf(vitals, ({ fds }) => fds)
  const live = vitals.flatMap(({ at, liveKib }) => liveKib === undefined ? [] : [[at / 60_000, liveKib] as const])
  return {
    ip,
    pid,
    samples: vitals.length,
    rss: ends(vitals.map(({ rssKib }) => rssKib)),
    rssSlope: growthOf(rss),
    live: ends(live.map(([, kib]) => kib)),
    liveSlope: growthOf(Slope.of(Slope.secondHalf(live))),
    fds: ends(vitals.map(({ fds }) => fds)),
    fdsSlope: fds === undefined ? null : { perMinute: rounded(fds.slope), error: rounded(fds.error) }
  }
}

/** KiB a minute that a process may grow over a second half of so many minutes. */
export const allowedKibPerMinute = (minutes: number): number =>
  Limits.soakGrowthPerMinuteKib + Limits.soakGrowthOnceKib / minutes

/** The same of its live memory. */
export const allowedLiveKibPerMinute = (minutes: number): number =>
  Limits.soakLiveGrowthPerMinuteKib + Limits.soakLiveGrowthOnceKib / minutes

const exceeds = (growth: Growth | null, allowed: number): growth is Growth =>
  growth !== null && growth.kibPerMinute - Limits.soakSigmas * growth.error > allowed

/** Words for a process that grows, even if its slope is wrong by all that noise explains: live memory first, which is the surer sign. */
export const growthProblem = (life: Life): string | undefined => {
  const { liveSlope, rssSlope } = nodeReport(life)
  const [first, last] = [life.vitals[0], life.vitals.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const minutes = (last.at - first.at) / 60_000 / 2
  const words = (what: string, { error, kibPerMinute }: Growth, allowed: number) =>
    `${life.ip} ${what} by ${kibPerMinute} ± ${error} KiB a minute, more than ${rounded(allowed)}`
  const [allowedLive, allowed] = [allowedLiveKibPerMinute(minutes), allowedKibPerMinute(minutes)]
  if (exceeds(liveSlope, allowedLive)) return words("grows in live memory", liveSlope, allowedLive)
  return exceeds(rssSlope, allowed) ? words("grows", rssSlope, allowed) : undefined
}

export const descriptorProblem = (life: Life): string | undefined => {
  const { fds } = nodeReport(life)
  return fds !== null && fds.last > fds.first + Limits.soakFdSlack
    ? `${life.ip} has ${fds.last} descriptors open, at first ${fds.first}`
    : undefined
}

const hourMs = 3_600_000

const growthApart = (
  quickened: Quickened.Quickened,
  lives: ReadonlyArray<Life>,
  what: (vitals: Vitals) => number | undefined
): GrowthApart | null => {
  const slopes = lives.flatMap(({ vitals }) => {
    const series = Slope.secondHalf(vitals.flatMap((each) => {
      const kib = what(each)
      return kib === undefined ? [] : [[each.at, kib] as const]
    }))
    return [
      Slope.ofTwo(series.map(([at, kib]) => {
        const realMs = at - quickened.origin
        return [realMs / hourMs, Quickened.lived(quickened, realMs) / hourMs, kib] as const
      })) ?? []
    ].filter((slope) => slope.length === 2)
  })
  const gain = (values: ReadonlyArray<number>): Gain | undefined => {
    const known = Slope.meanOf(values)
    return known === undefined ? undefined : { kib: rounded(known.mean), error: rounded(known.error) }
  }
  const perRealHour = gain(slopes.map(([perReal]) => perReal))
  const perNodeHour = gain(slopes.map(([, perNode]) => perNode))
  return perRealHour === undefined || perNodeHour === undefined ? null : { perRealHour, perNodeHour }
}

/** What a quickened soak says beside the rest, of the processes at the end. */
export const quickenedReport = (
  quickened: Quickened.Quickened,
  lives: ReadonlyArray<Life>,
  wholeAt: number,
  stoppedAt: number
): QuickenedReport => ({
  factor: quickened.factor,
  nodeHours: rounded(
    (Quickened.lived(quickened, stoppedAt - quickened.origin) -
      Quickened.lived(quickened, wholeAt - quickened.origin)) /
      hourMs
  ),
  live: growthApart(quickened, lives, ({ liveKib }) => liveKib),
  rss: growthApart(quickened, lives, ({ rssKib }) => rssKib)
})

/** ms. The ends of a connection that a pause broke may notice so long after it is over. */
const noticeMs = 5_000

/** Whether a pause of either end explains it. A short one explains nothing: peers must bear it. */
export const isExplained = (down: UnexpectedDown, faults: ReadonlyArray<Fault>): boolean =>
  faults.some((fault) =>
    fault.kind === "pause" && fault.endedAt - fault.at > Limits.deadMs &&
    (fault.ip === down.node || fault.ip === down.peer) &&
    down.at >= fault.at && down.at <= fault.endedAt + noticeMs
  )

const downLabel = ({ reason }: Extract<LogEvent, { readonly event: "Down" }>): string =>
  `${reason.kind}, by ${reason.by}`

const faultWords = (fault: Fault): string =>
  fault.kind === "kill" ? `${fault.ip} was killed` : `${fault.ip} stood still for ${fault.endedAt - fault.at} ms`

export const judge = (given: {
  readonly accounts: ReadonlyArray<Account>
  readonly histories: ReadonlyArray<NodeEvents>
  readonly history: History
  readonly kills: ReadonlyArray<Kill>
  readonly faults: ReadonlyArray<Fault>
  readonly lives: ReadonlyArray<Life>
  readonly samples: number
  readonly duplicateSamples: number
  readonly crashes: number
  /** Wall times, ms. */
  readonly wholeAt: number | undefined
  readonly stoppedAt: number
  readonly quickened: Quickened.Quickened | undefined
  readonly directory: string
}): Report => {
  const { accounts, crashes, faults, histories, lives, quickened, stoppedAt, wholeAt } = given
  const history = {
    ...given.history,
    unexpectedDowns: given.history.unexpectedDowns.filter((down) => !isExplained(down, faults))
  }
  const verdict = Verdict.judge({
    ...given,
    history,
    nodes: histories,
    asked: { chain: 0, produce: false },
    cut: undefined,
    partitionSeconds: undefined
  })
  const downsByReason: Record<string, number> = {}
  for (const { events } of histories) {
    for (const event of events) {
      if (event.event !== "Down" || event.at >= stoppedAt) continue
      const label = downLabel(event)
      downsByReason[label] = (downsByReason[label] ?? 0) + 1
    }
  }
  const running = new Set(accounts.map(({ status }) => status?.pid))
  const lasting = lives.filter(({ pid }) => running.has(pid))
  const atEnd = lasting.map(nodeReport)
  const problems = [
    ...verdict.problems,
    ...faults.filter(({ recoveredMs }) => recoveredMs === null).map((fault) =>
      `${faultWords(fault)}, and the network was not whole again`
    ),
    ...lives.flatMap((life) => growthProblem(life) ?? []),
    ...lives.flatMap((life) => descriptorProblem(life) ?? [])
  ]
  return {
    nodes: verdict.nodes,
    minutes: wholeAt === undefined ? 0 : rounded((stoppedAt - wholeAt) / 60_000),
    quickened: quickened === undefined || wholeAt === undefined
      ? null
      : quickenedReport(quickened, lasting, wholeAt, stoppedAt),
    pairs: verdict.pairs,
    connected: verdict.connected,
    duplicates: verdict.duplicates,
    settledMs: verdict.settledMs,
    downsByReason,
    unfaultedDowns: history.unexpectedDowns.length,
    unfaultedDownsDetail: verdict.unexpectedDownsDetail,
    pings: verdict.pings,
    pongs: verdict.pongs,
    unansweredConnections: verdict.unansweredConnections,
    faults,
    crashes,
    perNode: lives.map(nodeReport),
    totalRssSlope: sumOf(atEnd.map(({ rssSlope }) => rssSlope)),
    totalLiveSlope: sumOf(atEnd.map(({ liveSlope }) => liveSlope)),
    directory: given.directory,
    problems,
    ok: problems.length === 0
  }
}
