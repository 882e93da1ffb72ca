/** Checks of the nodes themselves, periodic and at the end: their tables, their bounds, and what they leave behind. */
import { Context, Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PeerConnectionInfo } from "../../domain/peer/PeerRecord.ts"
import { PeerState } from "../../services/PeerState.ts"
import { Sync } from "../../services/Sync.ts"
import * as Bounds from "../plan/Bounds.ts"
import { clockFaults } from "../plan/Fault.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { Running, SimulatedNode } from "../SimulatedNode.ts"
import type { World } from "../World.ts"
import type { FutureChains } from "./FutureChains.ts"
import type { PairView } from "./PairWatch.ts"

/** How often something had happened by an audit. */
interface Count {
  readonly count: number
  readonly atMs: number
}

export class Audit {
  private readonly world: World
  private readonly future: FutureChains
  /** Pings sent, by node and connection. */
  private sent: ReadonlyMap<string, Count> = new Map()
  /** Beats of the heart, by node. */
  private beats: ReadonlyMap<string, Count> = new Map()

  constructor(world: World, future: FutureChains) {
    this.world = world
    this.future = future
  }

  private *running(): Iterable<readonly [SimulatedNode, Running]> {
    for (const node of this.world.nodes.values()) {
      if (node.running !== undefined && !node.changing && !node.paused) yield [node, node.running]
    }
  }

  private knows(at: number, other: number): boolean {
    const node = this.world.nodes.get(at)
    const peer = this.world.nodes.get(other)
    if (node?.running === undefined || peer === undefined) return false
    return Effect.runSync(Context.get(node.running.services, PeerState).peer(peer.ip))._tag === "Some"
  }

  /** How long a pair may take to connect. */
  readonly boundOf = (pair: PairView): number => {
    const kinds = this.world.timeline.kindsOf(pair)
    const known = this.knows(pair.a, pair.b) && this.knows(pair.b, pair.a)
    if (!known) return Bounds.introductionMs(kinds)
    return Number.isFinite(pair.partedAt) && kinds.length > 0 ? Bounds.worstMs(kinds) : Bounds.firstMs(kinds)
  }

  /** Every node's tables agree with its events, and are within their bounds. */
  tables(): void {
    const { pairs, nodes } = this.world
    const indexOf = new Map(
      [...nodes.values()].flatMap((node) => node.addresses.map((ip) => [ip as string, node.index]))
    )
    const sent = new Map<string, Count>()
    const beats = new Map<string, Count>()
    for (const [node, running] of this.running()) {
      const { services } = running
      this.sync(node, running, indexOf)
      this.heart(node, beats)
      const records = Effect.runSync(Context.get(services, PeerState).peers)
      if (records.length > Limits.knownPeers) this.violated(node, "tables are bounded", `${records.length} peers known`)
      for (const { aliasOf, attempts, connection, expected, ip, last, nextAttemptAt } of records) {
        if (connection !== undefined && connection.queuedBytes > Limits.outboxBytes + Limits.outboxControlBytes) {
          this.violated(node, "queues are bounded", `${connection.queuedBytes} bytes wait for ${ip}`)
        }
        if (attempts > Limits.endsPerPair) this.violated(node, "ends are bounded", `${attempts} attempts with ${ip}`)
        // A peer that says it is connected under another address is not dialled while that connection is up.
        const idle = connection === undefined && attempts === 0 && aliasOf === undefined
        if (idle && expected === "us" && nextAttemptAt === undefined) {
          this.violated(node, "an unconnected peer has a next attempt", `${ip}: last ${JSON.stringify(last)}`)
        }
        const peer = indexOf.get(ip)
        const pair = peer === undefined ? undefined : pairs.of(node.index, peer)
        if (pair === undefined) continue
        const unanswered = connection === undefined ? 0 : connection.pings.sent - connection.pongs.received
        if (connection !== undefined) this.pace(node, pair, connection, sent)
        if (unanswered > 1 && pairs.healthy(pair, SimulationLimits.aftermathMs)) {
          this.violated(node, "pings are answered", `${unanswered} pings to ${ip} without a pong, none of them new`)
        }
        const told = [...(node.index === pair.a ? pair.upAtA : pair.upAtB).values()].find((up) => up.ip === ip)?.socket
        if (told !== connection?.socket) {
          this.violated(
            node,
            "the table is what was told",
            `${ip}: ${connection?.socket ?? "nothing"} in the table, told ${told ?? "nothing"}`
          )
        }
      }
    }
    this.sent = sent
    this.beats = beats
  }

  /**
   * The heart beats once a second of the node's monotonic clock, whatever happens to its wall clock. Its pings do not show that: a peer's
   * pings keep them at the pace.
   */
  private heart(node: SimulatedNode, beats: Map<string, Count>): void {
    const key = `${node.index}/${node.startedMs}`
    const { now } = this.world.time
    beats.set(key, { count: node.beats, atMs: now })
    const before = this.beats.get(key)
    if (before === undefined || this.world.timeline.touched(node.index) > before.atMs) return
    const forMs = now - before.atMs
    const least = Math.floor(forMs / (Limits.beatMs * (1 + SimulationLimits.slowClock))) - 1
    const most = Math.ceil(forMs * (1 + SimulationLimits.slowClock) / Limits.beatMs) + 1
    const count = node.beats - before.count
    if (count >= least && count <= most) return
    const seconds = Math.round(forMs / 1_000)
    this.violated(node, "the heart beats at its pace", `${count} beats in ${seconds} s, not ${least} to ${most}`)
  }

  /** Both ends ping at their own pace, whatever happens to the wall clock. */
  private pace(
    node: SimulatedNode,
    pair: PairView,
    { id, pings: { sent: pings } }: PeerConnectionInfo,
    sent: Map<string, Count>
  ): void {
    const key = `${node.index}/${node.startedMs}/${id}`
    const { now } = this.world.time
    sent.set(key, { count: pings, atMs: now })
    const before = this.sent.get(key)
    if (before === undefined) return
    const forMs = now - before.atMs
    if (!this.world.pairs.healthy(pair, forMs) || this.world.timeline.touched(node.index) > before.atMs) return
    const most = Math.ceil(forMs * (1 + SimulationLimits.slowClock) / Limits.pingMs) + SimulationLimits.challenges
    const least = Math.floor(forMs / ((Limits.pingMs + Limits.beatMs) * (1 + SimulationLimits.slowClock))) - 1
    const count = pings - before.count
    if (count < least || count > most) {
      const seconds = Math.round(forMs / 1_000)
      this.violated(
        node,
        "pings keep their pace",
        `${count} pings on connection ${id} in ${seconds} s, not ${least} to ${most}`
      )
    }
  }

  /**
   * Honest peers that have long been well connected are used for sync. A node in sync holds no needless body: at most
   * the one just pushed and on its way to the disk.
   */
  private sync(node: SimulatedNode, { services }: Running, indexOf: ReadonlyMap<string, number>): void {
    const { pairs } = this.world
    const { peers, synced, waiting } = Effect.runSync(Context.get(services, Sync).report)
    const isCalm = this.world.timeline.touched(node.index) < this.world.time.now - SimulationLimits.caughtUpMs
    if (waiting.blocks > (synced && isCalm ? 1 : 2 * Limits.syncWindowBlocks)) {
      this.violated(node, "queues are bounded", `${waiting.blocks} bodies wait, ${synced ? "in sync" : "syncing"}`)
    }
    for (const { ip, use } of peers) {
      const peer = indexOf.get(ip)
      const pair = peer === undefined ? undefined : pairs.of(node.index, peer)
      if (pair === undefined || !pairs.healthy(pair, SimulationLimits.syncMs)) continue
      if (this.world.timeline.touched(node.index) > this.world.time.now - SimulationLimits.syncMs) continue
      // By a clock that is set back, or has long run slow, the other nodes' blocks are in the future; so are those of one that was set forward.
      const clockWrong = clockFaults(this.world.timeline.underWay).has(node.index) ||
        (peer !== undefined && this.future.has(peer))
      const why = ["it has nothing above", ...(clockWrong ? ["its next block is"] : [])]
      const fine = why.some((why) => use.startsWith(`not used: ${why}`))
      if (use.startsWith("not used") && !fine) this.violated(node, "honest peers are used", `${ip}: ${use}`)
    }
  }

  private violated(node: SimulatedNode, invariant: string, detail: string): void {
    this.world.violated(invariant, `${node.name}: ${detail}`)
  }

  /** Closes every node. `SimulatedNode.stop` checks what each leaves behind and how long it takes. */
  closing(reach: (ms: number) => Effect.Effect<boolean>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const open = new Set<number>()
      this.world.pairs.closing = true
      if (this.world.daemons !== undefined) this.world.daemons.watch.closing = true
      for (const [node] of this.running()) {
        open.add(node.index)
        node.stop(() => open.delete(node.index))
      }
      yield* reach(this.world.time.now + 2 * Limits.closeMs)
      for (const index of open) this.world.violated("a node closes in time", `node ${index} does not`)
    })
  }
}
