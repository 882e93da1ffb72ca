/**
 * The decisions of the pair protocol: which end becomes the connection, which is held, challenged, answered, rejected
 * (docs/PROTOCOL.md section 4; L1–L6 and H1–H4 name its rules).
 */
import * as DisconnectReason from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import type { Rules } from "./PairRules.ts"
import type { End } from "./PairState.ts"
import * as PairWork from "./PairWork.ts"
import type { Work } from "./PairWork.ts"

const newest = (ends: ReadonlyArray<End>): End | undefined => ends.at(-1)

/**
 * An end becomes the connection, so our own other attempts are pointless (L1, H2). Ends held for another end are rejected: if they were
 * held for this one too, their wait would have no bound (docs/decisions/0041).
 */
const clearWayFor = (work: Work, winner: End): void => {
  for (const end of work.ends) {
    if (end.id === winner.id) continue
    if (end.dir === "in" && !PairWork.isHeld(end)) continue
    PairWork.decide(work, "clear-way", end, winner)
    PairWork.reject(work, end, "duplicate")
  }
}

/** L: this socket is the connection. */
const commit = (work: Work, end: End): void => {
  PairWork.decide(work, "commit", end)
  clearWayFor(work, end)
  work.actions.push({ _tag: "SendCommit", end: end.id })
  PairWork.advance(work, end, { phase: "committing" })
}

/** H: the peer's Commit on this socket is accepted. `Ack` is sent before anything the application sends on `Up`. */
const accept = (work: Work, end: End): void => {
  PairWork.decide(work, "accept", end)
  clearWayFor(work, end)
  work.actions.push({ _tag: "SendAck", end: end.id })
  PairWork.goUp(work, end)
}

/** Tells a challenger that the incumbent is alive, and why that rules the challenger out. */
const refuse = (work: Work, incumbent: End, end: End): void => {
  if (end.self !== incumbent.self) {
    if (incumbent.self !== undefined) work.actions.push({ _tag: "Aliased", end: end.id, self: incumbent.self })
    PairWork.reject(work, end, "alias", incumbent.self)
  } else {
    PairWork.reject(work, end, end.tag === incumbent.tag ? "duplicate" : "in-use")
  }
}

/** The incumbent answered, by Pong, `Ack` or any late byte: every end held for it is rejected (L3, H2). */
export const answered = (work: Work, incumbent: End): void => {
  if (work.probe !== undefined) PairWork.decide(work, "answered", incumbent)
  PairWork.dropProbe(work)
  for (const end of work.ends) {
    if (!PairWork.isHeld(end)) continue
    PairWork.decide(work, "refuse", end, incumbent)
    refuse(work, incumbent, end)
  }
}

/** A candidate arrives for which we are L (L1, L2). `settle` commits or challenges afterwards. */
export const candidate = (work: Work, rules: Rules, end: End): void => {
  const incumbent = PairWork.incumbent(work.ends)
  if (incumbent !== undefined && ruledOut(work, rules, incumbent, end)) return
  const older = work.ends.find((other) => other.id !== end.id && other.phase === "candidate" && other.role === "lower")
  if (older !== undefined) {
    const [kept, gone] = rules.keep === "newest" ? [end, older] : [older, end]
    PairWork.decide(work, incumbent === undefined ? "keep-dial" : "keep-challenger", gone, kept, {
      name: "keep",
      rules
    })
    PairWork.reject(work, gone, "duplicate")
  }
  // An end that becomes the connection clears our own dials away: none is left beside an incumbent.
  if (!work.grace && work.ends.some(PairWork.isOwnDial)) {
    PairWork.decide(work, "hold-for-own-dial", end, work.ends.find(PairWork.isOwnDial))
    work.grace = true
    PairWork.arm(work, "grace", 0, Limits.graceMs)
  } else if (incumbent !== undefined && PairWork.find(work.ends, end.id) !== undefined) {
    PairWork.decide(work, "hold-challenger", end, incumbent)
    if (work.spacing && work.probe === undefined) PairWork.decide(work, "challenge-later", end, incumbent)
  }
}

/** Whether a candidate beside an incumbent is settled at once (refused, or the winner) instead of being held as its challenger. */
const ruledOut = (work: Work, rules: Rules, incumbent: End, end: End): boolean => {
  if (PairWork.cameAgain(incumbent, end)) {
    PairWork.decide(work, "refuse-known-process", end, incumbent)
  } else if (rules.older === "refuse" && PairWork.isOutdated(incumbent, end)) {
    PairWork.decide(work, "refuse-older", end, incumbent, { name: "older", rules })
  } else if (rules.conflict === "refuse") {
    PairWork.decide(work, "refuse-conflict", end, incumbent, { name: "conflict", rules })
  } else if (rules.early === "reject" && work.spacing) {
    PairWork.decide(work, "refuse-conflict", end, incumbent, { name: "early", rules })
  } else if (rules.conflict === "replace") {
    PairWork.decide(work, "commit-blindly", incumbent, end, { name: "conflict", rules })
    PairWork.close(work, incumbent, DisconnectReason.local("replaced"))
    // `settle` commits it: under this rule no other end is held beside a connection.
    return true
  } else {
    return false
  }
  refuse(work, incumbent, end)
  return true
}

/** A Commit arrives at an H that is waiting for one (H2). */
export const commitReceived = (work: Work, rules: Rules, end: End): void => {
  const incumbent = PairWork.incumbent(work.ends)
  if (incumbent === undefined) return accept(work, end)
  if (PairWork.cameAgain(incumbent, end)) {
    PairWork.decide(work, "refuse-known-process", end, incumbent)
    return refuse(work, incumbent, end)
  }
  if (rules.older === "refuse" && PairWork.isOutdated(incumbent, end)) {
    PairWork.decide(work, "refuse-older", end, incumbent, { name: "older", rules })
    return refuse(work, incumbent, end)
  }
  const same = PairWork.sameProcess(incumbent, end)
  if (same && rules.chooser === "higher") {
    PairWork.decide(work, "keep-incumbent", end, incumbent, { name: "chooser", rules })
    return PairWork.reject(work, end, "duplicate")
  }
  if (same || rules.foreignCommit === "obey") {
    const choice = { name: same ? "chooser" : "foreignCommit", rules } as const
    PairWork.decide(work, same ? "replace-older" : "obey-stranger", incumbent, end, choice)
    PairWork.close(work, incumbent, DisconnectReason.local("replaced"))
    return accept(work, end)
  }
  // The incumbent's own commit timeout is no shorter than the peer's, so a Commit cannot be held for it.
  if (incumbent.phase === "committing") {
    PairWork.decide(work, "refuse-crossed", end, incumbent)
    return PairWork.reject(work, end, end.tag === incumbent.tag ? "duplicate" : "in-use")
  }
  const held = work.ends.find((other) => other.commitHeld)
  if (held !== undefined) {
    const isLate = rules.older === "refuse" && PairWork.isOlder(end, held)
    const [gone, kept] = isLate ? [end, held] : [held, end]
    PairWork.decide(work, "keep-commit", gone, kept, { name: "older", rules })
    PairWork.reject(work, gone, "duplicate")
    if (isLate) return
  }
  PairWork.decide(work, "hold-commit", end, incumbent)
  PairWork.advance(work, end, { commitHeld: true })
}

/**
 * The end that succeeds when there is no incumbent: the newest held one, unless L's own dial may still arrive. (No Commit is held then:
 * Commits are held only beside an incumbent, and grace ends where there is one.)
 */
const successor = (work: Work): End | undefined =>
  work.grace && work.ends.some(PairWork.isOwnDial) ? undefined : newest(work.ends.filter(PairWork.isHeld))

/**
 * Settles the state after an event: fills the incumbent's place, starts or ends a challenge, and keeps the redial timer running exactly
 * while only a dial can help (L4, L6, H4).
 */
export const settle = (work: Work): void => {
  if (PairWork.incumbent(work.ends) === undefined) {
    const next = successor(work)
    if (next !== undefined) (next.commitHeld ? accept : commit)(work, next)
  }
  const incumbent = PairWork.incumbent(work.ends)
  const held = work.ends.filter(PairWork.isHeld)
  if (incumbent === undefined || held.length === 0) {
    PairWork.dropProbe(work)
  } else if (incumbent.phase === "up") {
    const urgent = held.some((end) => end.commitHeld)
    // A slow challenge restarts for a Commit, unless it ends within `holdHigherMs` anyway.
    const slow = work.probe !== undefined && !work.probe.urgent && work.probe.phase !== "late"
    if (work.probe === undefined ? urgent || !work.spacing : urgent && slow) PairWork.challenge(work, incumbent, urgent)
  }
  // An end that becomes the connection leaves none held.
  if (work.grace && held.length === 0) {
    work.grace = false
    PairWork.disarm(work, "grace", 0)
  }
  redial(work)
}

const redial = (work: Work): void => {
  const due = work.ends.length === 0 && work.dialable && !work.barred
  if (due && !work.redial) {
    PairWork.decideOfPair(work, "wait-to-dial")
    PairWork.arm(work, "redial", 0, work.delayMs ?? rankDelayMs(work))
  } else if (!due && work.redial) {
    PairWork.disarm(work, "redial", 0)
  }
  work.redial = due
}

/** ms. L dials as soon as `Backoff` allows. H, or a node of unknown rank, gives L time to dial first. */
const rankDelayMs = ({ draw, rank }: Work): number =>
  rank === "lower" ? draw.backoffMs : Math.max(draw.fallbackMs, draw.backoffMs)

/** Makes room for a fifth end: closes the oldest without a Hello, inbound ones first; otherwise the candidate that has waited longest. */
export const makeRoom = (work: Work): void => {
  const victim = work.ends.find((end) => end.phase === "hello" && end.dir === "in") ??
    work.ends.find(PairWork.isOwnDial) ??
    work.ends.find((end) => end.phase === "candidate" && !end.commitHeld)
  if (victim === undefined) return
  PairWork.decide(work, "make-room", victim)
  PairWork.reject(work, victim, "duplicate")
}
