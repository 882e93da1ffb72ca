/** The mesh as this node knows it: its own connections with who dialled, addresses that it is not connected to, and aliases. */
/** @import { Peer, State, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as bounds from "../model/bounds.js"
import * as format from "../model/format.js"

const [width, height] = [640, 380]
const [centreX, centreY] = [width / 2, height / 2]
/** Dots outside the ring of peers, at most: more say nothing. */
const mostApart = 60
/** Peers with a label each. */
const mostLabels = 28

/** @typedef {{ readonly x: number, readonly y: number }} Point */

/** @type {(i: number, all: number, radius: number) => Point} */
const on = (i, all, radius) => {
  const angle = i / Math.max(1, all) * 2 * Math.PI - Math.PI / 2
  return { x: centreX + Math.cos(angle) * radius * 1.6, y: centreY + Math.sin(angle) * radius }
}

/** @type {(value: number) => number} */
const round = (value) => Math.round(value * 10) / 10

/**
 * From one point towards another, short of both dots.
 * @type {(a: Point, b: Point, attrs: Readonly<Record<string, string | number>>) => VNode}
 */
const line = (a, b, attrs) => {
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1
  const [dx, dy] = [(b.x - a.x) / length, (b.y - a.y) / length]
  return h("line", {
    ...attrs,
    x1: round(a.x + dx * 14),
    y1: round(a.y + dy * 14),
    x2: round(b.x - dx * 12),
    y2: round(b.y - dy * 12)
  })
}

/** @type {(peer: Peer) => string} */
const levelOf = ({ connection, situation }) =>
  connection === undefined ? "idle" : situation === "connected" ? "good" : "wait"

/** @type {(peer: Peer) => string} */
const titleOf = ({ aliasOf, cause, connection, ip }) =>
  aliasOf !== undefined
    ? `${ip}: another address of ${aliasOf}`
    : connection === undefined
    ? `${ip}: not connected: ${cause ?? ""}`
    : `${ip}: connected; ${connection.direction === "outbound" ? "this node dialled" : "it dialled"}`

/**
 * What of the peers the picture shows, as one text: the rest of an answer changes every time.
 * @type {(state: State) => string}
 */
export const shape = ({ peers }) =>
  (peers?.peers ?? []).map((peer) => [titleOf(peer), peer.connection?.direction, levelOf(peer)].join()).join("\n")

/** @type {(state: State) => VNode} */
export const view = (state) => {
  const { masternodes, peers, status } = state
  const all = format.byIp(peers?.peers ?? [])
  const connected = all.filter(({ connection }) => connection !== undefined)
  const apart = all.filter(({ connection }) => connection === undefined)
  const shown = apart.slice(0, mostApart)
  const nodes = new Set((masternodes?.masternodes ?? []).map(({ ip }) => ip))
  const centre = { x: centreX, y: centreY }
  /** @type {Map<string, Point>} */
  const places = new Map()
  const outward = connected.filter(({ connection }) => connection?.direction === "outbound")
  const inward = connected.filter(({ connection }) => connection?.direction === "inbound")
  const isDense = connected.length > bounds.lines
  if (isDense) {
    outward.forEach(({ ip }, i) => places.set(ip, on(i, outward.length, 96)))
    inward.forEach(({ ip }, i) => places.set(ip, on(i, inward.length, 134)))
  } else connected.forEach(({ ip }, i) => places.set(ip, on(i, connected.length, 118)))
  shown.forEach(({ ip }, i) => places.set(ip, on(i + 0.5, shown.length, 172)))
  /** @type {(peer: Peer) => VNode | undefined} */
  const dot = (peer) => {
    const at = places.get(peer.ip)
    if (at === undefined) return undefined
    const isConnected = peer.connection !== undefined
    const [cx, cy] = [round(at.x), round(at.y)]
    // One element each: of a thousand peers a browser draws no more within a frame.
    if (isDense && isConnected) {
      return h("circle", {
        key: peer.ip,
        class: nodes.has(peer.ip) ? "dot ringed" : "dot",
        "data-level": levelOf(peer),
        "data-do": "select",
        "data-arg": peer.ip,
        cx,
        cy,
        r: 3
      })
    }
    return h(
      "g",
      { key: peer.ip, class: "dot", "data-level": levelOf(peer), "data-do": "select", "data-arg": peer.ip },
      h("title", {}, titleOf(peer)),
      nodes.has(peer.ip) ? h("circle", { class: "ring", cx, cy, r: 9 }) : undefined,
      h("circle", { cx, cy, r: isConnected ? 6 : 4 }),
      isConnected && connected.length <= mostLabels
        ? h("text", { x: cx, y: round(at.y + (at.y < centreY ? -13 : 22)), "text-anchor": "middle" }, peer.ip)
        : undefined
    )
  }
  const summary =
    `This node in the middle, ${
      format.many(connected.length, "peer")
    } around it: ${outward.length} dialled by this node, ` +
    `${inward.length} that dialled it; ${
      format.many(apart.length, "address")
        .replace("addresss", "addresses")
    } not connected`
  return h(
    "section",
    { class: "card", key: "mesh", "aria-labelledby": "mesh-title" },
    h("h2", { id: "mesh-title" }, "Mesh"),
    h(
      "svg",
      { class: "mesh", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary, id: "mesh" },
      h(
        "defs",
        {},
        h(
          "marker",
          { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
          h("path", { d: "M0 0 L8 4 L0 8 z" })
        )
      ),
      h(
        "g",
        { class: "links" },
        connected.flatMap((peer) => {
          const at = places.get(peer.ip)
          if (at === undefined || isDense) return []
          const [from, to] = peer.connection?.direction === "outbound" ? [centre, at] : [at, centre]
          return [
            line(from, to, { key: peer.ip, class: "edge", "data-level": levelOf(peer), "marker-end": "url(#arrow)" })
          ]
        }),
        shown.flatMap(({ aliasOf, ip }) => {
          const [from, to] = [places.get(ip), aliasOf === undefined ? undefined : places.get(aliasOf)]
          return from === undefined || to === undefined ? [] : [line(from, to, { key: `alias-${ip}`, class: "alias" })]
        })
      ),
      h("g", { class: "dots" }, [...connected, ...shown].map(dot)),
      h("circle", { class: "self", cx: centreX, cy: centreY, r: 9 }),
      h(
        "text",
        { class: "self-label", x: centreX, y: centreY + 26, "text-anchor": "middle" },
        status?.own?.ip ?? "this node"
      )
    ),
    h(
      "p",
      { class: "muted" },
      `${
        isDense
          ? "Each dot is a peer: on the inner ring those that this node dialled, on the outer those that dialled it."
          : "Arrows point away from the node that dialled."
      } A ring marks a masternode, a dashed line one process at two addresses${
        apart.length > shown.length ? `; ${apart.length - shown.length} more addresses are not drawn` : ""
      }. Connections between peers are not known to a node.`
    )
  )
}
