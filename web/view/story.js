/** One address: why it is or is not connected, what has happened with it, and each decision with its rule. */
/** @import { State, VNode, Why } from "../types.ts" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"

/** @type {(entry: NonNullable<Why["past"]>[number]) => string} */
export const pastText = ({ direction, reason, upMs, what }) => {
  const why = reason === undefined
    ? ""
    : `: ${reason.kind === "rejected" ? `rejected ${reason.reject ?? ""}` : reason.kind}${
      reason.detail === undefined ? "" : ` (${reason.detail})`
    }, by ${reason.by === "local" ? "this node" : "the peer"}`
  const lasted = upMs === undefined ? "" : ` after ${format.age(upMs)}`
  return `${what}, ${direction}${lasted}${why}`
}

/** @type {(name: string, value: string | undefined) => ReadonlyArray<VNode>} */
const fact = (name, value) => value === undefined ? [] : [h("dt", {}, name), h("dd", {}, value)]

/** @type {(state: State) => VNode | undefined} */
export const view = ({ selected, story, why }) => {
  if (selected === undefined) return undefined
  return h(
    "section",
    { class: "card wide-card story", key: "story", "aria-labelledby": "story-title", id: "story" },
    h(
      "div",
      { class: "bar" },
      h("h2", { id: "story-title", tabindex: -1 }, selected),
      h("button", { type: "button", "data-do": "close" }, "Close")
    ),
    why === undefined ? h("p", { class: "muted" }, "Asking the node…") : [
      h("p", {}, why.text),
      h(
        "dl",
        { class: "facts" },
        fact("Situation", why.situation),
        fact("Cause", why.cause),
        fact("What to do", why.fix)
      ),
      (why.offences ?? []).length === 0 ? undefined : h(
        "div",
        {},
        h("h3", {}, "Offences"),
        h(
          "ul",
          { class: "plain" },
          (why.offences ?? []).map(({ agoMs, detail, kind, times }) =>
            h("li", {}, `${kind}${times > 1 ? ` (${times}×)` : ""}, ${format.age(agoMs)} ago: ${detail}`)
          )
        )
      ),
      h("h3", {}, "Connections and attempts, the latest first"),
      (why.past ?? []).length === 0 ? h("p", { class: "muted" }, "None is kept.") : h(
        "ol",
        { class: "plain", id: "past" },
        (why.past ?? []).toReversed().map((entry) =>
          h("li", {}, h("span", { class: "time" }, format.clock(entry.at)), ` #${entry.connection} ${pastText(entry)}`)
        )
      )
    ],
    story === undefined ? undefined : [
      h("h3", {}, "Trace: each event, decision and rule"),
      h("pre", { tabindex: 0, id: "trace", "aria-label": `Trace of ${selected}`, role: "group" }, story.join("\n"))
    ]
  )
}
