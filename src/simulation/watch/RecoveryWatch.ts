/**
 * How soon pairs are connected again once nothing keeps them apart, by kind of fault, and how many dials that takes.
 *
 * **Shapes.** A recovery counts under its kind when faults of that kind alone kept the pair apart, else under `several`.
 * **Units.** ms from the end of the last fault that kept the pair apart; dials per virtual second in which at least one pair
 * is unconnected with nothing keeping it apart. Only dials to nodes of the network count, because dials to made-up addresses
 * depend on the hostile peer.
 */
import type { FaultKind } from "../plan/Fault.ts"
import type { Healing, RecoveryKind } from "../plan/Recovery.ts"

export class RecoveryWatch {
  private readonly times = new Map<RecoveryKind, Array<number>>()
  private readonly seconds = new Map<number, number>()
  private second = -1
  private healing = false
  private readonly dials = new Map<number, number>()
  private most = 0

  /** A pair is connected again; `kinds`: the faults that kept it apart. */
  recovered(kinds: Iterable<FaultKind>, ms: number): void {
    const [kind, ...others] = new Set<RecoveryKind>(kinds)
    if (kind === undefined) return
    const under = others.length === 0 ? kind : "several"
    const times = this.times.get(under)
    if (times === undefined) this.times.set(under, [Math.round(ms)])
    else times.push(Math.round(ms))
  }

  /** A node dials another. `healing`: whether some pair is unconnected with nothing keeping it apart. */
  dialled(node: number, nowMs: number, healing: boolean): void {
    this.turn(Math.floor(nowMs / 1_000))
    this.healing ||= healing
    this.dials.set(node, (this.dials.get(node) ?? 0) + 1)
  }

  private turn(second: number): void {
    if (second === this.second) return
    if (this.healing) {
      const dials = [...this.dials.values()]
      const all = dials.reduce((sum, count) => sum + count, 0)
      this.seconds.set(all, (this.seconds.get(all) ?? 0) + 1)
      this.most = Math.max(this.most, ...dials)
    }
    this.second = second
    this.healing = false
    this.dials.clear()
  }

  /** Durations of all recoveries, ms, by kind, ascending. */
  get recoveries(): Readonly<Record<string, ReadonlyArray<number>>> {
    return Object.fromEntries([...this.times].map(([kind, times]) => [kind, times.toSorted((a, b) => a - b)]))
  }

  get dialsWhileHealing(): Healing {
    this.turn(-1)
    return {
      seconds: Object.fromEntries([...this.seconds].toSorted(([a], [b]) => a - b)),
      mostPerNode: this.most
    }
  }
}
