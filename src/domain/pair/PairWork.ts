/**
 * One step of the pair reducer in progress: a mutable copy of the state and the actions so far, never visible outside one call of
 * `Pair.step`. The operations here keep the invariants that every rule relies on. An end that leaves disarms its timers and emits Down if
 * it was up; a timer runs exactly when the state says so.
 */
import * as DisconnectReason from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import * as PairDecision from "./PairDecision.ts"
import type { Rules } from "./PairRules.ts"
import type { Draw, End, EndId, PairAction, PairState, Probe, Role, Timer } from "./PairState.ts"

export interface Work {
  ends: ReadonlyArray<End>
  probe: Probe | undefined
  spacing: boolean
  dialable: boolean
  redial: boolean
  grace: boolean
  rank: Role | undefined
  barred: boolean
  readonly draw: Draw
  readonly actions: Array<PairAction>
  /** ms. This event's delay for our next dial; `undefined`: the rank decides. */
  delayMs: number | undefined
  /** The timer that fired as this event: it needs no disarming. */
  readonly fired: Timer | undefined
  /** Receives the decisions; most steps run without it. */
  readonly note: PairDecision.Note | undefined
}

export const open = (
  state: PairState,
  draw: Draw,
  fired: Timer | undefined,
  note: PairDecision.Note | undefined
): Work => ({
  ends: state.ends,
  probe: state.probe,
  spacing: state.spacing,
  dialable: state.dialable,
  redial: state.redial,
  grace: state.grace,
  rank: state.rank,
  barred: state.barred,
  draw,
  actions: [],
  delayMs: undefined,
  fired,
  note
})

/** Records a decision on an end before acting on it. `other`: the end it was weighed against; `choice`: the value of the rules that decided. */
export const decide = (
  work: Work,
  code: PairDecision.Code,
  end: Pick<End, "id" | "role">,
  other?: End,
  choice?: { readonly name: keyof Rules; readonly rules: Rules }
): void => {
  if (work.note === undefined) return
  work.note({
    code,
    rule: PairDecision.ruleOf(code, end.role),
    end: end.id,
    other: other?.id,
    choice: choice === undefined ? undefined : { name: choice.name, value: choice.rules[choice.name] }
  })
}

/** As `decide`, for the pair rather than one of its ends. */
export const decideOfPair = (work: Work, code: PairDecision.Code): void =>
  decide(work, code, { id: 0, role: work.rank })

export const toState = (work: Work): PairState => ({
  ends: work.ends,
  probe: work.probe,
  spacing: work.spacing,
  dialable: work.dialable,
  redial: work.redial,
  grace: work.grace,
  rank: work.rank,
  barred: work.barred
})

// --- questions ------------------------------------------------------------------

export const find = (ends: ReadonlyArray<End>, id: EndId): End | undefined => ends.find((end) => end.id === id)

/** The end that counts as the connection: up, or on its way up by our Commit. At most one. */
export const incumbent = (ends: ReadonlyArray<End>): End | undefined =>
  ends.find((end) => end.phase === "up" || end.phase === "committing")

/** An end waiting for the verdict on the incumbent or, without an incumbent, for our own dial. */
export const isHeld = (end: End): boolean => end.phase === "candidate" && (end.role === "lower" || end.commitHeld)

/** Our own attempt, before the peer's Hello. */
export const isOwnDial = (end: End): boolean => end.dir === "out" && (end.phase === "dialing" || end.phase === "hello")

/** Whether two ends lead to the same process of the peer, if their tags can be compared. */
export const sameProcess = (a: End, b: End): boolean => a.self === b.self && a.tag === b.tag

/** Whether `end` is an older socket of the same process than `than`. False if that process does not number its sockets. */
export const isOlder = (end: End, than: End): boolean =>
  sameProcess(end, than) && end.order !== undefined && than.order !== undefined && end.order < than.order

/**
 * Whether a socket is outdated. Its process is up with us on a newer one, so it has given this one up: as L before it committed another, as
 * H when it sent its Ack (docs/decisions/0040).
 */
export const isOutdated = (incumbent: End, end: End): boolean => incumbent.phase === "up" && isOlder(end, incumbent)

/**
 * Whether, by its Hello, the incumbent's process reached another of our addresses. Then that process is alive and needs no challenge. (A
 * process that copies the id from behind the same address harms only itself.)
 */
export const cameAgain = (incumbent: End, end: End): boolean =>
  incumbent.phase === "up" && incumbent.self !== end.self && incumbent.process === end.process

// --- timers ---------------------------------------------------------------------

export const arm = (work: Work, kind: Timer["kind"], end: EndId, ms: number): void => {
  work.actions.push({ _tag: "Arm", timer: { kind, end }, ms })
}

export const disarm = (work: Work, kind: Timer["kind"], end: EndId): void => {
  if (work.fired?.kind === kind && work.fired.end === end) return
  work.actions.push({ _tag: "Disarm", timer: { kind, end } })
}

/** The end's own timer that runs in its phase. */
export const timerOf = (end: End): "hello" | "commit" | "wait" | undefined => {
  switch (end.phase) {
    case "hello":
      return "hello"
    case "committing":
      return "commit"
    case "candidate":
      return end.role === "higher" && !end.commitHeld ? "wait" : undefined
    default:
      return undefined
  }
}

const timerMs = { hello: Limits.helloMs, commit: Limits.commitMs, wait: Limits.waitMs }

// --- ends -----------------------------------------------------------------------

/** Appends a new end. Its id must be greater than all earlier ones, so that the order remains that of age. */
export const add = (work: Work, id: EndId, dir: End["dir"], phase: End["phase"]): void => {
  const end: End = {
    id,
    dir,
    phase,
    role: undefined,
    tag: undefined,
    process: undefined,
    self: undefined,
    order: undefined,
    commitHeld: false
  }
  work.ends = work.ends.concat(end)
  const timer = timerOf(end)
  if (timer !== undefined) arm(work, timer, id, timerMs[timer])
}

/** Replaces an end by its next version and ends its timer: every next version has another one, or none. */
export const advance = (work: Work, before: End, change: Partial<End>): End => {
  const after: End = { ...before, ...change }
  work.ends = work.ends.map((end) => end.id === after.id ? after : end)
  const from = timerOf(before)
  const to = timerOf(after)
  if (from !== undefined) disarm(work, from, after.id)
  if (to !== undefined) arm(work, to, after.id, timerMs[to])
  return after
}

/** Removes an end that is already closed from the state. */
export const remove = (work: Work, end: End, reason: DisconnectReason.DisconnectReason): void => {
  work.ends = work.ends.filter((other) => other.id !== end.id)
  const timer = timerOf(end)
  if (timer !== undefined) disarm(work, timer, end.id)
  if (end.phase === "up") work.actions.push({ _tag: "Down", end: end.id, reason })
  // A dial that ended before a Hello failed, including one accepted by a peer without our protocol.
  if (isOwnDial(end) && work.delayMs === undefined) work.delayMs = work.draw.backoffMs
}

/** Closes an end at once, without a Reject. */
export const close = (work: Work, end: End, reason: DisconnectReason.DisconnectReason): void => {
  work.actions.push({ _tag: "Close", end: end.id, reason, reject: undefined })
  remove(work, end, reason)
}

/** Closes an end with a `Reject`; an unconnected end is only aborted. */
export const reject = (
  work: Work,
  end: End,
  why: DisconnectReason.RejectReason,
  detail?: string
): void => {
  const reason = DisconnectReason.rejected(why, "local", detail)
  work.actions.push({ _tag: "Close", end: end.id, reason, reject: end.phase === "dialing" ? undefined : why })
  remove(work, end, reason)
}

export const goUp = (work: Work, end: End): void => {
  advance(work, end, { phase: "up", commitHeld: false })
  work.actions.push({ _tag: "Up", end: end.id })
  // The peer itself wants the connection here, so the alias that barred dialling is obsolete.
  work.barred = false
}

// --- challenge ------------------------------------------------------------------

/** ms. Time for a challenged end to answer. Short for a held Commit, so that our Ack arrives within the peer's `commitMs`. */
const probeMs = (urgent: boolean, rttMs: number | undefined): number => {
  const max = urgent ? Limits.probeHigherMaxMs : Limits.probeMaxMs
  return rttMs === undefined ? max : Math.min(max, Math.max(Limits.probeMinMs, 4 * rttMs))
}

/** Challenges the end that is up to show that it is alive. Replaces a running challenge. */
export const challenge = (work: Work, end: End, urgent: boolean): void => {
  decide(work, "challenge", end)
  const nonce = work.draw.nonce
  if (work.probe?.phase === "sent") disarm(work, "quiet", 0)
  work.probe = { end: end.id, nonce, phase: "queued", urgent }
  work.actions.push({ _tag: "SendPing", end: end.id, nonce })
  arm(work, "probe", 0, urgent ? Limits.probeHigherQueuedMs : Limits.probeQueuedMs)
  // A held Commit cannot wait for the spacing, and does not consume it: at most one such challenge runs at a time.
  if (urgent || work.spacing) return
  work.spacing = true
  arm(work, "spacing", 0, Limits.challengeSpacingMs)
}

/** The challenge's ping left our outbox, or had enough time to. */
export const probeSent = (work: Work, probe: Probe, rttMs: number | undefined): void => {
  work.probe = { ...probe, phase: "sent" }
  arm(work, "probe", 0, probeMs(probe.urgent, rttMs))
  arm(work, "quiet", 0, Limits.quietMs)
}

export const dropProbe = (work: Work): void => {
  if (work.probe === undefined) return
  disarm(work, "probe", 0)
  if (work.probe.phase === "sent") disarm(work, "quiet", 0)
  work.probe = undefined
}
