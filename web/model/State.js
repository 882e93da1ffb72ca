/** What the page knows, and how answers and events change it. Pure. */
/** @import { About, DownBin, Happened, Masternodes, Peers, Show, State, Status, Why } from "../types.ts" */
import * as bounds from "./bounds.js"

/** @type {State} */
export const initial = {
  link: "asking",
  problem: undefined,
  answeredAt: undefined,
  firstAt: undefined,
  status: undefined,
  peers: undefined,
  masternodes: undefined,
  about: {},
  events: [],
  downs: [],
  growth: [],
  rtts: {},
  show: "connected",
  filter: "",
  sort: { column: "peer", descending: false },
  pages: {},
  eventFilter: "",
  selected: undefined,
  why: undefined,
  story: undefined
}

/** @type {(at: number) => number} */
const minuteOf = (at) => Math.floor(at / 60_000)

/** @type {(bins: ReadonlyArray<DownBin>, at: number, counts: Readonly<Record<string, number>>) => ReadonlyArray<DownBin>} */
const addDowns = (bins, at, counts) => {
  const minute = minuteOf(at)
  const there = bins.find((bin) => bin.minute === minute)
  const sum = { ...there?.counts }
  for (const [reason, count] of Object.entries(counts)) sum[reason] = (sum[reason] ?? 0) + count
  return [...bins.filter((bin) => bin.minute !== minute), { minute, counts: sum }].toSorted((a, b) =>
    a.minute - b.minute
  )
}

/**
 * What ended between two answers, by reason: the node's counters, so nothing is missed and nothing counted twice.
 * @type {(before: Status["stats"], now: Status["stats"]) => Readonly<Record<string, number>>}
 */
const ended = (before, now) =>
  Object.fromEntries(
    Object.entries(now.downsByReason).flatMap(([reason, count]) => {
      const more = count - (before.downsByReason[reason] ?? 0)
      return more > 0 ? [[reason, more]] : []
    })
  )

/** @type {(bins: ReadonlyArray<DownBin>, at: number) => ReadonlyArray<DownBin>} */
const recent = (bins, at) => bins.filter(({ minute }) => minute > minuteOf(at) - bounds.downMinutes)

/**
 * An answer to both questions. `now`: the page's monotonic clock, ms.
 * @type {(state: State, status: Status, peers: Peers, now: number) => State}
 */
export const answered = (state, status, peers, now) => {
  const before = state.status
  // Another process counts from 0 again: what it has counted is new, what the page has drawn stays.
  const isSame = before?.startedAt === undefined || Math.abs(before.startedAt - status.startedAt) < 1_000
  const since = before === undefined
    ? undefined
    : isSame
    ? ended(before.stats, status.stats)
    : status.stats.downsByReason
  const downs = since === undefined || Object.keys(since).length === 0
    ? state.downs
    : addDowns(state.downs, peers.at, since)
  const blocks = status.stats.blocksAdded ?? 0
  /** @type {Record<string, ReadonlyArray<number>>} */
  const rtts = {}
  for (const { connection, ip } of peers.peers) {
    if (connection === undefined) continue
    const last = connection.rtt === undefined ? [] : [milliseconds(connection.rtt)]
    rtts[ip] = [...(isSame ? state.rtts[ip] ?? [] : []), ...last].slice(-bounds.rtts)
  }
  return {
    ...state,
    link: "live",
    problem: undefined,
    answeredAt: peers.at,
    firstAt: state.firstAt ?? peers.at,
    status,
    peers,
    downs: recent(downs, peers.at),
    growth: [...(isSame ? state.growth : []), { at: now, blocks }].slice(-bounds.growth),
    rtts
  }
}

/** @type {(rtt: { readonly smoothedMs: number, readonly smoothedMicros?: number | undefined }) => number} */
export const milliseconds = ({ smoothedMicros, smoothedMs }) =>
  smoothedMicros === undefined ? smoothedMs : smoothedMicros / 1_000

/** @type {(state: State, problem: string) => State} */
export const lost = (state, problem) => ({ ...state, link: state.status === undefined ? "asking" : "lost", problem })

/** @type {(state: State, problem: string | undefined) => State} */
export const tokenWanted = (state, problem) => ({ ...state, link: "token", problem })

/** @type {(happened: Happened) => string | undefined} */
const reasonOf = ({ event, fields }) => {
  const reason = fields?.["reason"]
  if (event !== "Down" || typeof reason !== "object" || reason === null) return undefined
  const { kind, reject } = /** @type {Record<string, unknown>} */ (reason)
  // As `DisconnectReason.label`.
  return kind === "eof" ? "EOF" : kind === "rejected" ? `rejected: ${String(reject ?? "?")}` : String(kind)
}

/**
 * Events, the oldest first. Downs of before the first answer are in no difference of counters, so they are drawn from their events.
 * @type {(state: State, happened: ReadonlyArray<Happened>) => State}
 */
export const happened = (state, happened) => {
  let { downs } = state
  for (const one of happened) {
    if (state.firstAt !== undefined && one.at > state.firstAt) continue
    const reason = reasonOf(one)
    if (reason !== undefined) downs = addDowns(downs, one.at, { [reason]: 1 })
  }
  const latest = happened.at(-1)?.at
  return {
    ...state,
    downs: latest === undefined ? downs : recent(downs, Math.max(latest, state.answeredAt ?? latest)),
    events: [...happened.toReversed(), ...state.events].slice(0, bounds.events)
  }
}

/** @type {(state: State, masternodes: Masternodes | undefined) => State} */
export const masternodesCame = (state, masternodes) => ({ ...state, masternodes })

/**
 * Answers to some of those questions; what is `undefined` among them had no answer, and is not shown as if it had.
 * @type {(state: State, about: About) => State}
 */
export const aboutCame = (state, about) => ({ ...state, about: { ...state.about, ...about } })

/** @type {(state: State, ip: string | undefined) => State} */
export const selected = (state, ip) =>
  ip === state.selected ? state : { ...state, selected: ip, why: undefined, story: undefined }

/** @type {(state: State, why: Why, story: ReadonlyArray<string> | undefined) => State} */
export const explained = (state, why, story) => why.ip === state.selected ? { ...state, why, story } : state

/**
 * Shows another page of the table. One beyond its last is its last: `view/table.js`.
 * @type {(state: State, table: string, page: number) => State}
 */
export const turned = (state, table, page) => ({ ...state, pages: { ...state.pages, [table]: Math.max(0, page) } })

/** @type {(state: State, show: Show) => State} */
export const shown = (state, show) => ({ ...turned(state, "peers", 0), show })

/** @type {(state: State, filter: string) => State} */
export const filtered = (state, filter) => ({ ...turned(state, "peers", 0), filter })

/** @type {(state: State, column: string) => State} */
export const sorted = (state, column) => ({
  ...turned(state, "peers", 0),
  sort: { column, descending: state.sort.column === column && !state.sort.descending }
})

/** @type {(text: string) => Show} */
export const showOf = (text) => text === "missing" || text === "all" ? text : "connected"

/**
 * Blocks per second over the last `ms`, and the seconds until `missing` blocks are there; `undefined`: not known yet.
 * @type {(state: State, ms: number) => number | undefined}
 */
export const rate = ({ growth }, ms) => {
  const last = growth.at(-1)
  const first = last === undefined ? undefined : growth.find(({ at }) => at >= last.at - ms)
  return last === undefined || first === undefined || last.at - first.at < 1_000
    ? undefined
    : (last.blocks - first.blocks) / (last.at - first.at) * 1_000
}

/**
 * Blocks per second between one moment and the next.
 * @type {(state: State) => ReadonlyArray<{ readonly at: number, readonly rate: number }>}
 */
export const rates = ({ growth }) =>
  growth.slice(1).flatMap(({ at, blocks }, i) => {
    const before = growth[i]
    return before === undefined || at <= before.at
      ? []
      : [{ at, rate: Math.max(0, (blocks - before.blocks) / (at - before.at) * 1_000) }]
  })
