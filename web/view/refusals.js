/** Connections that never came up, by reason and by network, and the bans in force. */
/** @import { Bans, Refusals, State, VNode } from "../types.ts" */
/** @import { Column } from "./table.js" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"
import { ipButton } from "./peers.js"
import { table } from "./table.js"

/** @type {(counts: Readonly<Record<string, number>>) => string} */
const reasons = (counts) =>
  Object.entries(counts).toSorted(([, a], [, b]) => b - a).map(([reason, count]) => `${format.count(count)} ${reason}`)
    .join(", ")

/** @type {(at: number) => ReadonlyArray<Column<Refusals["byNetgroup"][number]>>} */
const groups = (at) => [
  { id: "netgroup", title: "Netgroup", narrow: true, cell: ({ netgroup }) => netgroup },
  { id: "refused", title: "Refused", number: true, narrow: true, cell: ({ refused }) => format.count(refused) },
  { id: "reasons", title: "Reasons", narrow: true, cell: ({ byReason }) => reasons(byReason) },
  { id: "example", title: "Such as", cell: ({ example }) => ipButton(example) },
  { id: "last", title: "Last", number: true, cell: (group) => `${format.age(at - group.at)} ago` }
]

/** @type {ReadonlyArray<Column<Bans["bans"][number]>>} */
const banColumns = [
  { id: "subnet", title: "Banned", narrow: true, cell: ({ subnet }) => subnet },
  { id: "by", title: "By", cell: ({ by }) => by },
  { id: "reason", title: "Reason", narrow: true, cell: ({ reason }) => reason ?? "–" },
  { id: "until", title: "For", number: true, narrow: true, cell: ({ leftMs }) => format.age(leftMs) }
]

/** @type {(state: State) => VNode | undefined} */
export const view = ({ about: { bans, refusals }, pages }) => {
  if (refusals === undefined) return undefined
  const { at, byNetgroup, byReason, others, refused, turnedAway } = refusals
  return h(
    "section",
    { class: "card", key: "refusals", "aria-labelledby": "refusals-title" },
    h("h2", { id: "refusals-title" }, "Refused and banned"),
    h(
      "p",
      { id: "refused" },
      refused === 0
        ? "Nothing was refused since the start."
        : `${format.count(refused)} refused since the start: ${reasons(byReason)}`
    ),
    table({
      id: "netgroups",
      label: "Refusals by netgroup",
      rows: byNetgroup,
      columns: groups(at),
      keyOf: ({ netgroup }) => netgroup,
      page: pages["netgroups"],
      empty: "No netgroup was refused."
    }),
    others === 0 ? undefined : h("p", { class: "muted" }, `${format.count(others)} of netgroups that are not listed`),
    bans === undefined ? undefined : table({
      id: "bans",
      label: "Bans",
      rows: bans.bans,
      columns: banColumns,
      keyOf: ({ subnet }) => subnet,
      page: pages["bans"],
      empty: "Nothing is banned."
    }),
    turnedAway === 0
      ? undefined
      : h("p", { class: "muted" }, `${format.many(turnedAway, "socket")} of banned addresses closed when accepted`)
  )
}
