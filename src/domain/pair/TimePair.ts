/**
 * How one node holds one connection with one peer of the TIME network, whose daemon decides differently from ours (docs/TIME-NETWORK.md):
 * one slot per IP, silent refusals, and bans for peers that dial or announce too often.
 *
 * `step(state, event, now, jitter) → [state, actions]` is pure. Timers are the actions `Arm` and `Disarm` and the event `Fired`.
 *
 * **Who dials.** The higher IP, at once. The lower waits `Limits.timeFallbackMs`, as the daemon does. Neither dials beside a connection.
 *
 * **Which session counts.** The daemon's slot holds the latest: it dials only while the slot is empty, and our dial takes the slot once it
 * is through TLS, whatever the slot held. So each end has a place in that order: an inbound end from its accept, a dial from the end of
 * TLS. An end that comes up closes every earlier one, because the daemon keeps a session that lost the slot alive but unused. A dial that
 * held the slot and failed closes the earlier ones too, for the same reason.
 *
 * **Which session is used.** A daemon can forget the session in its slot: a dial of its own that fails later removes it from the registry.
 * Such a session still answers pings, but nothing is asked on it any more. A daemon asks every connection that it uses for the tip, at least
 * twice a minute. One that is not asked for `Limits.timeUnusedMs` is closed and dialled again; twice as long for each such end in a row, in case the
 * peer never asks.
 *
 * **Never banned.** Dials keep a minimum spacing. Dials that may count as violations have a budget, after which a quiet hour follows. An
 * announcement that the peer answers by closing counts against the same budget. An announcement goes out once per connection, a minute
 * after Up. By then, any session that the peer lost earlier, with whichever process of ours, is too old to count.
 */
import * as DisconnectReason from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import { type Action, type End, type EndId, type Event, type TimePairState, type Timer, up } from "./TimePairState.ts"

export type Step = (
  state: TimePairState,
  event: Event,
  now: number,
  /** 0…1. */
  jitter: number
) => readonly [TimePairState, ReadonlyArray<Action>]

/** Choices that may differ, so that the search can show what each rule is for. */
export interface Rules {
  /** What happens to earlier sessions when one comes up: the daemon keeps them alive. */
  readonly older: "close" | "keep"
  /** Which of two ready ends counts. */
  readonly counts: "slot" | "last"
  /** A failed dial that had the slot also closes the ends that had it earlier. */
  readonly failedTakesAlong: boolean
  /** What happens to our own dial when the peer's connection comes up meanwhile. */
  readonly otherDial: "finish" | "abort"
  readonly silenceEnds: boolean
  readonly lowerWaits: boolean
  readonly spacing: boolean
  readonly budget: boolean
  readonly announceLate: boolean
  /** A connection that ends right after an announcement may have been a violation. */
  readonly announceRisks: boolean
  /** A connection that the peer asks nothing on is closed. */
  readonly unusedEnds: boolean
}

export const production: Rules = {
  older: "close",
  counts: "slot",
  failedTakesAlong: true,
  otherDial: "finish",
  silenceEnds: true,
  lowerWaits: true,
  spacing: true,
  budget: true,
  announceLate: true,
  announceRisks: true,
  unusedEnds: true
}

interface Work {
  pair: TimePairState
  readonly rules: Rules
  readonly now: number
  readonly jitter: number
  readonly actions: Array<Action>
}

const dialTimer: Timer = { kind: "dial", end: 0 }
const announceTimer: Timer = { kind: "announce", end: 0 }
const unusedTimer: Timer = { kind: "unused", end: 0 }
const greetingTimer = (end: EndId): Timer => ({ kind: "greeting", end })

const find = (work: Work, id: EndId): End | undefined => work.pair.ends.find((end) => end.id === id)

const put = (work: Work, end: End): void => {
  const rest = work.pair.ends.filter(({ id }) => id !== end.id)
  work.pair = { ...work.pair, ends: [...rest, end].toSorted((a, b) => a.id - b.id) }
}

const nextOrder = (work: Work): number => {
  const orders = work.pair.orders + 1
  work.pair = { ...work.pair, orders }
  return orders
}

/** Removes the end from the state. Its timer ends, and Down is emitted if it was up. */
const drop = (work: Work, end: End, reason: DisconnectReason.DisconnectReason): void => {
  work.pair = { ...work.pair, ends: work.pair.ends.filter(({ id }) => id !== end.id) }
  if (end.phase === "greeting") work.actions.push({ _tag: "Disarm", timer: greetingTimer(end.id) })
  if (end.phase !== "up") return
  if (work.pair.announcing) work.actions.push({ _tag: "Disarm", timer: announceTimer })
  work.pair = { ...work.pair, announcing: false }
  if (work.rules.unusedEnds) work.actions.push({ _tag: "Disarm", timer: unusedTimer })
  work.actions.push({ _tag: "Down", end: end.id, reason })
}

const close = (work: Work, end: End, reason: DisconnectReason.DisconnectReason): void => {
  work.actions.push({ _tag: "Close", end: end.id, reason })
  drop(work, end, reason)
}

const evicted = DisconnectReason.local("evicted")
const silence = "the peer refuses by silence: it may have banned this address, or have no place"
const mute = DisconnectReason.local("no-ack", silence)
const replaced = DisconnectReason.local("replaced", "the peer uses a later connection")
const unused = DisconnectReason.local(
  "unused",
  "the peer answers pings but has stopped asking for our tip; dialling again"
)

const closeBefore = (work: Work, order: number): void => {
  for (const end of work.pair.ends) if (end.order > 0 && end.order < order) close(work, end, replaced)
}

const failed = (work: Work): void => {
  work.pair = { ...work.pair, failures: work.pair.failures + 1 }
}

const isForgiven = ({ now, pair }: Work): boolean => now - pair.lastRiskAt >= Limits.timeForgivenMs

/** A dial or an announcement ended in a way that the peer may count as a violation. */
const risked = (work: Work): void => {
  work.pair = { ...work.pair, risks: isForgiven(work) ? 1 : work.pair.risks + 1, lastRiskAt: work.now }
}

/** ms until the next dial may start. */
const waitMs = ({ jitter, now, pair, rules }: Work): number => {
  const spaced = rules.spacing
    ? pair.lastDialAt + Math.min(Limits.timeDialSpacingMs * 2 ** Math.max(0, pair.failures - 1), Limits.timeDialMostMs)
    : now
  const forgiven = rules.budget && pair.risks >= Limits.timeRisks ? pair.lastRiskAt + Limits.timeForgivenMs : now
  const turn = rules.lowerWaits && pair.rank === "lower" ? now + Limits.timeFallbackMs : now
  const least = Math.max(spaced, forgiven, turn, now) - now
  return least === 0 ? 0 : least + Math.floor(jitter * Limits.timeDialSpacingMs)
}

/** After every step: never dial beside an end, always dial without one. */
const settle = (work: Work, retryMs = 0): void => {
  const wanted = work.pair.dialable && work.pair.ends.length === 0
  if (wanted === work.pair.waiting) return
  work.pair = { ...work.pair, waiting: wanted }
  work.actions.push(
    wanted
      ? { _tag: "Arm", timer: dialTimer, ms: Math.max(retryMs, waitMs(work)) }
      : { _tag: "Disarm", timer: dialTimer }
  )
}

const announce = (work: Work, end: EndId): void => {
  if (work.rules.announceRisks && work.pair.risks >= Limits.timeRisks && !isForgiven(work)) return
  work.pair = { ...work.pair, lastAnnouncedAt: work.now }
  work.actions.push({ _tag: "Announce", end })
}

/** ms. How long the end that is up may go without a question. */
const unusedMs = ({ unused }: TimePairState): number =>
  Math.min(Limits.timeUnusedMs * 2 ** unused, Limits.timeUnusedMostMs)

/** The peer may have forgotten the end that is up. Returns the retry delay, ms: the peer has to notice the close first. */
const looked = (work: Work): number => {
  const end = up(work.pair)
  if (end === undefined) return 0
  const owedMs = work.pair.lastAskedAt + unusedMs(work.pair) - work.now
  if (owedMs > 0) {
    work.actions.push({ _tag: "Arm", timer: unusedTimer, ms: owedMs })
    return 0
  }
  work.pair = { ...work.pair, unused: work.pair.unused + 1 }
  close(work, end, unused)
  return Limits.timeDialSpacingMs
}

/** The peer has accepted this end. */
const ready = (work: Work, end: End): void => {
  const later = work.pair.ends.some(({ order, phase }) => phase === "up" && order > end.order)
  if (later && work.rules.counts === "slot") return close(work, end, replaced)
  work.actions.push({ _tag: "Disarm", timer: greetingTimer(end.id) })
  const before = work.rules.counts === "slot" ? end.order : Infinity
  if (work.rules.older === "close") {
    for (const other of work.pair.ends) {
      if (other.id !== end.id && other.order > 0 && other.order < before) close(work, other, replaced)
    }
  }
  if (work.rules.otherDial === "abort") {
    for (const other of work.pair.ends) {
      if (other.dir === "out" && other.id !== end.id) close(work, other, replaced)
    }
  }
  put(work, { ...end, phase: "up" })
  work.pair = { ...work.pair, failures: 0, lastAskedAt: work.now }
  if (end.dir === "in") work.actions.push({ _tag: "Greet", end: end.id })
  work.actions.push({ _tag: "Up", end: end.id })
  if (work.rules.unusedEnds) work.actions.push({ _tag: "Arm", timer: unusedTimer, ms: unusedMs(work.pair) })
  if (!work.pair.announces) return
  if (!work.rules.announceLate) return announce(work, end.id)
  work.pair = { ...work.pair, announcing: true }
  work.actions.push({ _tag: "Arm", timer: announceTimer, ms: Limits.timeAnnounceMs })
}

/** Further consequences of a closed end. */
const lost = (work: Work, end: End): void => {
  if (end.dir === "in" || end.phase === "up") return
  failed(work)
  if (end.order === 0) return
  risked(work)
  if (work.rules.failedTakesAlong) closeBefore(work, end.order)
}

const dial = (work: Work, id: EndId): void => {
  put(work, { id, dir: "out", phase: "dialing", order: 0 })
  work.pair = { ...work.pair, waiting: false, lastDialAt: work.now }
  work.actions.push({ _tag: "Dial", end: id })
}

/** Returns the retry delay, ms. */
const fired = (work: Work, timer: Timer, id: EndId): number => {
  switch (timer.kind) {
    case "dial":
      dial(work, id)
      return 0
    case "announce": {
      const end = up(work.pair)
      work.pair = { ...work.pair, announcing: false }
      if (end !== undefined) announce(work, end.id)
      return 0
    }
    case "unused":
      return looked(work)
    case "greeting": {
      const end = find(work, timer.end)
      if (end === undefined || !work.rules.silenceEnds) return 0
      close(work, end, end.dir === "out" ? mute : DisconnectReason.local("hello-timeout"))
      lost(work, end)
      return 0
    }
  }
}

const accepted = (work: Work, id: EndId): void => {
  if (work.pair.ends.length >= Limits.endsPerPair) {
    const oldest = work.pair.ends.find(({ dir, phase }) => dir === "in" && phase === "greeting")
    if (oldest !== undefined) close(work, oldest, evicted)
  }
  put(work, { id, dir: "in", phase: "greeting", order: nextOrder(work) })
  work.actions.push({ _tag: "Arm", timer: greetingTimer(id), ms: Limits.timeHandshakeMs })
}

/** A dial is through TLS. */
const connected = (work: Work, id: EndId): void => {
  put(work, { id, dir: "out", phase: "greeting", order: nextOrder(work) })
  work.actions.push(
    { _tag: "SendHandshake", end: id },
    { _tag: "Arm", timer: greetingTimer(id), ms: Limits.timeAckMs }
  )
}

const stopped = (work: Work, { reason, retryMs }: Extract<Event, { readonly _tag: "Stopped" }>): void => {
  if (retryMs === undefined) work.pair = { ...work.pair, dialable: false }
  for (const end of work.pair.ends) close(work, end, reason)
  // The running wait may be too short now.
  if (work.pair.waiting) work.actions.push({ _tag: "Disarm", timer: dialTimer })
  work.pair = { ...work.pair, waiting: false }
}

const unfit = (work: Work, end: End, detail: string): number => {
  close(work, end, DisconnectReason.local("rejected", detail))
  lost(work, end)
  return Limits.timeIncompatibleMs
}

/** Handles one event; returns the retry delay that it asks for, ms. */
const handle = (work: Work, event: Event): number => {
  const end = "end" in event ? find(work, event.end) : undefined
  switch (event._tag) {
    case "Learned":
      work.pair = { ...work.pair, dialable: true }
      return 0
    case "Adopted":
      work.pair = { ...work.pair, lastDialAt: work.now }
      connected(work, event.id)
      return 0
    case "Suspected":
      work.pair = { ...work.pair, lastDialAt: work.now }
      failed(work)
      risked(work)
      return 0
    case "Accepted":
      accepted(work, event.id)
      return 0
    case "Fired":
      return fired(work, event.timer, event.id)
    case "Stopped":
      stopped(work, event)
      return event.retryMs ?? 0
    case "Connected":
      if (end?.phase === "dialing") connected(work, end.id)
      return 0
    case "DialFailed":
      if (end?.phase !== "dialing") return 0
      drop(work, end, DisconnectReason.remote("dial-failed", event.detail))
      lost(work, end)
      if (event.reached) risked(work)
      return 0
    case "HandshakeReceived":
      if (end?.phase === "greeting" && end.dir === "in") ready(work, end)
      return 0
    case "AckReceived":
      if (end?.phase === "greeting" && end.dir === "out") ready(work, end)
      return 0
    case "Asked":
      if (end?.phase === "up") work.pair = { ...work.pair, lastAskedAt: work.now, unused: 0 }
      return 0
    case "Unfit":
      return end === undefined ? 0 : unfit(work, end, event.detail)
    case "Closed":
      if (end === undefined) return 0
      drop(work, end, event.reason)
      lost(work, end)
      if (end.phase === "up" && work.now - work.pair.lastAnnouncedAt < Limits.timeAnnounceMs) risked(work)
      return 0
  }
}

/** `step` under the given rules. */
export const make = (rules: Rules): Step => (pair, event, now, jitter) => {
  const work: Work = { pair, rules, now, jitter, actions: [] }
  settle(work, handle(work, event))
  return [work.pair, work.actions]
}

/** One event. Events for closed ends are ignored. */
export const step: Step = make(production)
