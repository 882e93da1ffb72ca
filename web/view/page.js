/** The whole page. */
/** @import { State, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as book from "./book.js"
import * as chain from "./chain.js"
import * as downs from "./downs.js"
import * as events from "./events.js"
import * as masternodes from "./masternodes.js"
import * as mesh from "./mesh.js"
import * as own from "./own.js"
import * as peers from "./peers.js"
import * as refusals from "./refusals.js"
import * as resources from "./resources.js"
import * as settings from "./settings.js"
import * as story from "./story.js"
import * as verdict from "./verdict.js"

/**
 * A part of the page. `shows`: the values that its view is made of; while they are the same it is not made again, and what is not made again is not
 * drawn again either (`dom/patch.js`).
 * @typedef {{ readonly shows: (state: State) => ReadonlyArray<unknown>, readonly view: (state: State) => VNode | undefined }} Card
 */

/**
 * The cards, in the order in which they appear.
 * @type {ReadonlyArray<Card>}
 */
export const cards = [
  { shows: ({ selected, story, why }) => [selected, story, why], view: story.view },
  {
    shows: ({ filter, pages, peers, rtts, show, sort }) => [filter, pages, peers, rtts, show, sort],
    view: peers.view
  },
  { shows: (state) => [mesh.shape(state), state.masternodes, state.status?.own?.ip], view: mesh.view },
  { shows: ({ events, growth, pages, status }) => [events, growth, pages, status], view: chain.view },
  { shows: ({ downs }) => [downs], view: downs.view },
  { shows: ({ masternodes, pages }) => [masternodes, pages], view: masternodes.view },
  { shows: ({ about }) => [about.own, about.clock], view: own.view },
  { shows: ({ about }) => [about.resources], view: resources.view },
  { shows: ({ about, pages }) => [about.refusals, about.bans, pages], view: refusals.view },
  { shows: ({ about, pages }) => [about.book, pages], view: book.view },
  { shows: ({ about }) => [about.settings], view: settings.view },
  { shows: ({ eventFilter, events }) => [eventFilter, events], view: events.view }
]

/** @type {(card: Card) => Card["view"]} */
const kept = ({ shows, view }) => {
  /** @type {{ readonly values: ReadonlyArray<unknown>, readonly made: VNode | undefined } | undefined} */
  let last
  return (state) => {
    const values = shows(state)
    if (last === undefined || values.some((value, i) => !Object.is(value, last?.values[i]))) {
      last = { values, made: view(state) }
    }
    return last.made
  }
}

const views = cards.map(kept)

const linkText = { asking: "connecting", live: "live", lost: "no answer", token: "token needed" }

/** @type {(state: State) => VNode} */
const header = ({ link, status }) =>
  h(
    "header",
    { class: "top" },
    h("h1", {}, "timemesh"),
    h("p", { class: "who" }, status === undefined ? "" : `${status.network} · ${status.listen} · ${status.software}`),
    h(
      "p",
      { class: "pill", id: "link", "data-level": link === "live" ? "good" : link === "lost" ? "bad" : "wait" },
      linkText[link]
    )
  )

/**
 * `count`: how many of the cards, from the first.
 * @type {(state: State, count?: number) => ReadonlyArray<VNode>}
 */
export const view = (state, count = cards.length) => [
  header(state),
  h(
    "main",
    { id: "main" },
    verdict.banner(state),
    verdict.tokenForm(state),
    verdict.tiles(state),
    state.peers === undefined ? undefined : h(
      "div",
      { class: "cards", key: "cards" },
      views.slice(0, count).map((made) => made(state))
    )
  )
]
