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
 * **Never banned.** Dials keep a minimum spacing. Dials that may count as violations have a budget, after which a quiet hour follows. An
 * announcement that the peer answers by closing counts against the same budget. An announcement goes out once per connection, a minute
 * after Up. By then, any session that the peer lost earlier, with whichever process of ours, is too old to count.
 */
import * as DisconnectReason from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"

/** Id of one end of one socket: ascending, unique for the life of the process. */
export type EndId = number

/** `dialing`: until the end of the TLS handshake. `greeting`: our Handshake was sent (dial), or the peer's has not arrived (inbound). */
export interface End {
  readonly id: EndId
  readonly dir: "out" | "in"
  readonly phase: "dialing" | "greeting" | "up"
  /** Place among the ends that had the daemon's slot: greater is later. 0: a dial that has not had it yet. */
  readonly order: number
}

/** `greeting` belongs to an end; the others exist once and carry `end` 0. */
export interface Timer {
  readonly kind: "greeting" | "dial" | "announce"
  readonly end: EndId
}

export interface TimePair {
  /** This node's IP compared with the peer's. */
  readonly rank: "lower" | "higher"
  /** At most `Limits.endsPerPair`. */
  readonly ends: ReadonlyArray<End>
  /** The last order assigned. */
  readonly orders: number
  /** The timer `dial` runs. */
  readonly waiting: boolean
  /** The timer `announce` runs. */
  readonly announcing: boolean
  /** Has something to announce because it is a masternode. */
  readonly announces: boolean
  /** An address is known, and the operator allows us to dial it. */
  readonly dialable: boolean
  /** Failed dials in a row. */
  readonly failures: number
  /** Dials since the last quiet hour that may have been violations. */
  readonly risks: number
  /** ms; −∞: never. */
  readonly lastDialAt: number
  readonly lastRiskAt: number
  readonly lastAnnouncedAt: number
}

export type Event =
  /** An address to dial became known, or may be dialled again. */
  | { readonly _tag: "Learned"; readonly id: EndId }
  /** Our dial, made before the peer's wire was known, is through TLS. `id` is new here. */
  | { readonly _tag: "Adopted"; readonly id: EndId }
  /** Such a dial broke off after TCP and before TLS was done: the peer may belong to this network, and have counted it. */
  | { readonly _tag: "Suspected" }
  /** A socket from the peer whose first bytes belong to this wire. `id` is new. */
  | { readonly _tag: "Accepted"; readonly id: EndId }
  /** Our dial is through TLS. */
  | { readonly _tag: "Connected"; readonly end: EndId }
  /** Our dial failed before TLS was done. `reached`: a TCP connection was open, so the peer noticed it. */
  | { readonly _tag: "DialFailed"; readonly end: EndId; readonly reached: boolean; readonly detail: string }
  /** The peer's Handshake arrived and is acceptable: network and version. */
  | { readonly _tag: "HandshakeReceived"; readonly end: EndId }
  | { readonly _tag: "AckReceived"; readonly end: EndId }
  /** The peer belongs to another network or version, or says that we do. */
  | { readonly _tag: "Unfit"; readonly end: EndId; readonly detail: string }
  /** The socket ended, or the session rejected it. */
  | { readonly _tag: "Closed"; readonly end: EndId; readonly reason: DisconnectReason.DisconnectReason }
  /** `id`: for an end that this may create. */
  | { readonly _tag: "Fired"; readonly timer: Timer; readonly id: EndId }
  /** Close everything, and do not dial for at least `retryMs`; `undefined`: until `Learned`. */
  | {
    readonly _tag: "Stopped"
    readonly reason: DisconnectReason.DisconnectReason
    readonly retryMs?: number | undefined
  }

export type Action =
  /** A TLS connection to the peer's address on the network's port. `end` is new. */
  | { readonly _tag: "Dial"; readonly end: EndId }
  /** Our Handshake, at once: the peer counts its absence. */
  | { readonly _tag: "SendHandshake"; readonly end: EndId }
  /** Ack and our own Handshake, in answer to the peer's. */
  | { readonly _tag: "Greet"; readonly end: EndId }
  | { readonly _tag: "Announce"; readonly end: EndId }
  | { readonly _tag: "Close"; readonly end: EndId; readonly reason: DisconnectReason.DisconnectReason }
  | { readonly _tag: "Up"; readonly end: EndId }
  | { readonly _tag: "Down"; readonly end: EndId; readonly reason: DisconnectReason.DisconnectReason }
  | { readonly _tag: "Arm"; readonly timer: Timer; readonly ms: number }
  | { readonly _tag: "Disarm"; readonly timer: Timer }

export type Step = (
  state: TimePair,
  event: Event,
  now: number,
  /** 0…1. */
  jitter: number
) => readonly [TimePair, ReadonlyArray<Action>]

export const empty = (rank: "lower" | "higher", announces: boolean): TimePair => ({
  rank,
  ends: [],
  orders: 0,
  waiting: false,
  announcing: false,
  announces,
  dialable: false,
  failures: 0,
  risks: 0,
  lastDialAt: -Infinity,
  lastRiskAt: -Infinity,
  lastAnnouncedAt: -Infinity
})

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
  announceRisks: true
}

interface Work {
  pair: TimePair
  readonly rules: Rules
  readonly now: number
  readonly jitter: number
  readonly actions: Array<Action>
}

const dialTimer: Timer = { kind: "dial", end: 0 }
const announceTimer: Timer = { kind: "announce", end: 0 }
const greetingTimer = (end: EndId): Timer => ({ kind: "greeting", end })

/** The end that is up: at most one. */
export const up = (state: TimePair): End | undefined => state.ends.find(({ phase }) => phase === "up")

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
  work.pair = { ...work.pair, failures: 0 }
  if (end.dir === "in") work.actions.push({ _tag: "Greet", end: end.id })
  work.actions.push({ _tag: "Up", end: end.id })
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

const fired = (work: Work, timer: Timer, id: EndId): void => {
  if (timer.kind === "dial") return dial(work, id)
  if (timer.kind === "announce") {
    const end = up(work.pair)
    work.pair = { ...work.pair, announcing: false }
    if (end !== undefined) announce(work, end.id)
    return
  }
  const end = find(work, timer.end)
  if (end === undefined || !work.rules.silenceEnds) return
  close(work, end, end.dir === "out" ? mute : DisconnectReason.local("hello-timeout"))
  lost(work, end)
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
      fired(work, event.timer, event.id)
      return 0
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
