/** Connections that ended, by reason and minute. */
/** @import { DownBin, State, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as bounds from "../model/bounds.js"
import * as format from "../model/format.js"

/** Colours that a plot has; further reasons share the last. */
export const colours = 8

/**
 * Reasons of the last hour, the most frequent first, and how often.
 * @type {(downs: ReadonlyArray<DownBin>) => ReadonlyArray<readonly [reason: string, count: number]>}
 */
export const totals = (downs) => {
  /** @type {Map<string, number>} */
  const sums = new Map()
  for (const { counts } of downs) {
    for (const [reason, count] of Object.entries(counts)) sums.set(reason, (sums.get(reason) ?? 0) + count)
  }
  return [...sums].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}

/**
 * For a stacked plot: minutes (unix s), and for each reason the sum of its own and all reasons before it, the last reason first. `now`: ms.
 * @type {(downs: ReadonlyArray<DownBin>, now: number) => {
 *   readonly minutes: ReadonlyArray<number>
 *   readonly stacks: ReadonlyArray<{ readonly colour: number, readonly reason: string, readonly sums: ReadonlyArray<number> }>
 * }}
 */
export const stacked = (downs, now) => {
  const last = Math.floor(now / 60_000)
  const minutes = Array.from({ length: bounds.downMinutes }, (_, i) => last - bounds.downMinutes + 1 + i)
  const at = new Map(downs.map(({ counts, minute }) => [minute, counts]))
  /** @type {ReadonlyArray<number>} */
  let below = minutes.map(() => 0)
  const stacks = totals(downs).map(([reason], i) => {
    below = below.map((sum, m) => sum + (at.get(minutes[m] ?? 0)?.[reason] ?? 0))
    return { reason, colour: Math.min(i, colours - 1), sums: below }
  })
  return { minutes: minutes.map((minute) => minute * 60), stacks: stacks.toReversed() }
}

/** @type {(state: State) => VNode} */
export const view = ({ downs }) => {
  const all = totals(downs)
  const sum = all.reduce((a, [, count]) => a + count, 0)
  const words = all.map(([reason, count]) => `${reason} ${count}`).join(", ")
  return h(
    "section",
    { class: "card", key: "downs", "aria-labelledby": "downs-title" },
    h("h2", { id: "downs-title" }, "Downs by reason, last hour"),
    h("div", {
      class: "plot",
      id: "plot-downs",
      keep: true,
      role: "img",
      "aria-label": `Connections that ended in the last hour: ${sum}${words === "" ? "" : `: ${words}`}`
    }),
    sum === 0
      ? h("p", { class: "muted", key: "none" }, "No connection ended.")
      : h(
        "ul",
        { class: "legend", id: "downs-legend", key: "legend" },
        all.map(([reason, count], i) =>
          h(
            "li",
            { key: reason },
            h("span", { class: `swatch c${Math.min(i, colours - 1)}`, "aria-hidden": "true" }),
            `${reason} `,
            h("strong", {}, format.count(count))
          )
        )
      )
  )
}
