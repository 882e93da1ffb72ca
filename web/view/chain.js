/** The chain: its tip, how far sync is and from whom, and recent reorgs. */
/** @import { Chain, State, VNode } from "../types.ts" */
/** @import { Column } from "./table.js" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"
import * as Model from "../model/State.js"
import { ipButton } from "./peers.js"
import { table } from "./table.js"

/** @type {ReadonlyArray<Column<Chain["peers"][number]>>} */
const sources = [
  { id: "source", title: "Source", narrow: true, cell: ({ ip }) => ipButton(ip) },
  { id: "height", title: "Its height", number: true, narrow: true, cell: ({ height }) => format.count(height) },
  { id: "blocks", title: "Blocks from it", number: true, narrow: true, cell: ({ blocks }) => format.count(blocks) },
  { id: "use", title: "How it is used", narrow: true, cell: ({ use }) => use }
]

/**
 * The height that sync is to reach, as far as the node knows.
 * @type {(chain: Chain) => number}
 */
export const target = ({ headers, height, peers, synced }) =>
  synced ? height : Math.max(height, headers, ...peers.map((peer) => peer.height))

/** @type {(state: State, chain: Chain) => string} */
export const progress = (state, chain) => {
  const rate = Model.rate(state, 30_000)
  if (chain.synced) return `In sync at height ${format.count(chain.height)}`
  const missing = target(chain) - chain.height
  const speed = rate === undefined ? "" : `, ${rate < 10 ? rate.toFixed(1) : format.count(rate)} blocks per second`
  const left = rate === undefined || rate <= 0 ? "" : `, ${format.age(missing / rate * 1_000)} left`
  return `${format.count(missing)} of ${format.count(target(chain))} blocks missing${speed}${left}`
}

/** @type {(state: State) => VNode} */
const reorgs = ({ events, status }) => {
  const seen = events.filter(({ event }) => event === "Reorg").slice(0, 8)
  const all = status?.chain?.reorgs ?? 0
  return h(
    "div",
    { key: "reorgs" },
    h("h3", {}, `Reorgs: ${format.count(all)} since start`),
    seen.length === 0 ? undefined : h(
      "ul",
      { class: "plain" },
      seen.map(({ at, text }, i) =>
        h("li", { key: `${at}-${i}` }, h("span", { class: "time" }, format.clock(at)), ` ${text}`)
      )
    )
  )
}

/** @type {(state: State) => VNode | undefined} */
export const view = (state) => {
  const chain = state.status?.chain
  if (chain === undefined) return undefined
  return h(
    "section",
    { class: "card", key: "chain", "aria-labelledby": "chain-title" },
    h("h2", { id: "chain-title" }, "Chain and sync"),
    h("p", { id: "sync-line" }, progress(state, chain)),
    h("progress", { max: Math.max(1, target(chain)), value: chain.height, "aria-label": "Sync progress" }),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Tip"),
      h(
        "dd",
        { class: "hash", title: chain.hash, id: "tip" },
        `${format.count(chain.height)} ${chain.hash.slice(0, 16)}…`
      ),
      h("dt", {}, "Headers"),
      h("dd", {}, format.count(chain.headers)),
      h("dt", {}, "In memory"),
      h("dd", {}, `${format.many(chain.waiting.blocks, "block")}, ${format.bytes(chain.waiting.bytes)}`)
    ),
    h("p", { class: "muted" }, chain.line),
    h("div", {
      class: "plot small",
      id: "plot-rate",
      keep: true,
      role: "img",
      "aria-label": "Blocks added per second over the last ten minutes"
    }),
    table({
      id: "sources",
      label: "Sources of sync",
      rows: chain.peers,
      columns: sources,
      keyOf: ({ ip }) => ip,
      page: state.pages["sources"],
      empty: "No peer keeps a chain that this node could use."
    }),
    reorgs(state)
  )
}
