/**
 * The pair protocol as a pure reducer: exactly one connection per pair of peers, on which both ends agree.
 *
 * `step(state, event, draw, note?) → [state, actions]`. Total: events for closed ends and stopped timers change nothing, so late callbacks
 * are harmless. Perform actions in order. An `Arm` of a running timer replaces it. `note` is called with each decision and its rule.
 * `Closed` and `DialFailed` report sockets that are already closed: no `Close` follows for that end. Vocabulary: PairState.ts; rules and
 * proof: docs/PROTOCOL.md, docs/model.md.
 */
import * as DisconnectReason from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import * as PairArbiter from "./PairArbiter.ts"
import type * as PairDecision from "./PairDecision.ts"
import * as PairRules from "./PairRules.ts"
import type { Draw, End, EndId, KnownEnd, PairAction, PairEvent, PairState, Phase, Timer } from "./PairState.ts"
import * as PairWork from "./PairWork.ts"
import type { Work } from "./PairWork.ts"

export type Step = (
  state: PairState,
  event: PairEvent,
  draw: Draw,
  note?: PairDecision.Note
) => readonly [PairState, ReadonlyArray<PairAction>]

/** The reducer under the given rules. Nodes use `step`; other rules are for the exhaustive search's mutations. */
export const make = (rules: PairRules.Rules): Step => (state, event, draw, note) => {
  const work = PairWork.open(state, draw, event._tag === "Fired" ? event.timer : undefined, note)
  if (!apply(work, rules, event)) return [state, none]
  PairArbiter.settle(work)
  return [PairWork.toState(work), work.actions]
}

export const step: Step = make(PairRules.production)

const none: ReadonlyArray<PairAction> = []

// --- questions ------------------------------------------------------------------

/** The end that the application sees as the connection. */
export const up = (state: PairState): End | undefined => state.ends.find((end) => end.phase === "up")

/** `undefined` if there is no such end, or it is closed. */
export const phaseOf = (state: PairState, end: EndId): Phase | undefined => PairWork.find(state.ends, end)?.phase

/** The end with the contents of the peer's Hello; `undefined` before that, and for a closed end. */
export const known = (state: PairState, end: EndId): KnownEnd | undefined => {
  const found = PairWork.find(state.ends, end)
  return found !== undefined && isKnown(found) ? found : undefined
}

const isKnown = (end: End): end is KnownEnd =>
  end.role !== undefined && end.tag !== undefined && end.process !== undefined && end.self !== undefined

/** The end for which received bytes must be posted as `Heard` before their frames: its challenge is in the late phase. */
export const listensTo = (state: PairState): EndId | undefined =>
  state.probe?.phase === "late" ? state.probe.end : undefined

// --- events ---------------------------------------------------------------------

/** False if the event changes nothing because its end is closed or its timer is not running. */
const apply = (work: Work, rules: PairRules.Rules, event: PairEvent): boolean => {
  switch (event._tag) {
    case "Learned":
      work.dialable = true
      work.rank = event.rank ?? work.rank
      return true
    case "Forgotten":
      work.dialable = false
      return true
    case "Freed":
      work.barred = false
      return true
    case "Accepted":
      if (PairWork.find(work.ends, event.end) !== undefined) return false
      if (work.ends.length >= Limits.endsPerPair) PairArbiter.makeRoom(work)
      PairWork.add(work, event.end, "in", "hello")
      work.actions.push({ _tag: "SendHello", end: event.end })
      return true
    case "Fired":
      return fired(work, event.timer)
    case "HandedOver":
      handedOver(work, event.end)
      return true
    case "Stopped":
      stopped(work, event)
      return true
    default: {
      const end = PairWork.find(work.ends, event.end)
      return end !== undefined && atEnd(work, rules, event, end)
    }
  }
}

type EndEvent = Exclude<
  PairEvent,
  { readonly _tag: "Learned" | "Forgotten" | "Freed" | "Accepted" | "Fired" | "HandedOver" | "Stopped" }
>

const atEnd = (work: Work, rules: PairRules.Rules, event: EndEvent, end: End): boolean => {
  switch (event._tag) {
    case "Connected":
      if (end.phase !== "dialing") return false
      PairWork.advance(work, end, { phase: "hello" })
      work.actions.push({ _tag: "SendHello", end: end.id })
      return true
    case "DialFailed":
      PairWork.remove(work, end, DisconnectReason.remote("dial-failed", event.detail))
      return true
    case "Welcomed": {
      if (end.phase !== "hello") return protocol(work, end, "second Hello")
      work.rank = event.role
      if (event.listens) work.dialable = true
      const known = PairWork.advance(work, end, {
        phase: "candidate",
        role: event.role,
        tag: event.tag,
        process: event.process,
        self: event.self,
        order: event.order
      })
      if (event.role === "lower") PairArbiter.candidate(work, rules, known)
      else PairWork.decide(work, "wait-for-commit", known)
      return true
    }
    case "Refused":
      work.delayMs = event.retryMs
      PairWork.decide(work, "reject-hello", end)
      PairWork.reject(work, end, event.reject, event.detail)
      return true
    case "CommitReceived":
      if (end.role !== "higher" || end.phase !== "candidate" || end.commitHeld) {
        return protocol(work, end, "unexpected Commit")
      }
      PairArbiter.commitReceived(work, rules, end)
      return true
    case "AckReceived":
      if (end.phase !== "committing") return protocol(work, end, "unexpected Ack")
      PairWork.decide(work, "acked", end)
      PairWork.goUp(work, end)
      PairArbiter.answered(work, end)
      return true
    case "RejectReceived":
      work.delayMs = event.retryMs
      if (event.reject === "alias") work.barred = true
      PairWork.decide(work, "told-to-close", end)
      PairWork.close(work, end, DisconnectReason.rejected(event.reject, "remote", event.detail))
      return true
    case "Merged":
      if (end.phase !== "up") return false
      work.barred = true
      PairWork.decide(work, "merge", end)
      PairWork.reject(work, end, "alias", event.detail)
      return true
    case "PongReceived":
      if (work.probe?.end !== end.id || work.probe.nonce !== event.nonce) return false
      PairArbiter.answered(work, end)
      return true
    case "Heard":
      if (work.probe?.end !== end.id || work.probe.phase !== "late") return false
      PairArbiter.answered(work, end)
      return true
    case "Flushed":
      if (work.probe?.end !== end.id || work.probe.nonce !== event.nonce || work.probe.phase !== "queued") return false
      PairWork.probeSent(work, work.probe, event.rttMs)
      return true
    case "Closed":
      PairWork.remove(work, end, event.reason)
      return true
  }
}

const protocol = (work: Work, end: End, detail: string): true => {
  PairWork.decide(work, "reject-frame", end)
  PairWork.reject(work, end, "protocol", detail)
  return true
}

const fired = (work: Work, timer: Timer): boolean => {
  switch (timer.kind) {
    case "redial":
      if (!work.redial) return false
      PairWork.decide(work, "dial", { id: work.draw.id, role: work.rank })
      PairWork.add(work, work.draw.id, "out", "dialing")
      work.actions.push({ _tag: "Dial", end: work.draw.id })
      return true
    case "grace":
      if (!work.grace) return false
      work.grace = false
      return true
    case "spacing":
      if (!work.spacing) return false
      work.spacing = false
      return true
    case "quiet":
      if (work.probe?.phase !== "sent") return false
      work.probe = { ...work.probe, phase: "late" }
      return true
    case "probe":
      return probeFired(work)
    case "hello":
    case "commit":
    case "wait":
      return endTimerFired(work, timer)
  }
}

const probeFired = (work: Work): boolean => {
  const { probe } = work
  if (probe === undefined) return false
  if (probe.phase === "queued") {
    PairWork.probeSent(work, probe, undefined)
    return true
  }
  const end = PairWork.find(work.ends, probe.end)
  if (end === undefined) return true
  PairWork.decide(work, "unanswered", end)
  PairWork.close(work, end, DisconnectReason.local("unanswered"))
  return true
}

const endTimerFired = (work: Work, timer: Timer): boolean => {
  const end = PairWork.find(work.ends, timer.end)
  if (end === undefined || PairWork.timerOf(end) !== timer.kind) return false
  const kind = timer.kind === "hello" ? "hello-timeout" : timer.kind === "commit" ? "no-ack" : "no-commit"
  PairWork.decide(work, kind === "hello-timeout" ? "no-hello" : kind, end)
  PairWork.close(work, end, DisconnectReason.local(kind))
  return true
}

const handedOver = (work: Work, taken: EndId | undefined): void => {
  work.dialable = false
  for (const end of work.ends) {
    if (end.id === taken) {
      PairWork.remove(work, end, DisconnectReason.local("replaced"))
      continue
    }
    PairWork.decide(work, "other-wire", end)
    PairWork.reject(work, end, "in-use", "this address is connected over the TIME wire")
  }
}

const stopped = (work: Work, event: Extract<PairEvent, { readonly _tag: "Stopped" }>): void => {
  for (const end of work.ends) {
    PairWork.decide(work, "stop", end)
    PairWork.reject(work, end, event.reject, event.detail)
  }
  if (work.spacing) {
    work.spacing = false
    PairWork.disarm(work, "spacing", 0)
  }
  if (event.retryMs === undefined) work.dialable = false
  else if (work.redial) {
    work.redial = false
    PairWork.disarm(work, "redial", 0)
  }
  work.delayMs = event.retryMs
}
