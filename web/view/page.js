/** The whole page. */
/** @import { State, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as chain from "./chain.js"
import * as downs from "./downs.js"
import * as events from "./events.js"
import * as masternodes from "./masternodes.js"
import * as mesh from "./mesh.js"
import * as peers from "./peers.js"
import * as story from "./story.js"
import * as verdict from "./verdict.js"

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

/** @type {(state: State) => ReadonlyArray<VNode>} */
export const view = (state) => [
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
      story.view(state),
      peers.view(state),
      mesh.view(state),
      chain.view(state),
      downs.view(state),
      masternodes.view(state),
      events.view(state)
    )
  )
]
