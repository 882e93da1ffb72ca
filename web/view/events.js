/** What happened, the newest first. */
/** @import { Happened, State, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"

/** Lines shown; a filter finds the others that are kept. */
const shownEvents = 120

/**
 * Events that match all words.
 * @type {(events: ReadonlyArray<Happened>, filter: string) => ReadonlyArray<Happened>}
 */
export const matching = (events, filter) => {
  const words = filter.toLowerCase().split(/\s+/)
  return events.filter(({ event, level, text }) => {
    const whole = `${event} ${level} ${text}`.toLowerCase()
    return words.every((word) => whole.includes(word))
  })
}

/** @type {(state: State) => VNode} */
export const view = ({ eventFilter, events }) => {
  const found = matching(events, eventFilter)
  return h(
    "section",
    { class: "card wide-card", key: "events", "aria-labelledby": "events-title" },
    h("h2", { id: "events-title" }, "Events"),
    h(
      "div",
      { class: "bar" },
      h("span", { class: "muted" }, `${format.count(found.length)} of the latest ${format.count(events.length)}, UTC`),
      h("input", {
        type: "search",
        "data-do": "filterEvents",
        "aria-label": "Filter events",
        placeholder: "Filter: address, Up, Down, Warn…",
        autocomplete: "off",
        spellcheck: "false"
      })
    ),
    h(
      "div",
      { class: "scroll log", role: "group", "aria-label": "Events", tabindex: 0 },
      found.length === 0 ? h("p", { class: "muted" }, "Nothing yet.") : h(
        "ol",
        { class: "plain", id: "events" },
        found.slice(0, shownEvents).map(({ at, level, text }) =>
          h(
            "li",
            { "data-level": level.toLowerCase() },
            h("span", { class: "time" }, format.clock(at)),
            h("span", { class: "level" }, level),
            h("span", { class: "text" }, text)
          )
        )
      )
    )
  )
}
