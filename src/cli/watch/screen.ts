/** Renders `timemesh watch` for a screen of any size: verdict, sync, peers, events. Pure. */
import { DateTime } from "effect"
import * as SyncProgress from "../../layers/log/SyncProgress.ts"
import * as peerTable from "../peerTable.ts"
import { duration } from "../table.ts"
import { cut, hang, harmless } from "../terminalText.ts"
import type { Line, Model } from "./Model.ts"

/** Characters and lines that fit. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** `02:31:07`, UTC. */
const clock = (at: number): string => DateTime.formatIso(DateTime.makeUnsafe(at)).slice(11, 19)

/** The node's current verdict, or why it is unknown. `now`: monotonic time, ms. */
const verdict = ({ answer, answeredAt, problem }: Model, now: number): string => {
  if (problem !== undefined) {
    const since = answer === undefined ? "" : ` for ${duration(now - answeredAt)}`
    return `NO ANSWER${since}, trying again: ${harmless(problem)}`
  }
  if (answer === undefined) return "asking the node"
  return harmless(answer.status.verdict?.text ?? answer.status.state)
}

const node = ({ answer }: Model): string => {
  if (answer === undefined) return ""
  const { listen, network, pid, software, uptimeMs } = answer.status
  return harmless(
    `${software} on ${network} at ${listen}, process ${pid}, up for ${duration(uptimeMs)}, ${
      clock(answer.peers.at)
    } UTC`
  )
}

const bar = (part: number): string => {
  const cells = 20
  const done = Math.floor(Math.min(1, Math.max(0, part)) * cells)
  return `[${"#".repeat(done)}${".".repeat(cells - done)}]`
}

const sync = ({ answer, pace }: Model): string => {
  const chain = answer?.status.chain
  if (chain === undefined) return answer === undefined ? "" : "no chain"
  const perSecond = SyncProgress.rate(pace)
  const sources = chain.peers.filter(({ use }) => use.startsWith("sending")).length
  return harmless([
    chain.synced || chain.headers <= chain.height ? chain.line : `${bar(chain.height / chain.headers)} ${chain.line}`,
    ...(chain.synced ? [] : [
      ...(perSecond > 0 ? [`${perSecond.toFixed(perSecond < 10 ? 1 : 0)} blocks/s`] : []),
      `${sources} ${sources === 1 ? "source" : "sources"}`,
      `${chain.waiting.blocks} blocks waiting`
    ]),
    ...(chain.reorgs === 0 ? [] : [`${chain.reorgs} ${chain.reorgs === 1 ? "reorg" : "reorgs"}`])
  ].join(", "))
}

const eventLine = ({ at, text }: Line): string => `${clock(at)}  ${harmless(text)}`

/** The latest events with a heading, in at most `most` lines. */
const eventLines = ({ events }: Model, most: number): ReadonlyArray<string> => {
  if (most < 2) return []
  const shown = events.slice(-(most - 1)).map(eventLine)
  return ["EVENTS", ...(shown.length === 0 ? ["none yet"] : shown)]
}

/** Lines of the verdict: all of it if there is room, otherwise one. */
const verdictLines = (text: string, width: number, rows: number): ReadonlyArray<string> =>
  rows < 12 ? [text] : hang(text, width).split("\n").slice(0, 3)

/**
 * The screen: never more lines than rows, and none as wide as the terminal (on some, a full line starts the next one). As the screen gets
 * smaller, parts are left out: events first, then peers, the node, sync; never the verdict, which is the first line.
 */
export const render = (model: Model, { columns, rows }: Size, now: number): ReadonlyArray<string> => {
  const width = Math.max(1, columns - 1)
  const head = [
    ...verdictLines(verdict(model, now), width, rows),
    ...(rows < 2 ? [] : [sync(model)]),
    ...(rows < 3 ? [] : [node(model)])
  ].filter((line) => line !== "")
  const room = rows - head.length
  const gap = room >= 8 ? [""] : []
  const forEvents = room < 6 ? 0 : Math.min(model.events.length + 1, Math.max(3, Math.floor(room / 3)))
  const forPeers = room - gap.length - (forEvents === 0 ? 0 : forEvents + gap.length)
  const peers = model.answer === undefined || forPeers < 2
    ? []
    : model.answer.peers.peers.length === 0
    ? ["no peers known"]
    : peerTable.lines(model.answer.peers, width, forPeers)
  const left = room - peers.length - gap.length * 2
  return [
    ...head,
    ...(peers.length === 0 ? [] : gap),
    ...peers,
    ...(forEvents === 0 || left < 2 ? [] : [...gap, ...eventLines(model, left)])
  ].slice(0, Math.max(1, rows)).map((line) => cut(line, width))
}

/** A snapshot with its time, and the events that follow those in `after`: output without a terminal, or at most `width` wide. */
export const snapshot = (model: Model, after: ReadonlyArray<Line>, now: number, width?: number): string => {
  const fresh = model.events.slice(model.events.findLastIndex((line) => line === after.at(-1)) + 1)
  return [
    ...[verdict(model, now), sync(model), node(model)].map((line) => hang(line, width)),
    ...(model.answer === undefined || model.answer.peers.peers.length === 0
      ? []
      : peerTable.lines(model.answer.peers, width)),
    ...fresh.map((event) => hang(eventLine(event), width)),
    ""
  ].filter((line, i, all) => line !== "" || i === all.length - 1).join("\n")
}
