/**
 * Reconstructs what happened in a testnet, from the logs of all nodes and the kills. Pure.
 *
 * A pair is connected while both ends have the same socket up. A killed process takes its connections with it
 * silently; what the other ends then log about exactly those connections is attributed to the kill.
 */
import * as Limits from "../domain/Limits.ts"
import * as PairAgreement from "../domain/pair/PairAgreement.ts"
import type { Cut, Kill, NodeEvents } from "./Facts.ts"
import type { LogEvent } from "./LogEvents.ts"

export interface UnexpectedDown {
  readonly at: number
  readonly node: string
  readonly peer: string
  readonly reason: string
}

export interface History {
  /** ms from the last node listening until every pair was connected; `undefined`: never. */
  readonly settledMs: number | undefined
  /** Dials by all nodes until then (or until the end). */
  readonly dialsUntilSettled: number
  /** Ups of a peer that was already up at that node. */
  readonly doubleUps: number
  readonly unexpectedDowns: ReadonlyArray<UnexpectedDown>
  /** Per kill: ms from the respawn until every pair was connected again; `undefined`: never. */
  readonly recoveriesMs: ReadonlyArray<number | undefined>
  /** ms from the end of the partition until every pair was connected again; `undefined`: never, or there was no partition. */
  readonly reconnectedMs: number | undefined
  /** Round trips measured by pongs, ms, ascending. */
  readonly rttMs: ReadonlyArray<number>
}

type Step =
  | { readonly at: number; readonly node: string; readonly event: LogEvent }
  | { readonly at: number; readonly died: string }

/** Whether a kill of `peer` lies within the life of the connection that went down. */
const killed = (kills: ReadonlyArray<Kill>, peer: string, upAt: number, downAt: number): boolean =>
  kills.some((kill) => kill.ip === peer && upAt <= kill.exitedAt && downAt >= kill.issuedAt)

/** Whether the two were on different sides of the cut when the connection went down. */
const wasCut = (cut: Cut | undefined, node: string, peer: string, at: number): boolean =>
  cut !== undefined && cut.left.includes(node) !== cut.left.includes(peer) && at >= cut.cutAt &&
  at <= (cut.healedAt ?? Number.POSITIVE_INFINITY) + Limits.testnetCutNoticeMs

/** `stoppedAt`: when the final stop began; later log lines do not count. */
export const replay = (
  nodes: ReadonlyArray<NodeEvents>,
  kills: ReadonlyArray<Kill>,
  stoppedAt: number,
  cut?: Cut
): History => {
  const steps: Array<Step> = nodes.flatMap(({ events, ip }) =>
    events.filter((event) => event.at < stoppedAt).map((event) => ({ at: event.at, node: ip, event }))
  )
  for (const kill of kills) steps.push({ at: kill.exitedAt, died: kill.ip })
  // Stable: keeps the order within a log, so that a node's final lines come before its death.
  steps.sort((a, b) => a.at - b.at)

  const up = new Map(nodes.map(({ ip }) => [ip, new Map<string, string>()] as const))
  const listed = [...up].map(([ip, sockets]) => ({ ip, sockets }))
  const complete = (): boolean => PairAgreement.disagreements(listed).length === 0
  /** Wall times at which the last missing pair got connected. */
  const completions: Array<number> = []
  const unexpectedDowns: Array<UnexpectedDown> = []
  let whole = false
  let doubleUps = 0

  const apply = (step: Step): boolean => {
    if ("died" in step) {
      up.get(step.died)?.clear()
      return true
    }
    const { event, node } = step
    const mine = up.get(node)
    if (event.event === "Up") {
      if (mine?.has(event.ip) === true) doubleUps += 1
      mine?.set(event.ip, event.socket)
      return true
    }
    if (event.event !== "Down") return false
    if (mine?.get(event.ip) === event.socket) mine.delete(event.ip)
    if (!killed(kills, event.ip, event.at - event.upMs, event.at) && !wasCut(cut, node, event.ip, event.at)) {
      const reason = `${event.reason.kind}, by ${event.reason.by}`
      unexpectedDowns.push({ at: event.at, node, peer: event.ip, reason })
    }
    return true
  }
  for (const step of steps) {
    if (!apply(step)) continue
    const now = complete()
    if (now && !whole) completions.push(step.at)
    whole = now
  }

  // A node's first Listening is its start; those of respawned processes come later.
  const starts = nodes.map(({ events }) => events.find((event) => event.event === "Listening")?.at)
  const started = starts.every((at) => at !== undefined) ? Math.max(...starts) : undefined
  const settledAt = started === undefined ? undefined : completions[0]
  const all = nodes.flatMap(({ events }) => events)
  const healedAt = cut?.healedAt
  const reconnectedAt = healedAt === undefined ? undefined : completions.find((at) => at >= healedAt)
  return {
    settledMs: settledAt === undefined || started === undefined ? undefined : settledAt - started,
    dialsUntilSettled: all.filter((event) => event.event === "Dialling" && event.at <= (settledAt ?? stoppedAt)).length,
    doubleUps,
    unexpectedDowns,
    recoveriesMs: kills.map((kill) => {
      const again = completions.find((at) => at >= kill.respawnedAt)
      return again === undefined ? undefined : again - kill.respawnedAt
    }),
    reconnectedMs: reconnectedAt === undefined || healedAt === undefined ? undefined : reconnectedAt - healedAt,
    rttMs: all.flatMap((event) => event.event === "PongReceived" && event.rttMs !== undefined ? [event.rttMs] : [])
      .toSorted((a, b) => a - b)
  }
}
