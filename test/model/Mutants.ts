/** Wrong rules. The search must refute each with a trace, or it proves nothing about the right ones. */
import * as Pair from "../../src/domain/pair/Pair.ts"
import type { Rules } from "../../src/domain/pair/PairRules.ts"
import { production } from "../../src/domain/pair/PairRules.ts"
import type { End, PairEvent, PairState } from "../../src/domain/pair/PairState.ts"
import { alias, behindLower, seven, twice } from "./Cases.ts"
import type { Options } from "./Cases.ts"
import type { Property, Result, Violation } from "./Search.ts"
import { search } from "./Search.ts"
import { trace } from "./Trace.ts"
import type { Setting } from "./World.ts"

type Build = (options: Options) => Setting

export interface Mutant {
  readonly name: string
  readonly step: Pair.Step
  /** The property that its shortest trace violates. */
  readonly breaks: Property
  /** Where it shows; each is searched without a fault, then with one, then with two. */
  readonly cases: ReadonlyArray<Build>
  readonly options: Partial<Options>
}

const mutant = (
  name: string,
  breaks: Property,
  step: Pair.Step,
  cases: ReadonlyArray<Build> = seven,
  options: Partial<Options> = {}
): Mutant => ({ name, step, breaks, cases, options })

const withRules = (rules: Partial<Rules>): Pair.Step => Pair.make({ ...production, ...rules })

/** The reducer, told something else than what happened; `undefined`: nothing. */
const hearing =
  (change: (event: PairEvent, state: PairState) => PairEvent | undefined): Pair.Step => (state, event, draw) => {
    const heard = change(event, state)
    return heard === undefined ? [state, []] : Pair.step(state, heard, draw)
  }

/** The reducer, with another state in the end. */
const ending =
  (change: (after: PairState, event: PairEvent, before: PairState) => PairState): Pair.Step => (state, event, draw) => {
    const [after, actions] = Pair.step(state, event, draw)
    return [change(after, event, state), actions]
  }

const endOf = (state: PairState, event: PairEvent): End | undefined =>
  "end" in event ? state.ends.find((end) => end.id === event.end) : undefined

/** Ends that `keeps` chooses do not close in a step in which others do. */
const keepingOpen = (keeps: (end: End, event: PairEvent) => boolean): Pair.Step => (state, event, draw) => {
  const [after, actions] = Pair.step(state, event, draw)
  const kept = state.ends.filter((end) =>
    keeps(end, event) && actions.some((action) => action._tag === "Close" && action.end === end.id)
  )
  const ends = [...after.ends, ...kept].toSorted((a, b) => a.id - b.id)
  return [
    { ...after, ends },
    actions.filter((action) => action._tag !== "Close" || !kept.some((end) => end.id === action.end))
  ]
}

/** Ends of one phase are in another. */
const inPhase = (state: PairState, from: End["phase"], to: End["phase"]): PairState => {
  const at = state.ends.findIndex((end) => end.phase === from)
  const end = state.ends[at]
  return end === undefined ? state : { ...state, ends: state.ends.with(at, { ...end, phase: to }) }
}

const isAnswer = (event: PairEvent, state: PairState): boolean =>
  (event._tag === "PongReceived" || event._tag === "Heard") && event.end === state.probe?.end

const addresses = [alias("alias, between", "lower", "higher"), twice("two addresses at both ends", [0, 3, 1, 2])]

export const mutants: ReadonlyArray<Mutant> = [
  mutant("keep the oldest challenger", "P5", withRules({ keep: "oldest" })),
  mutant("no challenge", "P5", withRules({ conflict: "refuse" })),
  mutant("commit without a challenge", "P3", withRules({ conflict: "replace" })),
  mutant("let H choose", "P5", withRules({ chooser: "higher" })),
  mutant("reject early challengers", "P5", withRules({ early: "reject" }), seven.slice(3, 5)),
  mutant("H obeys the newest Commit of another process", "P3", withRules({ foreignCommit: "obey" }), [behindLower]),
  mutant("H obeys a late Commit", "P3", withRules({ older: "obey" }), seven, { kinds: ["deaf"] }),
  mutant(
    "the initiator is L",
    "P3",
    hearing((event, state) =>
      event._tag === "Welcomed"
        ? { ...event, role: endOf(state, event)?.dir === "out" ? "lower" : "higher" }
        : event
    )
  ),
  mutant(
    "a probe ends while its ping is still in the outbox",
    "P3",
    (state, event, draw) =>
      event._tag === "Fired" && event.timer.kind === "probe" && state.probe?.phase === "queued"
        ? Pair.step({ ...state, probe: { ...state.probe, phase: "sent" } }, event, draw)
        : Pair.step(state, event, draw)
  ),
  mutant(
    "a challenger is held for ever",
    "P2",
    (state, event, draw) =>
      isAnswer(event, state) ? [{ ...state, probe: undefined }, []] : Pair.step(state, event, draw)
  ),
  mutant(
    "L is up before the Ack",
    "P2",
    ending((after) => inPhase(after, "committing", "up"))
  ),
  mutant(
    "H keeps dialling when L commits",
    "P4",
    keepingOpen((end, event) => event._tag === "CommitReceived" && end.dir === "out" && end.id !== event.end)
  ),
  mutant(
    "dial beside a live end",
    "P2",
    ending((after) => ({ ...after, redial: after.redial || (after.dialable && after.ends.length === 1) }))
  ),
  mutant(
    "no dial after one that failed",
    "P2",
    ending((after, event) => event._tag === "DialFailed" ? { ...after, redial: false } : after)
  ),
  mutant(
    "no dial after a Hello that was refused",
    "P2",
    ending((after, event) => event._tag === "Refused" ? { ...after, redial: false } : after),
    seven,
    { kinds: ["refuse"] }
  ),
  mutant(
    "no dial after an operator's disconnect for a time",
    "P2",
    ending((after, event) => event._tag === "Stopped" ? { ...after, redial: false } : after),
    seven,
    { kinds: ["stop"] }
  ),
  mutant(
    "no dial after a ban that has ended",
    "P2",
    ending((after, event) =>
      event._tag === "Stopped" && event.reject === "banned" ? { ...after, redial: false } : after
    ),
    seven,
    { kinds: ["ban"] }
  ),
  mutant(
    "no dial after an eviction",
    "P2",
    ending((after, event) =>
      event._tag === "Stopped" && event.reject === "evicted" ? { ...after, redial: false } : after
    ),
    seven,
    { kinds: ["evict"] }
  ),
  mutant(
    "no dial after a Hello that a full node refused",
    "P2",
    ending((after, event) => event._tag === "Refused" && event.reject === "full" ? { ...after, redial: false } : after),
    seven,
    { kinds: ["full"] }
  ),
  mutant(
    "no end follows a connection that failed",
    "P2",
    (state, event, draw) => {
      const [after, actions] = Pair.step(state, event, draw)
      if (!actions.some((action) => action._tag === "SendCommit") || event._tag === "Welcomed") return [after, actions]
      return [inPhase(after, "committing", "candidate"), actions.filter((action) => action._tag !== "SendCommit")]
    }
  ),
  mutant(
    "H is up twice",
    "P4",
    keepingOpen((end, event) => event._tag === "CommitReceived" && end.phase === "up")
  ),
  mutant(
    "a Reject(alias) is no bar",
    "P2",
    hearing((event) =>
      event._tag === "RejectReceived" && event.reject === "alias" ? { ...event, reject: "duplicate" } : event
    ),
    addresses
  ),
  mutant(
    "every Reject is a bar",
    "P2",
    hearing((event) => event._tag === "RejectReceived" ? { ...event, reject: "alias" } : event)
  ),
  mutant(
    "the bar of an alias is never lifted",
    "P2",
    hearing((event) => event._tag === "Freed" ? undefined : event),
    addresses
  ),
  mutant(
    "addresses of this node are not told apart",
    "P2",
    hearing((event, state) =>
      event._tag === "Welcomed"
        ? { ...event, self: state.ends.find((end) => end.self !== undefined)?.self ?? event.self }
        : event
    ),
    addresses
  ),
  mutant("own lag is not given back", "P3", Pair.step, seven, { kinds: ["stall"], forgetsLag: true })
]

export interface Refutation {
  readonly settings: number
  readonly states: number
  readonly breaks: Property | undefined
  /** Lines of the shortest trace; `undefined`: the mutant was not refuted. */
  readonly lines: ReadonlyArray<string> | undefined
}

/** Searches with no fault, then with more, until something is violated; tells the shortest trace of all cases. */
export const refute = ({ cases, options, step }: Mutant): Refutation => {
  let settings = 0
  let states = 0
  for (const faults of [0, 1, 2]) {
    let best: { readonly result: Result; readonly violation: Violation } | undefined
    let length = Infinity
    for (const build of cases) {
      const result = search(build({ slots: 3, faults, anyTimer: false, ...options, step }))
      settings += 1
      states += result.states
      for (const violation of result.first) {
        const lines = trace(result, violation).length
        if (lines >= length) continue
        length = lines
        best = { result, violation }
      }
    }
    if (best !== undefined) {
      return { settings, states, breaks: best.violation.property, lines: trace(best.result, best.violation) }
    }
  }
  return { settings, states, breaks: undefined, lines: undefined }
}
