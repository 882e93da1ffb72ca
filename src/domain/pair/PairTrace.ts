/**
 * The history of one pair, step by step, and whether this version of the rules decides the same. A step of the pair machine is a pure
 * function, so a kept step can be replayed. `PairTraceFile` is its JSON; `PairStory` renders it as text.
 *
 * **Units**: `at` is wall time, ms. **Ordering**: as it happened.
 */
import { Equal } from "effect"
import type { PeerIp } from "../peer/PeerIp.ts"
import * as TieBreak from "../peer/TieBreak.ts"
import * as Pair from "./Pair.ts"
import type { Decision } from "./PairDecision.ts"
import type { Draw, PairAction, PairEvent, PairState } from "./PairState.ts"

/** One step, with all of the machine's input. */
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
  /** Version of its rules, docs/PROTOCOL.md section 4. */
  readonly rule: number
  /** When it was read. */
  readonly at: number
  /** Number of steps before the first kept one. */
  readonly earlier: number
  readonly steps: ReadonlyArray<Step>
}

/** The result of a step. */
export interface Outcome {
  readonly after: PairState
  readonly actions: ReadonlyArray<PairAction>
  readonly decisions: ReadonlyArray<Decision>
}

/** A step that the given rules decide differently, or whose input they would not have produced. */
export interface Difference {
  /** Index into `PairTrace.steps`. */
  readonly index: number
  readonly now: Outcome
  /** What was wrong with the event itself, in words; absent if the decision differs. */
  readonly input: string | undefined
}

/** Takes one step and records the decisions. */
export const take = (step: Pair.Step, before: PairState, event: PairEvent, draw: Draw): Outcome => {
  const decisions: Array<Decision> = []
  const [after, actions] = step(before, event, draw, (decision) => decisions.push(decision))
  return { after, actions, decisions }
}

/**
 * The steps that `step` decides differently. Each is judged from the state kept before it: after a difference, later events would belong to
 * another history.
 */
export const replay = (trace: PairTrace, step: Pair.Step = Pair.step): ReadonlyArray<Difference> =>
  trace.steps.flatMap((kept, index): ReadonlyArray<Difference> => {
    const now = take(step, kept.before, kept.event, kept.draw)
    const input = faultOf(kept, trace.ip)
    return input === undefined && isSame(kept, now) ? [] : [{ index, now, input }]
  })

/** The wording and rules of decisions may change between versions: only the actions count. */
const isSame = (kept: Outcome, now: Outcome): boolean =>
  Equal.equals([kept.after, kept.actions], [now.after, now.actions])

/** Input that this version would not have given the machine. */
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
