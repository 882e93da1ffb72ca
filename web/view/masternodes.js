/** Masternodes of the network, one per address. */
/** @import { Masternodes, State, VNode } from "../types.ts" */
/** @import { Column } from "./table.js" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"
import { ipButton } from "./peers.js"
import { table } from "./table.js"

/** @type {(at: number) => ReadonlyArray<Column<Masternodes["masternodes"][number]>>} */
const columns = (at) => [
  { id: "ip", title: "Masternode", narrow: true, cell: ({ ip }) => ipButton(ip) },
  {
    id: "state",
    title: "State",
    narrow: true,
    cell: ({ isContested, state }) => [
      h("span", { class: "pill", "data-level": state === "live" ? "good" : "idle" }, state),
      isContested ? h("span", { class: "pill", "data-level": "bad" }, "contested") : undefined
    ]
  },
  { id: "tier", title: "Tier", narrow: true, cell: ({ tier }) => tier },
  {
    id: "by",
    title: "Seen by",
    cell: ({ isConnected, isSelf, witnesses }) =>
      isSelf ? "this node" : `${isConnected ? "connected, " : ""}${format.many(witnesses, "netgroup")}`
  },
  { id: "key", title: "Key", cell: ({ key }) => h("span", { class: "hash", title: key }, `${key.slice(0, 12)}…`) },
  {
    id: "announced",
    title: "Announced",
    number: true,
    cell: ({ announcedAt }) => announcedAt > at ? "now" : `${format.age(at - announcedAt)} ago`
  }
]

/** @type {(counts: Readonly<Record<string, number>>) => string} */
const tiers = (counts) =>
  Object.entries(counts).flatMap(([tier, count]) => count > 0 ? [`${count} ${tier}`] : []).join(", ") || "none"

/** @type {(state: State) => VNode | undefined} */
export const view = ({ masternodes, pages }) => {
  if (masternodes === undefined) return undefined
  const { at, conflicts, counts, masternodes: rows } = masternodes
  return h(
    "section",
    { class: "card", key: "masternodes", "aria-labelledby": "masternodes-title" },
    h("h2", { id: "masternodes-title" }, "Masternodes"),
    h("p", {}, `Live: ${tiers(counts.live)}; known: ${tiers(counts.known)}; expired: ${tiers(counts.expired)}`),
    conflicts.slice(0, 5).map((conflict) => h("p", { class: "bad-text" }, conflict)),
    table({
      id: "masternodes",
      label: "Masternodes",
      rows,
      columns: columns(at),
      keyOf: ({ ip }) => ip,
      page: pages["masternodes"],
      empty: "No masternode is known."
    })
  )
}
