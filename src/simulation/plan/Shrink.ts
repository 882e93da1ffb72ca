/**
 * Looks for the shortest run that still fails in the same way: fewer faults, then fewer nodes, and an end right after the
 * violation. A pure machine: `start`, then for as long as there is a `candidate`, run it and tell what came of it. It may be
 * left at any time; `best` is the shortest failing run so far.
 *
 * **Order.** First what comes long after the violation is cut off. Then chunks of the faults are left out (all, halves, quarters,
 * down to single ones), then chunks of the nodes; again from the start while anything helped. At last the run is made to end
 * at the violation. At the end of it no single fault and no single node can be left out, unless `runs` were used up.
 */
import type { Fault } from "./Fault.ts"
import * as FaultPlan from "./FaultPlan.ts"
import * as SimulationLimits from "./Limits.ts"

/** One run, as `SimulationOptions` name it. */
export interface Case {
  /** Ids, ascending. */
  readonly faults: ReadonlyArray<number>
  /** Ascending; at least two. */
  readonly nodes: ReadonlyArray<number>
  readonly untilMs: number
}

type Phase = "cut" | "faults" | "nodes" | "tighten" | "done"

export interface Shrink {
  /** The shortest run known to fail, and when its violation was, ms. */
  readonly best: Case
  readonly violatedMs: number
  /** The run to try next; `undefined`: finished. */
  readonly candidate: Case | undefined
  /** Runs told of, and runs that may still follow. */
  readonly runs: number
  readonly left: number
  readonly phase: Phase
  /** Size of the chunk that is left out, and how many items are behind it. */
  readonly size: number
  readonly at: number
  /** Whether this round, over faults and nodes, helped. */
  readonly helped: boolean
  /** The faults of the first failing run. */
  readonly plan: ReadonlyArray<Fault>
  /** Runs known to pass. */
  readonly passed: ReadonlySet<string>
}

/** What came of a run: the time of the violation, ms, of the same invariant; `undefined` when there was none or another. */
export type Outcome = number | undefined

const key = ({ faults, nodes, untilMs }: Case): string => `${faults.join()};${nodes.join()};${untilMs}`

/** Leaves out `size` items, with `at` items behind them: the last go first, for those before may be what they rest on. */
const without = <A>(items: ReadonlyArray<A>, at: number, size: number): ReadonlyArray<A> => {
  const end = items.length - at
  return [...items.slice(0, Math.max(0, end - size)), ...items.slice(end)]
}

/** Faults of the case that mean something among its nodes. */
const meaningful = (plan: ReadonlyArray<Fault>, of: Case): Case => ({
  ...of,
  faults: FaultPlan.kept(plan, of).map(({ id }) => id)
})

/** What is tried at this point of the search; `undefined` when there is nothing. */
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
      // The first ones, those that the others know of, go one by one.
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

/** Past a candidate that did not help. */
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

/** On to the next candidate that is not known. */
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
 * @param untilMs where it would have ended
 * @param violatedMs when its first violation was
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

/** The same place of a list that became shorter: at its beginning, the next smaller chunk. */
const again = (state: Shrink): Shrink => {
  const helped = { ...state, helped: true }
  return state.at < lengthIn(helped) ? helped : onward(helped)
}

/** The candidate was run. */
export const heard = (state: Shrink, outcome: Outcome): Shrink => {
  const { candidate } = state
  if (candidate === undefined) return state
  const after = { ...state, runs: state.runs + 1, left: state.left - 1 }
  if (outcome === undefined) {
    return seek(onward({ ...after, passed: new Set(state.passed).add(key(candidate)) }))
  }
  const better = { ...after, best: candidate, violatedMs: outcome }
  // What was before the chunk that is gone is now where it was.
  return state.phase === "faults" || state.phase === "nodes"
    ? seek(again(better))
    : seek(onward(better))
}
