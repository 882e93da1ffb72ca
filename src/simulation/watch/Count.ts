/**
 * Checks that peers and masternodes are counted right after a run's faults. Every node must have one peer per reachable node, and one masternode
 * per key: live if that node is up and connected to this one. Then one masternode goes for good, and another loses a link: nodes that
 * cannot reach them must list them as known only. Meanwhile nodes restarted, moved and lost their clocks, and some share a key.
 */
import { Context, Effect } from "effect"
import { type Key, states, type Tier, tiers } from "../../domain/masternode/Masternode.ts"
import { Masternodes } from "../../services/Masternodes.ts"
import { PeerState } from "../../services/PeerState.ts"
import * as Fleet from "../Fleet.ts"
import * as Seeds from "../machine/Seeds.ts"
import * as Bounds from "../plan/Bounds.ts"
import { type Fault, faultKinds } from "../plan/Fault.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { Running, SimulatedNode } from "../SimulatedNode.ts"
import type { World } from "../World.ts"

/** What is down for good after the first count. */
interface Lost {
  readonly node: number
  readonly cut: readonly [a: number, b: number]
}

const format = (masternodes: ReadonlyMap<string, number>): string =>
  [...masternodes].filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`).join(", ") || "none"

export class Count {
  private readonly world: World
  private readonly seed: string

  constructor(world: World, seed: string) {
    this.world = world
    this.seed = seed
  }

  /** Ends all faults and counts. `reach`: runs up to a moment, false on a violation. */
  run(reach: (ms: number) => Effect.Effect<boolean>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { world } = this
      if (world.nodes.size < 2) return
      for (const { id } of world.timeline.underWay) world.timeline.end(id)
      const firstMs = Bounds.introductionMs(faultKinds) + SimulationLimits.countMs
      if (!(yield* this.until(reach, firstMs, undefined))) return
      const lost = this.lose()
      if (lost !== undefined) yield* this.until(reach, SimulationLimits.countMs, lost)
    })
  }

  private until(reach: (ms: number) => Effect.Effect<boolean>, ms: number, lost: Lost | undefined) {
    return Effect.gen({ self: this }, function*() {
      const { time } = this.world
      const end = time.now + ms
      while (yield* reach(time.now + SimulationLimits.checkMs)) {
        const wrong = this.wrong(lost)
        if (wrong === undefined) return true
        if (time.now < end) continue
        this.world.violated("peers and masternodes are counted right", wrong)
      }
      return false
    })
  }

  /** Kills one masternode, and cuts another one's link to a node. */
  private lose(): Lost | undefined {
    const { fleet, nodes, time, timeline } = this.world
    const below = Seeds.below(`${this.seed}/count`)
    const masternodes = [...fleet.identities.keys()].filter((node) => nodes.has(node) && !fleet.sharing.includes(node))
    const node = masternodes.splice(below(masternodes.length), 1)[0]
    const a = masternodes[below(Math.max(1, masternodes.length))]
    const others = [...nodes.keys()].filter((other) => other !== node && other !== a)
    const b = others[below(Math.max(1, others.length))]
    if (node === undefined || a === undefined || b === undefined) return undefined
    const ids = timeline.runs.reduce((id, { fault }) => Math.max(id, fault.id), 0)
    const [atMs, endMs] = [time.now, time.now + 2 * SimulationLimits.countMs]
    const faults: ReadonlyArray<Fault> = [
      { id: ids + 1, atMs, endMs, kind: "kill", node, keepsState: true },
      { id: ids + 2, atMs, endMs, kind: "cut", a, b, oneWay: false }
    ]
    timeline.schedule(faults)
    return { node, cut: [a, b] }
  }

  private wrong(lost: Lost | undefined): string | undefined {
    const { nodes } = this.world
    for (const node of nodes.values()) {
      if (node.index === lost?.node) continue
      if (node.running === undefined || node.changing) return `${node.name} does not run`
      const wrong = this.wrongAt(node, node.running, lost)
      if (wrong !== undefined) return `${node.name}: ${wrong}`
    }
    return undefined
  }

  private wrongAt({ index }: SimulatedNode, { services }: Running, lost: Lost | undefined): string | undefined {
    const { fleet, nodes } = this.world
    const reached = [...nodes.keys()].filter((other) =>
      other !== lost?.node && !(lost?.cut.includes(index) === true && lost.cut.includes(other) && other !== index)
    )
    const peers = Effect.runSync(Context.get(services, PeerState).connected)
    if (peers.length !== reached.length - 1) return `${peers.length} peers, of ${reached.length - 1} nodes`
    if (!this.world.options.masternodes) return undefined
    const live = Fleet.keysOf(fleet, reached)
    const known = new Map([...Fleet.keysOf(fleet, nodes.keys())].filter(([key]) => !live.has(key)))
    const { conflicts, counts } = Effect.runSync(
      Context.getUnsafe(services as Context.Context<unknown> as Context.Context<Masternodes>, Masternodes).report
    )
    const truth = { live: byTier(live), known: byTier(known), expired: byTier(new Map()) }
    for (const state of states) {
      const told = new Map(tiers.map((tier) => [tier as string, counts[state][tier]]))
      const right = truth[state]
      if (tiers.some((tier) => told.get(tier) !== right.get(tier))) {
        return `${format(told)} ${state} masternodes, in truth ${format(right)}`
      }
    }
    if (fleet.sharing.every((node) => reached.includes(node)) && fleet.sharing.length > 1) {
      if (!conflicts.some(({ _tag }) => _tag === "OneKey")) return "a key that two nodes have is no conflict"
    }
    return undefined
  }
}

const byTier = (keys: ReadonlyMap<Key, Tier>): ReadonlyMap<string, number> => {
  const all = [...keys.values()]
  return new Map(tiers.map((tier) => [tier, all.filter((other) => other === tier).length]))
}
