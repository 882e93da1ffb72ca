/**
 * Searches for the shortest run that still fails in the same way: fewer faults, then fewer nodes, and an end right after the
 * violation. A pure machine: call `start`; while there is a `candidate`, run it and report the outcome. It can be
 * abandoned at any time; `best` is the shortest failing run so far.
 *
 * **Order.** First everything long after the violation is cut off. Then chunks of the faults are left out (all, halves, quarters,
 * down to single faults), then chunks of the nodes; this repeats while anything helps. Finally the run is cut to end
 * at the violation. At the end, no single fault and no single node can be left out, unless `runs` were used up.
 */
import type { Fault } from "./Fault.ts"
import * as FaultPlan from "./FaultPlan.ts"
import * as SimulationLimits from "./Limits.ts"

/** One run, in the terms of `SimulationOptions`. */
export interface Case {
  /** Ids, ascending. */
  readonly faults: ReadonlyArray<number>
  /** Ascending; at least two. */
  readonly nodes: ReadonlyArray<number>
  readonly untilMs: number
}

type Phase = "cut" | "faults" | "nodes" | "tighten" | "done"

export interface Shrink {
  /** The shortest run known to fail, and the time of its violation, ms. */
  readonly best: Case
  readonly violatedMs: number
  /** The next run to try; `undefined`: finished. */
  readonly candidate: Case | undefined
  /** Runs reported, and runs still allowed. */
  readonly runs: number
  readonly left: number
  readonly phase: Phase
  /** Size of the chunk that is left out, and the number of items behind it. */
  readonly size: number
  readonly at: number
  /** Whether anything in this round, over faults and nodes, helped. */
  readonly helped: boolean
  /** The faults of the first failing run. */
  readonly plan: ReadonlyArray<Fault>
  /** Runs known to pass. */
  readonly passed: ReadonlySet<string>
}

/** The outcome of a run: time of the violation of the same invariant, ms; `undefined` for a pass or another invariant. */
export type Outcome = number | undefined

const key = ({ faults, nodes, untilMs }: Case): string => `${faults.join()};${nodes.join()};${untilMs}`

/** Leaves out `size` items with `at` items behind them. The last items go first, because they may depend on earlier ones. */
const without = <A>(items: ReadonlyArray<A>, at: number, size: number): ReadonlyArray<A> => {
  const end = items.length - at
  return [...items.slice(0, Math.max(0, end - size)), ...items.slice(end)]
}

/** Faults of the case that still apply to its nodes. */
const meaningful = (plan: ReadonlyArray<Fault>, of: Case): Case => ({
  ...of,
  faults: FaultPlan.kept(plan, of).map(({ id }) => id)
})

/** The candidate at this point of the search; `undefined` if there is none. */
const propose = (state: Shrink): Case | undefined => {
  const { at, best, phase, plan, size, violatedMs } = state
  switch (phase) {
    case "cut": {
      const before = plan.flatMap(({ atMs, id }) => atMs <= violatedMs && best.faults.includes(id) ? [id] : [])
      return {
        ...best,
        faults: before,
        untilMs: Math.min(best.untilMs, Math.ceil(violatedMs) + SimulationLimits.shrinkSlackMs)
      }
    }
    case "faults":
      return { ...best, faults: without(best.faults, at, size) }
    case "nodes": {
      const nodes = without(best.nodes, at, size)
      // The first ones, which the other nodes know, go one by one.
      return nodes.length < 2 || at + size > best.nodes.length ? undefined : meaningful(plan, { ...best, nodes })
    }
    case "tighten":
      return { ...best, untilMs: Math.min(best.untilMs, Math.ceil(violatedMs)) }
    case "done":
      return undefined
  }
}

const lengthIn = ({ best, phase }: Shrink): number => phase === "faults" ? best.faults.length : best.nodes.length

const enter = (state: Shrink, phase: Phase): Shrink => {
  const entered = { ...state, phase, at: 0 }
  // All faults at once, but never all nodes.
  return { ...entered, size: phase === "nodes" ? Math.max(1, lengthIn(entered) >> 1) : lengthIn(entered) }
}

/** Moves past a candidate that did not help. */
const onward = (state: Shrink): Shrink => {
  switch (state.phase) {
    case "cut":
      return enter({ ...state, helped: false }, "faults")
    case "faults":
    case "nodes": {
      const at = state.at + state.size
      if (at < lengthIn(state)) return { ...state, at }
      const size = state.size >> 1
      if (size > 0) return { ...state, at: 0, size }
      if (state.phase === "faults") return enter(state, "nodes")
      return enter(state, state.helped ? "cut" : "tighten")
    }
    case "tighten":
    case "done":
      return { ...state, phase: "done" }
  }
}

/** Moves to the next candidate with unknown outcome. */
const seek = (from: Shrink): Shrink => {
  let state = from
  while (state.phase !== "done" && state.left > 0) {
    const candidate = propose(state)
    if (candidate !== undefined) {
      const name = key(candidate)
      if (name !== key(state.best) && !state.passed.has(name)) return { ...state, candidate }
    }
    state = onward(state)
  }
  return { ...state, candidate: undefined }
}

/**
 * @param plan the faults of the failing run that began before it ended
 * @param nodes the nodes of that run
 * @param untilMs planned end of that run
 * @param violatedMs time of its first violation
 */
export const start = ({ nodes, plan, runs = SimulationLimits.shrinkRuns, untilMs, violatedMs }: {
  readonly plan: ReadonlyArray<Fault>
  readonly nodes: ReadonlyArray<number>
  readonly untilMs: number
  readonly violatedMs: number
  readonly runs?: number
}): Shrink =>
  seek({
    best: { faults: plan.map(({ id }) => id), nodes, untilMs },
    violatedMs,
    candidate: undefined,
    runs: 0,
    left: runs,
    phase: "cut",
    size: 0,
    at: 0,
    helped: false,
    plan,
    passed: new Set()
  })

/** The same position in a list that became shorter; at its beginning, the next smaller chunk. */
const again = (state: Shrink): Shrink => {
  const helped = { ...state, helped: true }
  return state.at < lengthIn(helped) ? helped : onward(helped)
}

/** Records the outcome of the candidate. */
export const heard = (state: Shrink, outcome: Outcome): Shrink => {
  const { candidate } = state
  if (candidate === undefined) return state
  const after = { ...state, runs: state.runs + 1, left: state.left - 1 }
  if (outcome === undefined) {
    return seek(onward({ ...after, passed: new Set(state.passed).add(key(candidate)) }))
  }
  const better = { ...after, best: candidate, violatedMs: outcome }
  // The items in front of the removed chunk are now at its position.
  return state.phase === "faults" || state.phase === "nodes"
    ? seek(again(better))
    : seek(onward(better))
}
