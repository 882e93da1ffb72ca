/**
 * What happened in one pair, step by step, and whether this version of the rules decides the same: a step of the pair machine is a pure
 * function, so a kept step can be taken again. `PairTraceFile` is its JSON; `PairStory` tells it.
 *
 * **Units**: `at` is wall time, ms. **Ordering**: as it happened.
 */
import { Equal } from "effect"
import type { PeerIp } from "../peer/PeerIp.ts"
import * as TieBreak from "../peer/TieBreak.ts"
import * as Pair from "./Pair.ts"
import type { Decision } from "./PairDecision.ts"
import type { Draw, PairAction, PairEvent, PairState } from "./PairState.ts"

/** One step, with all that the machine saw. */
export interface Step {
  readonly at: number
  readonly before: PairState
  readonly event: PairEvent
  readonly draw: Draw
  readonly actions: ReadonlyArray<PairAction>
  readonly after: PairState
  /** In order, by the rules of the node that took the step. */
  readonly decisions: ReadonlyArray<Decision>
}

/** The steps that a node has kept of one pair. */
export interface PairTrace {
  /** The peer. */
  readonly ip: PeerIp
  readonly network: string
  /** Of the node that kept it. */
  readonly software: string
  /** Number of its rules, docs/PROTOCOL.md section 4. */
  readonly rule: number
  /** When it was read. */
  readonly at: number
  /** Steps before the first that are not kept any more. */
  readonly earlier: number
  readonly steps: ReadonlyArray<Step>
}

/** What a step came to. */
export interface Outcome {
  readonly after: PairState
  readonly actions: ReadonlyArray<PairAction>
  readonly decisions: ReadonlyArray<Decision>
}

/** A step that the given rules take in another way, or whose input they would not have given. */
export interface Difference {
  /** Index into `PairTrace.steps`. */
  readonly index: number
  readonly now: Outcome
  /** What was wrong with the event itself, for a person; absent: the decision differs. */
  readonly input: string | undefined
}

/** Takes one step, and keeps the decisions. */
export const take = (step: Pair.Step, before: PairState, event: PairEvent, draw: Draw): Outcome => {
  const decisions: Array<Decision> = []
  const [after, actions] = step(before, event, draw, (decision) => decisions.push(decision))
  return { after, actions, decisions }
}

/**
 * The steps that `step` takes otherwise than they were taken. Each is judged from the state that was kept before it: after a difference the
 * later events would be those of another history.
 */
export const replay = (trace: PairTrace, step: Pair.Step = Pair.step): ReadonlyArray<Difference> =>
  trace.steps.flatMap((kept, index): ReadonlyArray<Difference> => {
    const now = take(step, kept.before, kept.event, kept.draw)
    const input = faultOf(kept, trace.ip)
    return input === undefined && isSame(kept, now) ? [] : [{ index, now, input }]
  })

/** The decisions' words and rules may change between versions: what counts is what is done. */
const isSame = (kept: Outcome, now: Outcome): boolean =>
  Equal.equals([kept.after, kept.actions], [now.after, now.actions])

/** What this version would not have told the machine. */
const faultOf = ({ before, event }: Step, ip: PeerIp): string | undefined => {
  if (event._tag === "Accepted" && before.ends.some(({ id }) => id >= event.end)) {
    return `end #${event.end} is new, but an end with that number or a greater one is there already`
  }
  if (event._tag !== "Welcomed") return undefined
  const rank = TieBreak.rank(event.self, ip)
  return rank === event.role
    ? undefined
    : `${event.self} is the ${rank} of the two addresses, but the node took itself for the ${event.role}`
}
