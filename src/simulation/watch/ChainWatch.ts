/** Checks that the nodes of a simulated network follow the best chain among their peers, fast enough. */
import * as Limits from "../../domain/Limits.ts"
import { clockFaults, type Fault } from "../plan/Fault.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { World } from "../World.ts"
import type { FutureChains } from "./FutureChains.ts"

interface Lag {
  readonly since: number
  /** The height it has to reach. */
  readonly height: number
  told: boolean
}

/** How long a node may be this many blocks behind a well-connected peer, ms, even with lying peers connected. */
const boundMs = (blocks: number): number =>
  blocks > Limits.liarsHoldUpBlocks ? SimulationLimits.heldUpMs : SimulationLimits.followMs

/** What the check looks at. */
export interface Watched {
  readonly pairs: Pick<World["pairs"], "all" | "healthy">
  readonly tips: World["tips"]
  readonly time: Pick<World["time"], "now">
  readonly nodes: Pick<World["nodes"], "keys">
  readonly violated: World["violated"]
}

export class ChainWatch {
  private readonly world: Watched
  private readonly behind = new Map<number, Lag>()
  /** No node has to follow these. */
  private readonly future: Pick<FutureChains, "has">
  private readonly clockRightAt = new Map<number, number>()

  constructor(world: Watched, future: Pick<FutureChains, "has">) {
    this.world = world
    this.future = future
  }

  /** Call at every check. `underWay`: the faults under way. */
  check(underWay: ReadonlyArray<Fault>): void {
    const { pairs, tips, time, nodes } = this.world
    const now = time.now
    for (const node of clockFaults(underWay)) this.clockRightAt.set(node, now)
    // Usually no node is behind any other: then it does not matter which are connected.
    const highest = Math.max(0, ...Array.from(tips.values(), ({ height }) => height))
    if ([...nodes.keys()].every((index) => (tips.get(index)?.height ?? 0) === highest)) return this.behind.clear()
    // The best tip of the peers that each node has been well connected to for long enough.
    const best = new Map<number, number>()
    const sees = (node: number, peer: number) => {
      const height = tips.get(peer)?.height ?? 0
      if (height > (best.get(node) ?? 0) && !this.future.has(peer)) best.set(node, height)
    }
    for (const pair of pairs.all) {
      if (!pairs.healthy(pair, SimulationLimits.aftermathMs)) continue
      sees(pair.a, pair.b)
      sees(pair.b, pair.a)
    }
    for (const index of nodes.keys()) {
      const height = tips.get(index)?.height ?? 0
      const target = best.get(index) ?? 0
      const lag = this.behind.get(index)
      const excused = now < (this.clockRightAt.get(index) ?? Number.NEGATIVE_INFINITY) + SimulationLimits.aftermathMs
      if (target <= height || excused) {
        this.behind.delete(index)
      } else if (lag === undefined || height >= lag.height) {
        this.behind.set(index, { since: now, height: target, told: false })
      } else if (!lag.told && now - lag.since > boundMs(lag.height - height)) {
        lag.told = true
        const seconds = Math.round((now - lag.since) / 1_000)
        this.world.violated(
          "a connected node follows",
          `node ${index} is at ${height}, and for ${seconds} s has had a peer at ${lag.height}`
        )
      }
    }
  }
}
