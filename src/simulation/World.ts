/**
 * A simulated network: its nodes, what watches them, and the faults as they come and go. Everything in it is synchronous; time
 * moves only in `VirtualTime.runUntil`.
 */
import { Context, Effect, Layer, LogLevel, Scope } from "effect"
import { devnet } from "../domain/chain/ChainParams.ts"
import * as DisconnectReason from "../domain/DisconnectReason.ts"
import { networks } from "../domain/Network.ts"
import type { NodeEvent } from "../domain/NodeEvent.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
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
import type { App } from "./App.ts"
import { ChainJudge } from "./ChainJudge.ts"
import * as Disk from "./Disk.ts"
import { type FaultWorld, inject } from "./FaultInjector.ts"
import { Intruders } from "./Intruders.ts"
import { Links } from "./Links.ts"
import * as Seeds from "./machine/Seeds.ts"
import { plain, Trace } from "./machine/Trace.ts"
import { VirtualProcess } from "./machine/VirtualProcess.ts"
import { VirtualTime } from "./machine/VirtualTime.ts"
import type { Mutant } from "./Mutant.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import type { SimulatedStore, Violation } from "./plan/SimulationReport.ts"
import { SimulatedNode, type SimulatedNodeHost } from "./SimulatedNode.ts"
import * as SqliteDisk from "./SqliteDisk.ts"
import { Timeline } from "./Timeline.ts"
import { type PairView, PairWatch } from "./watch/PairWatch.ts"
import { RecoveryWatch } from "./watch/RecoveryWatch.ts"
import { Traffic } from "./watch/Traffic.ts"

/** Wall time when a simulation begins, ms since 1970: devnet's blocks up to height 20,000,000 are due. */
const wallMs = (devnet.genesisTime + 20_000_000) * 1_000

export interface WorldOptions {
  readonly seed: string
  /** Numbers of the nodes that exist, ascending, of so many that were planned. */
  readonly nodes: ReadonlyArray<number>
  readonly planned: number
  readonly mutant: Mutant | undefined
  readonly store: SimulatedStore
  readonly app: App | undefined
  /** One JSON object per line: every event but pings and pongs, and every fault. */
  readonly onTrace: ((line: string) => void) | undefined
}

const isFrequent = (event: NodeEvent) =>
  event._tag === "PingSent" || event._tag === "PingReceived" || event._tag === "PongSent" ||
  event._tag === "PongReceived"

export class World {
  readonly time: VirtualTime
  readonly options: WorldOptions
  readonly trace = new Trace()
  readonly nodes = new Map<number, SimulatedNode>()
  readonly pairs: PairWatch
  readonly traffic: Traffic
  readonly recovery = new RecoveryWatch()
  readonly violations: Array<Violation> = []
  readonly timeline: Timeline
  readonly downsByReason: Record<string, number> = {}
  /** Height and hash of the chain that a node reported last. */
  readonly tips = new Map<number, { readonly height: number; readonly hash: string }>()
  pings = 0
  reorgs = 0
  maxRecoveryMs = 0
  private readonly byIp = new Map<string, number>()
  private readonly faults: FaultWorld
  /** What is to happen when a node next sends a ping, by node. */
  private readonly pingTraps = new Map<number, { readonly to: ReadonlyArray<PeerIp>; readonly f: () => void }>()

  constructor(
    time: VirtualTime,
    options: WorldOptions,
    network: MemoryNetwork["Service"],
    judge: ChainJudge,
    newDisk: (checks: Disk.DiskChecks) => Disk.Disk
  ) {
    this.time = time
    this.options = options
    const now = () => time.now
    const violated = (invariant: string, detail: string) => this.violated(invariant, detail)
    this.pairs = new PairWatch({
      now,
      violated,
      outdone: (a, b) => this.timeline.isOutdone(a, b),
      alive: (a, b) => this.isAlive(a) && this.isAlive(b),
      why: (a, b) => `${this.why(a, b)} ${this.why(b, a)}`,
      recovered: (pair, ms) => {
        if (pair.waiting.size === 0) return
        this.maxRecoveryMs = Math.max(this.maxRecoveryMs, ms)
        if (pair.apart === 0) this.recovery.recovered(this.timeline.kindsOf(pair), ms)
        if (options.mutant === "flap-recovered") this.flap(pair)
        this.timeline.recovered(pair)
      }
    }, options.nodes)
    this.traffic = new Traffic({
      now,
      violated,
      disturbedAt: (node) => this.timeline.touched(node),
      connected: (node) => this.pairs.connected(node)
    })
    const links = new Links(network, everyAddressOf)
    this.faults = {
      time,
      network,
      links,
      intruders: new Intruders(time, options.seed, wallMs, network, networks.devnet),
      nodes: this.nodes,
      gone: (node) => {
        this.pairs.gone(node.index)
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
        if (begins) this.trace.number(fault.id)
      }
    })
    const host: SimulatedNodeHost = {
      time,
      seed: options.seed,
      wallMs,
      network: networks.devnet,
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
        // A node logs errors of its own program only: what peers do to it are events.
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
    const draw = Seeds.random(`${seed}/nature`)
    const seeds = Array.from({ length: Math.min(SimulationLimits.seeds, planned) }, (_, i) => addressesOf(i)[0])
    const produceMs = SimulationLimits.produceMs * Math.max(1, planned / SimulationLimits.produceNodes)
    // Drawn for all that were planned, so that leaving some out changes nothing for the others.
    for (let index = 0; index < planned; index++) {
      const offsetMs = Math.round((2 * draw.nextDoubleUnsafe() - 1) * SimulationLimits.clockMs)
      const rate = 1 + (2 * draw.nextDoubleUnsafe() - 1) * SimulationLimits.clockRate
      const startMs = draw.nextDoubleUnsafe() * SimulationLimits.startMs
      const natures = Array.from({ length: index }, () => {
        const latencyMs = SimulationLimits.latencyMinMs +
          draw.nextDoubleUnsafe() ** 2 * (SimulationLimits.latencyMaxMs - SimulationLimits.latencyMinMs)
        const jitterMs = latencyMs * SimulationLimits.jitter * draw.nextDoubleUnsafe()
        const maxChunk =
          SimulationLimits.chunkBytes[Math.floor(draw.nextDoubleUnsafe() * SimulationLimits.chunkBytes.length)] ??
            1_460
        return { latencyMs, jitterMs, maxChunk }
      })
      if (!nodes.includes(index)) continue
      const ips = addressesOf(index)
      const produces = index % Math.max(1, Math.floor(planned / SimulationLimits.producers)) === 0
      const outer = outerOf(index)
      const node = new SimulatedNode(host, { index, ips, outer, peers: seeds, produces, produceMs, offsetMs, rate })
      this.nodes.set(index, node)
      for (const ip of everyAddressOf(index)) this.byIp.set(ip, index)
      for (const [other, nature] of natures.entries()) if (nodes.includes(other)) links.add(other, index, nature)
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

  isAlive(index: number): boolean {
    const node = this.nodes.get(index)
    return node?.running !== undefined && !node.changing && !node.paused
  }

  /** Whether a fault touches one of two nodes, or did within the time of the longest silence that is borne. */
  private isTouched(a: number, b: number): boolean {
    return Math.max(this.timeline.touched(a), this.timeline.touched(b)) > this.time.now - SimulationLimits.sendMs
  }

  /** What a node says about another, asked in its own process. */
  private why(at: number, other: number): string {
    const node = this.nodes.get(at)
    const ip = this.nodes.get(other)?.ip
    if (node?.running === undefined || ip === undefined) return `Node ${at} does not run.`
    const { process, services } = node.running
    const question = Context.get(services, PeerState).why(ip)
    return `Node ${at}: ${Effect.runSync(Effect.provideContext(question, process.context)).text}`
  }

  // --- what nodes tell -----------------------------------------------------------------

  private onEvent(node: SimulatedNode, event: NodeEvent): void {
    this.trace.event(this.time.now, this.time.steps, node.index, event)
    if (isFrequent(event)) {
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
        // From where a second process is, that one may come.
        if (node.isAt(event.ip) && !this.faults.intruders.hasTwin(node.index)) {
          this.violated("no node is a peer of itself", `${node.name} is connected with ${event.ip}`)
        }
        if (!node.addresses.some((own) => event.role === TieBreak.rank(own, event.ip))) {
          this.violated("the lower address is the lower peer", `${node.name} is the ${event.role} one with ${event.ip}`)
        }
        if (!node.isNew(event.connection)) {
          this.violated("every connection has its own id", `${node.name}: ${event.connection} again, with ${event.ip}`)
        }
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
        if (peer !== undefined) this.pairs.down(node.index, peer, event.connection, label)
        return
      }
      case "Refused": {
        const peer = this.byIp.get(event.ip)
        const refusedHere = event.direction === "inbound" && event.reason.by === "local" &&
          event.reason.reject === "duplicate"
        if (peer !== undefined && refusedHere) this.checkRefusal(node, peer, event.socket)
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
        // A peer that lies is blamed; an honest one must not be, unless it stands still, or its answers wait behind a flood on a slow link.
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
        if (this.byIp.has(event.ip)) {
          this.violated("no honest peer is accused", `${node.name} accuses ${event.ip}: ${event.kind}, ${event.detail}`)
        }
        return
      case "Banned":
        for (const text of this.byIp.keys()) {
          const ip = PeerIps.fromStringUnsafe(text)
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

  /**
   * What a node refuses as a duplicate must be one: another socket of the two is alive. What happened within the last moments may not be
   * known yet, and what a link delays may be anywhere.
   */
  private checkRefusal(node: SimulatedNode, peer: number, socket: string): void {
    const other = this.nodes.get(peer)
    const settled = this.time.now - SimulationLimits.newsMs
    if (other === undefined || !this.isAlive(peer) || other.startedMs > settled || node.startedMs > settled) return
    if (this.timeline.isSlow(node.index, peer)) return
    const ends = new Set([...node.addresses, ...other.addresses])
    const living = Effect.runSync(this.faults.network.connections).some((connection) =>
      ends.has(connection.initiator.ip) && ends.has(connection.acceptor.ip) &&
      connection.initiatorOpen && connection.acceptorOpen && PeerAddress.format(connection.initiator) !== socket
    )
    if (!living) {
      this.violated(
        "a live peer is not refused for a dead one",
        `${node.name} refuses ${socket} of ${other.name} as a duplicate, and has no other`
      )
    }
  }
}

const disks = { memory: Disk.make, sqlite: SqliteDisk.make }

/** A network with its nodes about to start. It and its disks end with the scope. */
export const make = Effect.fnUntraced(function*(options: WorldOptions) {
  const hasher = yield* HasherLive.make
  const scope = yield* Effect.scope
  const time = new VirtualTime(Seeds.below(`${options.seed}/order`))
  const wires = new VirtualProcess(time, {
    name: "network",
    seed: `${options.seed}/network`,
    wallMs,
    rate: 1,
    isNetwork: true
  })
  // At once, in a fiber of its own: this one must not come to wait for the virtual scheduler.
  const context = Effect.runSyncWith(wires.context)(Layer.buildWithScope(MemoryNetwork.layer, scope))
  const network = Context.get(context, MemoryNetwork)
  const judge = new ChainJudge(hasher)
  judge.made([genesisOf(devnet).hash])
  return new World(
    time,
    options,
    network,
    judge,
    (checks) => Effect.runSync(Scope.provide(disks[options.store](devnet, checks), scope))
  )
})
