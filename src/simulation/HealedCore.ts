/**
 * The liveness mode: half-way through the run, everything within a core of the network is healed. Faults that only touch the other nodes
 * stay for ever. The core has to converge to one connection per pair and one tip.
 */
import * as Seeds from "./machine/Seeds.ts"
import * as Bounds from "./plan/Bounds.ts"
import { disturbance } from "./plan/Disturbance.ts"
import { faultKinds } from "./plan/Fault.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import type { SimulationOptions } from "./plan/SimulationReport.ts"
import type { World } from "./World.ts"

export class Healing {
  private readonly world: World
  private readonly core: ReadonlySet<number>
  private readonly healMs: number
  private healed = false
  private wholeAt: number | undefined

  constructor(world: World, options: SimulationOptions) {
    this.world = world
    this.healMs = options.hours * 3_600_000 / 2
    const draw = Seeds.below(`${options.seed}/core`)
    const nodes = [...world.nodes.keys()]
    const size = Math.min(nodes.length, Math.ceil(nodes.length / 2) + draw(Math.ceil(nodes.length / 2)))
    const core = new Set<number>()
    while (core.size < size) core.add(nodes[draw(nodes.length)] ?? 0)
    this.core = core
    world.time.at(this.healMs, () => this.heal())
  }

  private heal(): void {
    this.healed = true
    for (const fault of this.world.timeline.underWay) {
      const { keepsApart } = disturbance(fault)
      const touches = [...this.core].some((a) => [...this.core].some((b) => a !== b && keepsApart(a, b)))
      const aims = "node" in fault && this.core.has(fault.node)
      if (touches || aims) this.world.timeline.end(fault.id)
    }
  }

  private get whole(): boolean {
    const { pairs, tips } = this.world
    const heights = new Set([...this.core].map((node) => tips.get(node)?.hash))
    return heights.size === 1 &&
      pairs.all.every((pair) => !this.core.has(pair.a) || !this.core.has(pair.b) || pair.agreedAt !== undefined)
  }

  check(): void {
    if (!this.healed || this.wholeAt !== undefined) return
    if (this.whole) {
      this.wholeAt = this.world.time.now
      this.world.maxRecoveryMs = Math.max(this.world.maxRecoveryMs, this.wholeAt - this.healMs)
    } else if (this.world.time.now - this.healMs > Bounds.introductionMs(faultKinds) + SimulationLimits.syncMs) {
      this.end()
    }
  }

  /** Called at the deadline: reports a core that has not converged. */
  end(): void {
    if (this.wholeAt !== undefined) return
    const { pairs, tips, time } = this.world
    const apart = pairs.all.filter((pair) =>
      this.core.has(pair.a) && this.core.has(pair.b) && pair.agreedAt === undefined
    )
    const heights = [...this.core].map((node) => `${node} at ${tips.get(node)?.height ?? 0}`)
    const seconds = Math.round((time.now - this.healMs) / 1_000)
    this.world.violated(
      "a healed core becomes whole",
      `${seconds} s after the heal ${apart.length} pairs are not connected (${
        apart.slice(0, 5).map(({ a, b }) => `${a}–${b}`).join()
      }), nodes ${heights.join(", ")}`
    )
  }
}
