/** At which address others see this node, whether they reach it, and whether its clock is right: each with what to do. */
/** @import { ClockReport, Own, State, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"
import { ipButton } from "./peers.js"

/** @type {(seen: Own["seen"][number]) => string} */
const seenText = ({ groups, ip, of, others }) =>
  `${ip}, by ${groups} of ${format.many(of, "netgroup")}${others.length === 0 ? "" : `; also ${others.join(", ")}`}`

/** @type {(clock: ClockReport) => string} */
export const clockText = ({ behindS, of, peers }) =>
  behindS === 0
    ? `no block of ${format.many(of, "peer")} is ahead of this node's clock`
    : `this node's clock is behind, or those of ${peers.length} of ${
      format.many(of, "peer")
    } are ahead, by up to ${behindS} s; set this host's clock by NTP`

/** @type {(state: State) => VNode | undefined} */
export const view = ({ about: { clock, own } }) => {
  if (own === undefined) return undefined
  return h(
    "section",
    { class: "card", key: "own", "aria-labelledby": "own-title" },
    h("h2", { id: "own-title" }, "Own address and clock"),
    h("p", { id: "own-line" }, own.line),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Listens on"),
      h("dd", {}, own.listen),
      own.seen.length === 0 ? undefined : [
        h("dt", {}, "Seen at"),
        h("dd", {}, own.seen.map((seen) => h("p", { key: seen.ip }, seenText(seen))))
      ],
      clock === undefined ? undefined : [
        h("dt", {}, "Clock"),
        h("dd", { class: clock.behindS > 0 ? "bad-text" : "", id: "clock" }, clockText(clock))
      ]
    ),
    clock === undefined || clock.peers.length === 0 ? undefined : h(
      "ul",
      { class: "plain" },
      clock.peers.map(({ behindS, ip }) => h("li", { key: ip }, ipButton(ip), ` its next block is ${behindS} s ahead`))
    ),
    own.notices.map(({ cause, fix, notice }) =>
      h(
        "p",
        { key: notice, class: "notice" },
        h("span", { class: "pill", "data-level": "wait" }, notice),
        ` ${cause}${fix === undefined ? "" : `; ${fix}`}`
      )
    )
  )
}
