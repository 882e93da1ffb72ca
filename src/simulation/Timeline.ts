/** The faults of a simulated network over time: which are under way, which have ended, and when each last touched a node. */
import type { Undo } from "./FaultInjector.ts"
import type { VirtualTime } from "./machine/VirtualTime.ts"
import { disturbance } from "./plan/Disturbance.ts"
import type { Fault, FaultKind } from "./plan/Fault.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import type { PairView, PairWatch } from "./watch/PairWatch.ts"

/** A fault that has begun. */
export interface FaultRun {
  readonly fault: Fault
  readonly undo: Undo
  ended: boolean
  /** Pairs that it kept apart and that are not connected again since it ended. */
  waiting: number
  recoveryMs: number | undefined
}

export interface TimelineHost {
  readonly time: VirtualTime
  readonly pairs: PairWatch
  /** Numbers of the nodes that exist. */
  readonly nodes: ReadonlyArray<number>
  readonly inject: (fault: Fault) => Undo
  readonly told: (fault: Fault, begins: boolean) => void
}

/** A machine or process that is down answers nothing, but delays nothing either. */
const isLife = ({ kind }: Fault): boolean => kind === "crash-loop" || kind === "vanish" || kind === "kill"

/** ms. What a link delayed arrives up to this long after the fault has ended. */
const delayMs = (fault: Fault): number =>
  fault.kind === "clog" ? fault.latencyMs : fault.kind === "storm" ? fault.latencyMs + fault.jitterMs : 0

export class Timeline {
  /** All faults that have begun, in order. */
  readonly runs: Array<FaultRun> = []
  private readonly host: TimelineHost
  private readonly active = new Map<number, FaultRun>()
  /** When a fault last touched the node; infinite while one does. */
  private readonly touchedUntil = new Map<number, number>()

  constructor(host: TimelineHost) {
    this.host = host
  }

  /** Schedules the faults. */
  schedule(faults: ReadonlyArray<Fault>): void {
    for (const fault of faults) {
      this.host.time.at(fault.atMs, () => this.begin(fault))
      this.host.time.at(fault.endMs, () => this.end(fault.id))
    }
  }

  private begin(fault: Fault): void {
    this.host.told(fault, true)
    this.host.pairs.disturb(fault, 1)
    this.touch(fault, Number.POSITIVE_INFINITY)
    const run: FaultRun = {
      fault,
      undo: this.host.inject(fault),
      ended: false,
      waiting: 0,
      recoveryMs: undefined
    }
    this.runs.push(run)
    this.active.set(fault.id, run)
  }

  /** Ends a fault, now or earlier than planned. */
  end(id: number): void {
    const run = this.active.get(id)
    if (run === undefined) return
    this.active.delete(id)
    this.host.told(run.fault, false)
    run.undo()
    run.ended = true
    this.host.pairs.disturb(run.fault, -1)
    this.touch(run.fault, this.host.time.now)
    run.waiting = this.host.pairs.all.filter((pair) => pair.waiting.has(id)).length
  }

  private touch(fault: Fault, until: number): void {
    const { nodes } = this.host
    const busy = this.underWay.map((other) => disturbance(other).keepsApart)
    const { keepsApart } = disturbance(fault)
    for (const index of nodes) {
      const hit = (f: (a: number, b: number) => boolean) => nodes.some((other) => other !== index && f(index, other))
      if (hit(keepsApart)) this.touchedUntil.set(index, busy.some(hit) ? Number.POSITIVE_INFINITY : until)
    }
  }

  /** When a fault last touched the node, ms. */
  touched(node: number): number {
    return this.touchedUntil.get(node) ?? 0
  }

  /** Faults that are under way. */
  get underWay(): ReadonlyArray<Fault> {
    return [...this.active.values()].map(({ fault }) => fault)
  }

  /** Faults under way, and those that ended within the last `ms`. */
  private recent(ms: number): ReadonlyArray<Fault> {
    const from = this.host.time.now - ms
    return this.runs.filter(({ ended, fault }) => !ended || fault.endMs > from).map(({ fault }) => fault)
  }

  private waitedFor({ waiting }: PairView): ReadonlyArray<FaultRun> {
    return [...waiting].flatMap((id) => this.runs.find(({ fault }) => fault.id === id) ?? [])
  }

  /** Kinds of the faults that the pair has not yet recovered from. */
  kindsOf(pair: PairView): ReadonlyArray<FaultKind> {
    return this.waitedFor(pair).map(({ fault }) => fault.kind)
  }

  /** The pair is connected again: no fault waits for it any more. */
  recovered(pair: PairView): void {
    for (const run of this.waitedFor(pair)) {
      run.waiting -= 1
      if (run.waiting === 0) run.recoveryMs = Math.round(this.host.time.now - run.fault.endMs)
    }
    pair.waiting.clear()
  }

  /** Whether one node's actions may still be unknown to the other: something slows the pair down, or delayed data is on its way. */
  isSlow(a: number, b: number): boolean {
    const { now } = this.host.time
    return this.runs.some(({ ended, fault }) => {
      const overMs = fault.endMs + delayMs(fault) + SimulationLimits.newsMs
      return (!ended || now < overMs) && !isLife(fault) && disturbance(fault).keepsApart(a, b)
    })
  }

  /** Whether a second process at the address of `a` or `b` may replace it, because the node or the link is too slow to answer a challenge. */
  isOutdone(a: number, b: number): boolean {
    const recent = this.recent(SimulationLimits.noticeMs)
    const isAt = (node: number) => (fault: Fault) =>
      (fault.kind === "twin" && fault.node === node) || (fault.kind === "stall" && fault.challenge?.peer === node)
    const slows = (node: number) => (fault: Fault) =>
      fault.kind === "stall" ? fault.node === node : fault.kind === "clog" || fault.kind === "storm"
    return [a, b].some((node) => recent.some(isAt(node)) && recent.some(slows(node)))
  }
}
