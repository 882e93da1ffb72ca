/** The peer table: who is connected and how it goes, and who is not and why. */
/** @import { Peer, Show, State, VNode } from "../types.ts" */
/** @import { Column } from "./table.js" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"
import * as Model from "../model/State.js"
import { table } from "./table.js"

/** @type {(ip: string) => VNode} */
export const ipButton = (ip) => h("button", { type: "button", class: "link", "data-do": "select", "data-arg": ip }, ip)

/**
 * A line of round trips, from 0 to the greatest of them.
 * @type {(values: ReadonlyArray<number>) => VNode | undefined}
 */
export const spark = (values) => {
  if (values.length < 2) return undefined
  const most = Math.max(...values, 1)
  const points = values.map((value, i) =>
    `${(i / (values.length - 1) * 60).toFixed(1)},${(15 - value / most * 14).toFixed(1)}`
  )
  return h(
    "svg",
    { class: "spark", viewBox: "0 0 60 16", width: 60, height: 16, "aria-hidden": "true" },
    h("polyline", { points: points.join(" ") })
  )
}

/** @type {(situation: string | undefined) => string} */
const levelOf = (situation) =>
  situation === "connected" ? "good" : situation === "quiet" || situation === "clock" ? "wait" : "bad"

/** @type {(peer: Peer) => ReadonlyArray<VNode | undefined>} */
const state = ({ connection, flaps = 0, situation }) => [
  h(
    "span",
    { class: "pill", "data-level": connection === undefined ? "idle" : levelOf(situation) },
    situation ?? (connection === undefined ? "not connected" : "connected")
  ),
  flaps === 0 ? undefined : h("span", { class: "pill", "data-level": "wait" }, format.many(flaps, "flap"))
]

/** @type {Column<Peer>} */
const ip = {
  id: "peer",
  title: "Peer",
  narrow: true,
  cell: (peer) => ipButton(peer.ip),
  by: (peer) => format.ipOrder(peer.ip)
}

/** @type {Column<Peer>} */
const situation = { id: "state", title: "State", narrow: true, cell: state, by: (peer) => peer.situation ?? "" }

const late = Number.MAX_SAFE_INTEGER

/**
 * As `timemesh peers` has it: what sync knows, else what its Hello said when it connected.
 * @type {(peer: Peer) => number | undefined}
 */
const heightOf = ({ sync, tip }) => sync?.height ?? tip?.height

/** @type {(state: State) => ReadonlyArray<Column<Peer>>} */
const connectedColumns = ({ rtts }) => [
  ip,
  situation,
  {
    id: "direction",
    title: "Dialled by",
    narrow: true,
    cell: ({ connection }) =>
      connection === undefined ? "–" : connection.direction === "outbound" ? "us (out)" : "it (in)",
    by: ({ connection }) => connection?.direction ?? ""
  },
  {
    id: "wire",
    title: "Wire",
    cell: ({ connection, speaks }) => connection?.wire ?? speaks ?? "–",
    by: (peer) => peer.connection?.wire ?? ""
  },
  {
    id: "rtt",
    title: "RTT",
    number: true,
    narrow: true,
    cell: ({ connection, ip }) => [
      spark(rtts[ip] ?? []),
      format.rtt(connection?.rtt === undefined ? undefined : Model.milliseconds(connection.rtt))
    ],
    by: ({ connection }) => connection?.rtt === undefined ? late : Model.milliseconds(connection.rtt)
  },
  {
    id: "height",
    title: "Height",
    number: true,
    cell: (peer) => {
      const height = heightOf(peer)
      return height === undefined ? "–" : format.count(height)
    },
    by: (peer) => heightOf(peer) ?? -1
  },
  {
    id: "lastByte",
    title: "Last byte",
    number: true,
    narrow: true,
    cell: ({ connection }) => format.age(connection?.lastByteMs),
    by: ({ connection }) => connection?.lastByteMs ?? late
  },
  {
    id: "since",
    title: "Connected for",
    number: true,
    cell: ({ connection }) => format.age(connection?.upMs),
    by: ({ connection }) => connection?.upMs ?? -1
  },
  {
    id: "traffic",
    title: "In / out",
    number: true,
    cell: ({ connection }) =>
      connection === undefined
        ? "–"
        : `${format.bytes(connection.bytes.received)} / ${format.bytes(connection.bytes.sent)}`,
    by: ({ connection }) => connection === undefined ? -1 : connection.bytes.received + connection.bytes.sent
  },
  { id: "software", title: "Software", cell: ({ software }) => software ?? "–", by: (peer) => peer.software ?? "" }
]

/** @type {(at: number) => ReadonlyArray<Column<Peer>>} */
const missingColumns = (at) => [
  ip,
  situation,
  {
    id: "why",
    title: "Why it is not connected",
    narrow: true,
    cell: ({ cause }) => cause ?? "–",
    by: (peer) => peer.cause ?? ""
  },
  { id: "fix", title: "What to do", cell: ({ fix }) => fix ?? "nothing", by: (peer) => peer.fix ?? "" },
  {
    id: "next",
    title: "Next dial",
    number: true,
    cell: ({ expected, nextAttemptAt }) =>
      nextAttemptAt === undefined
        ? expected === "them" ? "it dials" : "–"
        : nextAttemptAt <= at
        ? "now"
        : `in ${format.age(nextAttemptAt - at)}`,
    by: ({ nextAttemptAt }) => nextAttemptAt ?? late
  },
  {
    id: "failures",
    title: "Failures",
    number: true,
    cell: ({ failures }) => format.count(failures),
    by: (peer) => peer.failures
  },
  {
    id: "seen",
    title: "Last good",
    number: true,
    cell: ({ lastGoodAt }) => lastGoodAt === undefined ? "never" : `${format.age(at - lastGoodAt)} ago`,
    by: ({ lastGoodAt }) => lastGoodAt ?? 0
  }
]

/** @type {(peer: Peer, show: Show) => boolean} */
const isShown = ({ connection }, show) => show === "all" || (connection !== undefined) === (show === "connected")

/** @type {(peer: Peer, filter: string) => boolean} */
const matches = (peer, filter) => {
  const { cause, connection, fix, ip, situation, software } = peer
  const text = [ip, situation, cause, fix, software, connection?.direction, connection?.wire].join(" ").toLowerCase()
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}

/**
 * Rows that the table shows, before it sorts them.
 * @type {(state: State) => ReadonlyArray<Peer>}
 */
export const rowsOf = ({ filter, peers, show }) =>
  (peers?.peers ?? []).filter((peer) => isShown(peer, show) && matches(peer, filter))

/** @type {(show: Show, current: Show, label: string, rows: number) => VNode} */
const choice = (show, current, label, rows) =>
  h("button", {
    type: "button",
    class: "choice",
    "data-do": "show",
    "data-arg": show,
    "aria-pressed": show === current ? "true" : "false"
  }, `${label} (${format.count(rows)})`)

/** @type {(state: State) => VNode} */
export const view = (state) => {
  const { peers, show, sort } = state
  const all = peers?.peers ?? []
  const connected = all.filter(({ connection }) => connection !== undefined).length
  const rows = rowsOf(state)
  const columns = show === "missing"
    ? missingColumns(peers?.at ?? 0)
    : show === "connected"
    ? connectedColumns(state)
    : [...connectedColumns(state), ...missingColumns(peers?.at ?? 0).slice(2, 3)]
  return h(
    "section",
    { class: "card wide-card", key: "peers", "aria-labelledby": "peers-title" },
    h("h2", { id: "peers-title" }, "Peers"),
    h(
      "div",
      { class: "bar" },
      h(
        "div",
        { class: "choices", role: "group", "aria-label": "Which peers" },
        choice("connected", show, "Connected", connected),
        choice("missing", show, "Not connected", all.length - connected),
        choice("all", show, "All", all.length)
      ),
      h("input", {
        type: "search",
        "data-do": "filter",
        "aria-label": "Filter peers",
        placeholder: "Filter: address, state, cause, in, out…",
        autocomplete: "off",
        spellcheck: "false"
      })
    ),
    table({
      id: "peers",
      label: "Peers",
      rows,
      columns,
      keyOf: ({ ip }) => ip,
      sort,
      page: state.pages["peers"],
      empty: all.length === 0 ? "No peers are known." : "No peer matches."
    })
  )
}
