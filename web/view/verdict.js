/** The verdict in one sentence, with what to do; the token form; and the figures at a glance. */
/** @import { State, Status, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"
import * as Model from "../model/State.js"

/** @type {(state: State) => { readonly level: string, readonly text: string, readonly more: ReadonlyArray<string> }} */
export const sentence = ({ answeredAt, link, problem, status }) => {
  if (link === "lost") {
    const since = answeredAt === undefined ? "" : ` since ${format.clock(answeredAt)} UTC`
    return {
      level: "bad",
      text: `No answer from the node${since}`,
      more: [`${problem ?? "it may be stopped or restarting"}; asking again. What is shown is from before.`]
    }
  }
  if (link === "token") return { level: "wait", text: "This node answers only with its token", more: [] }
  if (status === undefined) {
    return { level: "wait", text: "Asking the node…", more: problem === undefined ? [] : [`${problem}; asking again`] }
  }
  const { verdict } = status
  if (verdict === undefined) return { level: "wait", text: status.state, more: [] }
  return {
    level: verdict.ok ? verdict.ready ? "good" : "wait" : "bad",
    text: verdict.text,
    more: verdict.problems.slice(1).map(({ fix, what }) => fix === undefined ? what : `${what}; ${fix}`)
  }
}

/** @type {(state: State) => VNode} */
export const banner = (state) => {
  const { level, more, text } = sentence(state)
  return h(
    "div",
    { class: "verdict", "data-level": level, role: "status", id: "verdict" },
    h("p", { class: "verdict-text" }, text),
    more.map((line) => h("p", { class: "verdict-more" }, line))
  )
}

/** @type {(state: State) => VNode | undefined} */
export const tokenForm = ({ link, problem }) =>
  link !== "token" ? undefined : h(
    "form",
    { class: "token card", "data-do": "token", id: "token-form" },
    h("label", { for: "token" }, "Token"),
    h("input", {
      id: "token",
      type: "password",
      autocomplete: "off",
      spellcheck: "false",
      required: true,
      "aria-describedby": "token-help"
    }),
    h("button", { type: "submit" }, "Show the node"),
    h(
      "p",
      { id: "token-help", class: "muted" },
      "It stands in a file in the node's data directory. This page keeps it in memory only: a reload asks again."
    ),
    problem === undefined ? undefined : h("p", { class: "bad-text", role: "alert" }, problem)
  )

/** @type {(label: string, value: string, note: string | undefined, level?: string) => VNode} */
const tile = (label, value, note, level) =>
  h(
    "div",
    { class: "tile", key: label, "data-level": level },
    h("dt", {}, label),
    h(
      "dd",
      {},
      h("span", { class: "figure" }, value),
      note === undefined ? undefined : h("span", { class: "note" }, note)
    )
  )

/** @type {(status: Status, state: State) => VNode} */
const chainTile = ({ chain }, state) => {
  if (chain === undefined) return tile("Height", "–", "keeps no chain")
  const rate = Model.rate(state, 30_000)
  const note = chain.synced
    ? "= best peer"
    : `of ${format.count(Math.max(chain.headers, chain.height))}${
      rate === undefined ? "" : `, ${format.count(rate)} blocks/s`
    }`
  return tile("Height", format.count(chain.height), note, chain.synced ? "good" : "wait")
}

const reachText = { yes: "yes", no: "no", unknown: "not known" }

/** @type {(state: State) => VNode | undefined} */
export const tiles = (state) => {
  const { downs, peers, status } = state
  if (status === undefined) return undefined
  const up = (peers?.peers ?? []).flatMap(({ connection }) => connection ?? [])
  const inbound = up.filter(({ direction }) => direction === "inbound").length
  const flaps = status.stats.flaps ?? 0
  const lastHour = downs.reduce((sum, { counts }) => sum + Object.values(counts).reduce((a, b) => a + b, 0), 0)
  const { own } = status
  return h(
    "dl",
    { class: "tiles", id: "tiles" },
    tile(
      "Peers",
      format.count(up.length),
      `${inbound} in, ${up.length - inbound} out, ${format.count(status.known)} known`
    ),
    chainTile(status, state),
    tile("Flaps since start", format.count(flaps), "goal: 0", flaps === 0 ? "good" : "bad"),
    tile("Downs in the last hour", format.count(lastHour), `${format.count(status.stats.downs)} since start`),
    tile(
      "Reachable",
      own === undefined ? "–" : reachText[own.reachable],
      own?.ip === undefined ? "address not seen yet" : `${own.ip}, port ${own.port}`,
      own?.reachable === "no" ? "wait" : undefined
    ),
    tile("Up for", format.age(status.uptimeMs), `since ${format.date(status.startedAt)}`)
  )
}
