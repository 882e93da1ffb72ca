/**
 * A simulated network: its nodes, what watches them, and the faults as they come and go. Everything in it is synchronous; time
 * moves only in `VirtualTime.runUntil`.
 */
import { Context, Effect, Layer, LogLevel, Scope } from "effect"
import type { Hasher } from "../domain/chain/Hasher.ts"
import * as DisconnectReason from "../domain/DisconnectReason.ts"
import { isHeartbeat, type NodeEvent } from "../domain/NodeEvent.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import * as PeerIps from "../domain/peer/PeerIp.ts"
import * as Subnet from "../domain/peer/Subnet.ts"
import * as TieBreak from "../domain/peer/TieBreak.ts"
import * as HasherLive from "../layers/chain/HasherLive.ts"
import { genesisOf } from "../layers/chain/StoredBlocks.ts"
import { MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"
import { PeerState } from "../services/PeerState.ts"
import { Sync } from "../services/Sync.ts"
import { addressesOf, everyAddressOf, outerOf } from "./Addresses.ts"
import { ChainJudge } from "./ChainJudge.ts"
import { Daemons, isDaemon } from "./Daemons.ts"
import * as Disk from "./Disk.ts"
import { type FaultWorld, inject } from "./FaultInjector.ts"
import * as Fleet from "./Fleet.ts"
import { Intruders } from "./Intruders.ts"
import { Links } from "./Links.ts"
import * as Seeds from "./machine/Seeds.ts"
import { plain, Trace } from "./machine/Trace.ts"
import { VirtualProcess } from "./machine/VirtualProcess.ts"
import { VirtualTime } from "./machine/VirtualTime.ts"
import * as Natures from "./Natures.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import type { Violation } from "./plan/SimulationReport.ts"
import * as Setting from "./Setting.ts"
import { SimulatedNode, type SimulatedNodeHost } from "./SimulatedNode.ts"
import * as SqliteDisk from "./SqliteDisk.ts"
import { Timeline } from "./Timeline.ts"
import { type PairView, PairWatch } from "./watch/PairWatch.ts"
import { RecoveryWatch } from "./watch/RecoveryWatch.ts"
import * as refusals from "./watch/refusals.ts"
import { Traffic } from "./watch/Traffic.ts"
import type { WorldOptions } from "./WorldOptions.ts"

export class World {
  readonly time: VirtualTime
  readonly options: WorldOptions
  readonly trace = new Trace()
  readonly nodes = new Map<number, SimulatedNode>()
  readonly pairs: PairWatch
  /** Of a mixed network. */
  readonly daemons: Daemons | undefined
  readonly traffic: Traffic
  readonly recovery = new RecoveryWatch()
  readonly fleet: Fleet.Fleet
  readonly violations: Array<Violation> = []
  readonly timeline: Timeline
  readonly downsByReason: Record<string, number> = {}
  /** Height and hash of the chain that a node last reported. */
  readonly tips = new Map<number, { readonly height: number; readonly hash: string }>()
  pings = 0
  reorgs = 0
  maxRecoveryMs = 0
  private readonly byIp = new Map<string, number>()
  private readonly faults: FaultWorld
  /** Callbacks for a node's next ping, by node. */
  private readonly pingTraps = new Map<number, { readonly to: ReadonlyArray<PeerIp>; readonly f: () => void }>()

  constructor(
    time: VirtualTime,
    options: WorldOptions,
    network: MemoryNetwork["Service"],
    judge: ChainJudge,
    hasher: Hasher,
    newDisk: (checks: Disk.DiskChecks) => Disk.Disk
  ) {
    this.time = time
    this.options = options
    this.fleet = options.masternodes ? Fleet.make(options.seed, options.planned) : Fleet.none
    const now = () => time.now
    const { wallMs, network: joined } = Setting.of[options.wire]
    const violated = (invariant: string, detail: string) => this.violated(invariant, detail)
    this.pairs = new PairWatch({
      now,
      violated,
      outdone: (a, b) => this.timeline.isOutdone(a, b),
      alive: (a, b) => this.isAlive(a) && this.isAlive(b),
      why: (a, b) => `${this.whyNode(a, b)} ${this.whyNode(b, a)}`,
      recovered: (pair, ms) => {
        if (pair.waiting.size === 0) return
        this.maxRecoveryMs = Math.max(this.maxRecoveryMs, ms)
        if (pair.apart === 0) this.recovery.recovered(this.timeline.kindsOf(pair), ms)
        if (options.mutant === "flap-recovered") this.flap(pair)
        this.timeline.recovered(pair)
      }
    }, options.nodes.filter((index) => options.wire === "native" || !isDaemon(index)))
    this.traffic = new Traffic({
      now,
      violated,
      disturbedAt: (node) => this.timeline.touched(node),
      connected: (node) => this.pairs.connected(node)
    })
    this.daemons = options.wire === "native" ? undefined : new Daemons(
      { time, seed: options.seed, wallMs, network, hasher, violated, made: (hashes) => judge.made(hashes) },
      {
        now,
        violated,
        nodes: () => [...this.nodes.values()].map(({ index, ip }) => [index, ip, this.isAlive(index)] as const),
        height: (node) => this.tips.get(node)?.height ?? 0,
        why: (node, ip) => this.why(node, ip)
      }
    )
    const links = new Links(network, everyAddressOf)
    this.faults = {
      time,
      network,
      links,
      intruders: new Intruders(time, options.seed, wallMs, network, joined),
      nodes: this.nodes,
      daemons: this.daemons?.all ?? new Map(),
      gone: (node) => {
        this.pairs.gone(node.index)
        this.daemons?.watch.gone(node.index)
        this.traffic.gone(node)
      },
      onPing: (node, to, f) => {
        if (f === undefined) this.pingTraps.delete(node)
        else this.pingTraps.set(node, { to, f })
      },
      made: (hashes) => judge.made(hashes)
    }
    this.timeline = new Timeline({
      time,
      pairs: this.pairs,
      nodes: options.nodes,
      inject: (fault) => inject(this.faults, fault),
      told: (fault, begins) => {
        this.tell({ fault, begins })
        this.daemons?.watch.disturb(fault, begins)
        if (begins) this.trace.number(fault.id)
      }
    })
    const host: SimulatedNodeHost = {
      time,
      seed: options.seed,
      wallMs,
      network: joined,
      peerSocket: (...ips) => network.host(...ips),
      newDisk: (node) =>
        newDisk({
          wrong: (...change) => judge.wrong(node.ip, ...change),
          violated: (detail) => this.violated("the chain grows by the rules", `${node.name}: ${detail}`)
        }),
      onEvent: (node, event) => this.onEvent(node, event),
      onLog: (node, level, message) => {
        this.trace.text(message)
        this.tell({ node: node.index, log: message })
        // A node logs errors only for its own program: what peers do to it are events.
        if (LogLevel.isGreaterThanOrEqualTo(level, "Error")) {
          this.violated("no node has a defect", `${node.name}: ${message}`)
        }
      },
      onStarted: (node, running) => {
        this.tips.set(node.index, Effect.runSync(Context.get(running.services, Sync).report).tip)
        this.traffic.start(node, running)
      },
      mutant: options.mutant,
      app: options.app,
      violated
    }
    this.populate(host, links)
  }

  private populate(host: SimulatedNodeHost, links: Links): void {
    const { nodes, planned, seed } = this.options
    const seeds = Array.from({ length: Math.min(SimulationLimits.seeds, planned) }, (_, i) => addressesOf(i)[0])
    const produceMs = SimulationLimits.produceMs * Math.max(1, planned / SimulationLimits.produceNodes)
    for (const { index, links: natures, offsetMs, rate, startMs } of Natures.draw(seed, planned)) {
      if (!nodes.includes(index)) continue
      const ips = addressesOf(index)
      for (const [other, nature] of natures.entries()) if (nodes.includes(other)) links.add(other, index, nature)
      if (this.daemons !== undefined && isDaemon(index)) {
        const knows = nodes.flatMap((other) => other === index ? [] : [addressesOf(other)[0]])
        const daemon = this.daemons.add({ index, ip: ips[0], knows, offsetMs, rate })
        this.time.at(startMs, () => daemon.start())
        continue
      }
      if (this.daemons !== undefined) {
        Effect.runSync(this.faults.network.secure(ips[0], { protocol: "timemesh/1", key: ips[0] }))
      }
      const produces = this.daemons === undefined &&
        index % Math.max(1, Math.floor(planned / SimulationLimits.producers)) === 0
      const outer = outerOf(index)
      const node = new SimulatedNode(host, {
        index,
        ips,
        outer,
        peers: seeds,
        produces,
        masternodes: this.options.masternodes,
        masternode: this.fleet.identities.get(index),
        produceMs,
        offsetMs,
        rate
      })
      this.nodes.set(index, node)
      for (const ip of everyAddressOf(index)) this.byIp.set(ip, index)
      this.time.at(startMs, () => node.start())
    }
  }

  private springPingTrap(node: number, ip: PeerIp): void {
    const trap = this.pingTraps.get(node)
    if (trap === undefined || !trap.to.includes(ip)) return
    this.pingTraps.delete(node)
    trap.f()
  }

  /** The defect `flap-recovered`. */
  private flap({ a, b }: PairView): void {
    this.time.at(this.time.now + SimulationLimits.flapMs, () => {
      const ends = [a, b].map((index) => this.nodes.get(index)?.ip)
      if (ends[0] !== undefined && ends[1] !== undefined) Effect.runSync(this.faults.network.reset(ends[0], ends[1]))
    })
  }

  violated(invariant: string, detail: string): void {
    if (this.violations.length >= SimulationLimits.violations) return
    this.violations.push({ atMs: Math.round(this.time.now), invariant, detail })
    this.tell({ violation: invariant, detail })
  }

  tell(what: object): void {
    this.options.onTrace?.(JSON.stringify({ t: Math.round(this.time.now), ...what }, plain))
  }

  /** Addresses of the network, of every kind of node. */
  private get honest(): ReadonlyArray<PeerIp> {
    const daemons = [...this.daemons?.all.values() ?? []].map(({ ip }) => ip)
    return [...[...this.byIp.keys()].map((text) => PeerIps.fromStringUnsafe(text)), ...daemons]
  }

  private isHonest(ip: PeerIp): boolean {
    return this.byIp.has(ip) || this.daemons?.at(ip) !== undefined
  }

  isAlive(index: number): boolean {
    const node = this.nodes.get(index)
    return node?.running !== undefined && !node.changing && !node.paused
  }

  /** Whether a fault touches one of two nodes, or did within the longest silence tolerated. */
  private isTouched(a: number, b: number): boolean {
    return Math.max(this.timeline.touched(a), this.timeline.touched(b)) > this.time.now - SimulationLimits.sendMs
  }

  /** What one node reports about another, asked in its own process. */
  private whyNode(at: number, other: number): string {
    const ip = this.nodes.get(other)?.ip
    return ip === undefined ? `There is no node ${other}.` : this.why(at, ip)
  }

  /** The same about an address. */
  private why(at: number, ip: PeerIp): string {
    const node = this.nodes.get(at)
    if (node?.running === undefined) return `Node ${at} does not run.`
    const { process, services } = node.running
    const question = Context.get(services, PeerState).why(ip)
    return `Node ${at}: ${Effect.runSync(Effect.provideContext(question, process.context)).text}`
  }

  // --- what nodes report --------------------------------------------------------------

  private onEvent(node: SimulatedNode, event: NodeEvent): void {
    this.trace.event(this.time.now, this.time.steps, node.index, event)
    if (isHeartbeat(event)) {
      this.pings += 1
      if (this.pingTraps.size > 0 && event._tag === "PingSent") this.springPingTrap(node.index, event.ip)
      return
    }
    this.tell({ node: node.index, ...event })
    switch (event._tag) {
      case "Up": {
        const peer = this.byIp.get(event.ip)
        if (this.faults.intruders.isForeign(event.ip)) {
          this.violated("networks do not mix", `${node.name} is connected with ${event.ip}, which is of another one`)
        }
        // A second process at the node's own address may connect from there.
        if (node.isAt(event.ip) && !this.faults.intruders.hasTwin(node.index)) {
          this.violated("no node is a peer of itself", `${node.name} is connected with ${event.ip}`)
        }
        if (!node.addresses.some((own) => event.role === TieBreak.rank(own, event.ip))) {
          this.violated("the lower address is the lower peer", `${node.name} is the ${event.role} one with ${event.ip}`)
        }
        if (!node.isNew(event.connection)) {
          this.violated("every connection has its own id", `${node.name}: ${event.connection} again, with ${event.ip}`)
        }
        const daemon = this.daemons?.at(event.ip)
        if (daemon !== undefined) this.daemons?.watch.up(node.index, daemon, event.connection)
        if (peer !== undefined) {
          this.pairs.up(node.index, peer, event.connection, {
            socket: event.socket,
            ip: event.ip,
            upAtMs: this.time.now,
            shared: false
          })
        }
        return
      }
      case "Dialling":
        if (this.byIp.has(event.ip)) this.recovery.dialled(node.index, this.time.now, this.pairs.healing)
        return
      case "Down": {
        const label = DisconnectReason.label(event.reason)
        this.downsByReason[label] = (this.downsByReason[label] ?? 0) + 1
        const peer = this.byIp.get(event.ip)
        const daemon = this.daemons?.at(event.ip)
        if (daemon !== undefined) this.daemons?.watch.down(node.index, daemon, event.connection, label)
        if (peer !== undefined) this.pairs.down(node.index, peer, event.connection, label)
        return
      }
      case "Refused": {
        const other = this.nodes.get(this.byIp.get(event.ip) ?? -1)
        const refusedHere = event.direction === "inbound" && event.reason.by === "local" &&
          event.reason.reject === "duplicate"
        if (other !== undefined && refusedHere) refusals.check(this, this.faults.network, node, other, event.socket)
        return
      }
      case "TipChanged":
        this.tips.set(node.index, { height: event.height, hash: event.hash })
        return
      case "Reorg":
        this.reorgs += 1
        return
      case "SyncBlamed": {
        const peer = this.byIp.get(event.ip)
        // A lying peer is blamed. An honest one must not be, unless it is stalled, or its answers wait behind a flood on a slow link.
        const isSlow = event.fault === "unresponsive" || event.fault === "stalled"
        const excused = isSlow && peer !== undefined && this.isTouched(node.index, peer)
        if (peer !== undefined && !excused) {
          this.violated(
            "no honest peer is blamed",
            `node ${node.index} blames node ${peer}: ${event.fault}, ${event.detail}`
          )
        }
        return
      }
      case "Offence":
        if (this.isHonest(event.ip)) {
          this.violated("no honest peer is accused", `${node.name} accuses ${event.ip}: ${event.kind}, ${event.detail}`)
        }
        return
      case "Banned":
        for (const ip of this.honest) {
          if (Subnet.contains(event.subnet, ip)) {
            this.violated("no honest peer is banned", `${node.name} bans ${event.subnet}: ${event.detail}`)
          }
        }
        return
      case "Evicted":
        return this.violated("no peer is evicted from a node with room", `${node.name} evicts ${event.ip}`)
      case "StoreFailed":
        return this.violated("the store works", `${node.name}: ${event.detail}`)
    }
  }
}

const disks = { memory: Disk.make, sqlite: SqliteDisk.make }

/** A network whose nodes are about to start. It and its disks end with the scope. */
export const make = Effect.fnUntraced(function*(options: WorldOptions) {
  const hasher = yield* HasherLive.make
  const scope = yield* Effect.scope
  const { params, wallMs } = Setting.of[options.wire]
  const time = new VirtualTime(Seeds.below(`${options.seed}/order`))
  const wires = new VirtualProcess(time, {
    name: "network",
    seed: `${options.seed}/network`,
    wallMs,
    rate: 1,
    isNetwork: true
  })
  // Run in a fiber of its own, at once: this fiber must never wait for the virtual scheduler.
  const context = Effect.runSyncWith(wires.context)(Layer.buildWithScope(MemoryNetwork.layer, scope))
  const network = Context.get(context, MemoryNetwork)
  const judge = new ChainJudge(hasher)
  judge.made([genesisOf(params).hash])
  return new World(
    time,
    options,
    network,
    judge,
    hasher,
    (checks) => Effect.runSync(Scope.provide(disks[options.store](params, checks), scope))
  )
})
