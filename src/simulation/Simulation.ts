/**
 * Whole networks of real nodes in virtual time, with faults drawn from one seed. Each node is `ChainNode.layer`; only its
 * sockets (`MemoryNetwork`), clock, random source and event loop belong to the simulation.
 *
 * Embedders can simulate their own fleet, with their program on every node. `run` gives a report; the same options, program and
 * version always give the same report.
 */
import { Effect } from "effect"
import type { App } from "./App.ts"
import * as Liveness from "./HealedCore.ts"
import * as Seeds from "./machine/Seeds.ts"
import * as Bounds from "./plan/Bounds.ts"
import type { Fault } from "./plan/Fault.ts"
import * as FaultPlan from "./plan/FaultPlan.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import { mutants } from "./plan/Mutants.ts"
import * as Recovery from "./plan/Recovery.ts"
import { problem } from "./plan/SimulationOptions.ts"
import type { SimulatedStore, SimulationOptions, SimulationReport } from "./plan/SimulationReport.ts"
import { Audit } from "./watch/Audit.ts"
import { ChainWatch } from "./watch/ChainWatch.ts"
import { Count } from "./watch/Count.ts"
import { FutureChains } from "./watch/FutureChains.ts"
import * as World from "./World.ts"

/** Receives the progress of a run. */
export interface Watch {
  /** Progress, virtual ms. */
  readonly progress?: ((virtualMs: number) => void) | undefined
  /** One JSON object per line: every event but pings and pongs, every fault, every violation. */
  readonly trace?: ((line: string) => void) | undefined
}

export type { App, AppNode } from "./App.ts"

/** What surrounds a run's network: its watchers, and the program that the nodes run as well. */
export interface Surroundings extends Watch {
  /** Runs on every node. */
  readonly app?: App | undefined
}

const hourMs = 3_600_000

/** The seed's faults that the options keep. */
export const planOf = (options: SimulationOptions): ReadonlyArray<Fault> => {
  const draw = Seeds.random(`${options.seed}/plan`)
  const durationMs = options.hours * hourMs
  const plan = options.faults.length === 0 ? [] : FaultPlan.make({
    draw: () => draw.nextDoubleUnsafe(),
    nodes: options.nodes,
    durationMs: options.mode === "liveness" ? durationMs / 2 : durationMs,
    kinds: FaultPlan.kindsOf(options.wire, options.faults)
  })
  return FaultPlan.kept(plan, { faults: options.keepFaults, nodes: options.keepNodes })
}

/** Whether there are masternodes, and a count at the end. Daemons announce none. */
const isCounted = ({ masternodes, wire }: SimulationOptions): boolean => masternodes === true && wire !== "mixed"

/** Where the nodes of the run keep their chains. Without faults a disk is only slow. */
const storeOf = ({ faults, seed, store }: SimulationOptions): SimulatedStore => {
  if (store !== undefined) return store
  const isDrawn = Seeds.below(`${seed}/store`)(SimulationLimits.sqliteRuns) === 0
  return faults.length > 0 && isDrawn ? "sqlite" : "memory"
}

/**
 * Runs a simulation to its end, or to its first violation. Interruptible every few tens of ms. Fails with `InvalidSimulation` if the
 * options break a rule of `plan/SimulationOptions`.
 */
export const run = Effect.fnUntraced(function*(options: SimulationOptions, { app, ...watch }: Surroundings = {}) {
  const wrong = problem(options)
  if (wrong !== undefined) return yield* wrong
  const nodes = options.keepNodes ?? Array.from({ length: options.nodes }, (_, i) => i)
  const world = yield* World.make({
    seed: String(options.seed),
    nodes,
    planned: options.nodes,
    mutant: mutants.find((mutant) => mutant === options.mutant),
    store: storeOf(options),
    wire: options.wire ?? "native",
    masternodes: isCounted(options),
    app,
    onTrace: watch.trace
  })
  const { time } = world
  const endMs = Math.min(options.untilMs ?? Infinity, options.hours * hourMs)
  const future = new FutureChains(world.tips)
  const chain = new ChainWatch(world, future)
  const audit = new Audit(world, future)
  const healing = options.mode === "liveness" ? new Liveness.Healing(world, options) : undefined
  world.timeline.schedule(planOf(options).filter((fault) => fault.atMs < endMs))

  const check = () => {
    world.pairs.check(audit.boundOf)
    world.daemons?.watch.check()
    future.check(world.timeline.underWay)
    chain.check(world.timeline.underWay)
    world.traffic.check()
    healing?.check()
  }
  /** Runs up to a moment, in slices. False on a violation. */
  const reach = Effect.fnUntraced(function*(ms: number) {
    while (world.violations.length === 0) {
      if (time.runUntil(ms, SimulationLimits.sliceSteps)) break
      watch.progress?.(time.now)
      yield* Effect.yieldNow
    }
    return world.violations.length === 0
  })
  let auditAt = SimulationLimits.auditMs
  let going = true
  while (going && time.now < endMs) {
    going = yield* reach(Math.min(endMs, time.now + SimulationLimits.checkMs))
    check()
    if (time.now >= auditAt) {
      auditAt += SimulationLimits.auditMs
      audit.tables()
    }
    watch.progress?.(time.now)
  }
  const virtualHours = time.now / hourMs
  if (going) {
    audit.tables()
    healing?.end()
  }
  for (const late of Bounds.problems(Recovery.figures(world.recovery.recoveries))) {
    world.violated("pairs recover in time", late)
  }
  const connected = world.pairs.all.filter((pair) => pair.agreedAt !== undefined).length
  const reachable = world.pairs.all.filter((pair) =>
    pair.apart === 0 && world.isAlive(pair.a) && world.isAlive(pair.b)
  ).length
  const downsByReason = { ...world.downsByReason }
  const daemonFigures = world.daemons?.watch.figures
  const runs = [...world.timeline.runs]
  if (going && isCounted(options) && (options.untilMs === undefined || options.untilMs > options.hours * hourMs)) {
    yield* new Count(world, String(options.seed)).run(reach)
  }
  if (going && world.violations.length === 0) yield* audit.closing(reach)
  world.trace.number(time.steps)

  return {
    seed: options.seed,
    nodes: nodes.length,
    mode: options.mode,
    virtualHours,
    traceHash: world.trace.hash,
    pairs: reachable,
    connected,
    duplicates: world.pairs.duplicates,
    unfaultedDowns: world.pairs.unfaultedDowns,
    faults: countKinds(runs.map(({ fault }) => fault)),
    downsByReason,
    recoveries: world.recovery.recoveries,
    healing: world.recovery.dialsWhileHealing,
    maxRecoveryMs: Math.round(world.maxRecoveryMs),
    ...(daemonFigures === undefined ? {} : { daemons: daemonFigures }),
    heights: nodes.map((node) => world.daemons?.all.get(node)?.height ?? world.tips.get(node)?.height ?? 0),
    reorgs: world.reorgs,
    messages: world.pings + world.traffic.received,
    steps: time.steps,
    timeline: runs.map(({ fault, recoveryMs }) => ({ fault, recoveryMs })),
    violations: world.violations,
    ok: world.violations.length === 0
  } satisfies SimulationReport
}, Effect.scoped)

const countKinds = (faults: ReadonlyArray<Fault>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
