/**
 * Nodes whose chain may be in the future. A clock that is set forward or runs fast lets its node make and take blocks before their time.
 * They stay after the clock is right again, and until their time has come, nodes with a right clock do not follow them.
 */
import { clockFaults, type Fault } from "../plan/Fault.ts"
import type { World } from "../World.ts"

export class FutureChains {
  private readonly tips: World["tips"]
  private readonly nodes = new Set<number>()

  constructor(tips: World["tips"]) {
    this.tips = tips
  }

  /** Call at every check, before `has`. A node is no longer one of them when another that never was has the same tip. */
  check(underWay: ReadonlyArray<Fault>): void {
    const wrong = clockFaults(underWay)
    for (const node of wrong) this.nodes.add(node)
    for (const node of this.nodes) {
      const tip = this.tips.get(node)?.hash
      if (!wrong.has(node) && [...this.tips].some(([other, { hash }]) => !this.nodes.has(other) && hash === tip)) {
        this.nodes.delete(node)
      }
    }
  }

  has(node: number): boolean {
    return this.nodes.has(node)
  }
}
