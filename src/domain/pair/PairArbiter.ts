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
 * An end becomes the connection: own attempts beside it are pointless (L1, H2). Ends that were held for another end are rejected:
 * held for this one too, their wait would have no bound (docs/decisions/0041).
 */
const clearWayFor = (work: Work, winner: End): void => {
  for (const end of work.ends) {
    if (end.id === winner.id) continue
    const attempt = end.dir === "out" && (PairWork.isOwnDial(end) || end.phase === "candidate")
    if (attempt || PairWork.isHeld(end)) PairWork.reject(work, end, "duplicate")
  }
}

/** L: this socket is the connection. */
const commit = (work: Work, end: End): void => {
  clearWayFor(work, end)
  work.actions.push({ _tag: "SendCommit", end: end.id })
  PairWork.advance(work, end, { phase: "committing" })
}

/** H: the peer's Commit on this socket stands. `Ack` goes before anything the application sends on `Up`. */
const accept = (work: Work, end: End): void => {
  clearWayFor(work, end)
  work.actions.push({ _tag: "SendAck", end: end.id })
  PairWork.goUp(work, end)
}

/** Tells a challenger that the incumbent lives, and why that rules it out. */
const refuse = (work: Work, incumbent: End, end: End): void => {
  if (end.self !== incumbent.self) {
    if (incumbent.self !== undefined) work.actions.push({ _tag: "Aliased", end: end.id, self: incumbent.self })
    PairWork.reject(work, end, "alias", incumbent.self)
  } else {
    PairWork.reject(work, end, end.tag === incumbent.tag ? "duplicate" : "in-use")
  }
}

/** The incumbent answered, by Pong, by `Ack` or by any late byte: every end that was held for it is rejected (L3, H2). */
export const answered = (work: Work, incumbent: End): void => {
  PairWork.dropProbe(work)
  for (const end of work.ends) {
    if (PairWork.isHeld(end)) refuse(work, incumbent, end)
  }
}

/** A candidate of which we are L arrives (L1, L2). `settle` commits or challenges afterwards. */
export const candidate = (work: Work, rules: Rules, end: End): void => {
  const incumbent = PairWork.incumbent(work.ends)
  if (incumbent !== undefined) {
    const refused = rules.conflict === "refuse" || (rules.early === "reject" && work.spacing)
    const pointless = rules.older === "refuse" && PairWork.isOutdated(incumbent, end)
    if (refused || pointless || PairWork.cameAgain(incumbent, end)) {
      return refuse(work, incumbent, end)
    }
    if (rules.conflict === "replace") {
      PairWork.close(work, incumbent, DisconnectReason.local("replaced"))
      return commit(work, end)
    }
  }
  const older = work.ends.find((other) => other.id !== end.id && other.phase === "candidate" && other.role === "lower")
  if (older !== undefined) PairWork.reject(work, rules.keep === "newest" ? older : end, "duplicate")
  if (incumbent === undefined && !work.grace && work.ends.some(PairWork.isOwnDial)) {
    work.grace = true
    PairWork.arm(work, "grace", 0, Limits.graceMs)
  }
}

/** A Commit arrives at an H that waits for one (H2). */
export const commitReceived = (work: Work, rules: Rules, end: End): void => {
  const incumbent = PairWork.incumbent(work.ends)
  if (incumbent === undefined) return accept(work, end)
  if (PairWork.cameAgain(incumbent, end)) return refuse(work, incumbent, end)
  if (rules.older === "refuse" && PairWork.isOutdated(incumbent, end)) return refuse(work, incumbent, end)
  const same = PairWork.sameProcess(incumbent, end)
  if (same && rules.chooser === "higher") return PairWork.reject(work, end, "duplicate")
  if (same || rules.foreignCommit === "obey") {
    PairWork.close(work, incumbent, DisconnectReason.local("replaced"))
    return accept(work, end)
  }
  // The incumbent has its own commit time, which is no shorter than the peer's: a Commit cannot be held for it.
  if (incumbent.phase === "committing") {
    return PairWork.reject(work, end, end.tag === incumbent.tag ? "duplicate" : "in-use")
  }
  const held = work.ends.find((other) => other.commitHeld)
  if (held !== undefined) {
    if (rules.older === "refuse" && PairWork.isOlder(end, held)) return PairWork.reject(work, end, "duplicate")
    PairWork.reject(work, held, "duplicate")
  }
  PairWork.advance(work, end, { commitHeld: true })
}

/** The end that follows when there is no incumbent: the newest held one, unless L's own dial may still arrive. */
const successor = (work: Work): End | undefined => {
  const held = work.ends.filter(PairWork.isHeld)
  return work.grace && work.ends.some(PairWork.isOwnDial) ? newest(held.filter((end) => end.commitHeld)) : newest(held)
}

/**
 * Brings the state to rest after an event: fills the place of the incumbent, starts or ends a challenge, and has the
 * redial timer running exactly when a dial is the only way on (L4, L6, H4).
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
    // A slow challenge starts anew for a Commit, unless it is over within `holdHigherMs` anyway.
    const slow = work.probe !== undefined && !work.probe.urgent && work.probe.phase !== "late"
    if (work.probe === undefined ? urgent || !work.spacing : urgent && slow) PairWork.challenge(work, incumbent, urgent)
  }
  if (work.grace && (incumbent !== undefined || held.length === 0)) {
    work.grace = false
    PairWork.disarm(work, "grace", 0)
  }
  redial(work)
}

const redial = (work: Work): void => {
  const due = work.ends.length === 0 && work.dialable && !work.barred
  if (due && !work.redial) {
    PairWork.arm(work, "redial", 0, work.delayMs ?? rankDelayMs(work))
  } else if (!due && work.redial) {
    PairWork.disarm(work, "redial", 0)
  }
  work.redial = due
}

/** ms. L dials as soon as `Backoff` allows; H, and a node of unknown rank, give L time to dial first. */
const rankDelayMs = ({ draw, rank }: Work): number =>
  rank === "lower" ? draw.backoffMs : Math.max(draw.fallbackMs, draw.backoffMs)

/** Makes room for a fifth end: closes the oldest without Hello, an accepted one first; else the longest waiting candidate. */
export const makeRoom = (work: Work): void => {
  const victim = work.ends.find((end) => end.phase === "hello" && end.dir === "in") ??
    work.ends.find(PairWork.isOwnDial) ??
    work.ends.find((end) => end.phase === "candidate" && !end.commitHeld)
  if (victim !== undefined) PairWork.reject(work, victim, "duplicate")
}
