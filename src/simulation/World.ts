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
import { type FaultWorld, inject, type Undo } from "./FaultInjector.ts"
import { Intruders } from "./Intruders.ts"
import { Links } from "./Links.ts"
import * as Seeds from "./machine/Seeds.ts"
import { plain, Trace } from "./machine/Trace.ts"
import { VirtualProcess } from "./machine/VirtualProcess.ts"
import { VirtualTime } from "./machine/VirtualTime.ts"
import type { Mutant } from "./Mutant.ts"
import { disturbance } from "./plan/Disturbance.ts"
import type { Fault, FaultKind } from "./plan/Fault.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import type { SimulatedStore, Violation } from "./plan/SimulationReport.ts"
import { SimulatedNode, type SimulatedNodeHost } from "./SimulatedNode.ts"
import * as SqliteDisk from "./SqliteDisk.ts"
import { type PairView, PairWatch } from "./watch/PairWatch.ts"
import { RecoveryWatch } from "./watch/RecoveryWatch.ts"
import { Traffic } from "./watch/Traffic.ts"

/** Wall time when a simulation begins, ms since 1970: devnet's blocks up to height 20,000,000 are due. */
const wallMs = (devnet.genesisTime + 20_000_000) * 1_000

/** A fault that has begun. */
export interface Active {
  readonly fault: Fault
  ended: boolean
  /** Pairs it kept apart that are not connected again, once it has ended. */
  waiting: number
  recoveryMs: number | undefined
}

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
  readonly timeline: Array<Active> = []
  readonly downsByReason: Record<string, number> = {}
  /** Height and hash of the chain that a node told of last. */
  readonly tips = new Map<number, { readonly height: number; readonly hash: string }>()
  pings = 0
  reorgs = 0
  maxRecoveryMs = 0
  private readonly byIp = new Map<string, number>()
  /** Until when a fault touched the node: infinite while one does. */
  private readonly touchedUntil = new Map<number, number>()
  private readonly active = new Map<number, Active & { readonly undo: Undo }>()
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
      outdone: (a, b) => this.isOutdone(a, b),
      alive: (a, b) => this.isAlive(a) && this.isAlive(b),
      why: (a, b) => `${this.why(a, b)} ${this.why(b, a)}`,
      recovered: (pair, ms) => {
        if (pair.waiting.size > 0) this.maxRecoveryMs = Math.max(this.maxRecoveryMs, ms)
        const records = [...pair.waiting].map((id) => this.timeline.find(({ fault }) => fault.id === id))
        if (pair.apart === 0) {
          this.recovery.recovered(records.flatMap((record) => record === undefined ? [] : [record.fault.kind]), ms)
        }
        for (const record of records) {
          if (record !== undefined && --record.waiting === 0) {
            record.recoveryMs = Math.round(time.now - record.fault.endMs)
          }
        }
        if (options.mutant === "flap-recovered" && pair.waiting.size > 0) this.flap(pair)
        pair.waiting.clear()
      }
    }, options.nodes)
    this.traffic = new Traffic({
      now,
      violated,
      disturbedAt: (node) => this.touched(node),
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

  /** A second process at the address of `a` or `b` may replace it at the other: it, or the link, is too slow to answer a challenge. */
  private isOutdone(a: number, b: number): boolean {
    const recent = this.timeline.filter(({ ended, fault }) =>
      !ended || fault.endMs > this.time.now - SimulationLimits.noticeMs
    ).map(({ fault }) => fault)
    const isAt = (node: number) => (fault: Fault) =>
      (fault.kind === "twin" && fault.node === node) || (fault.kind === "stall" && fault.challenge?.peer === node)
    const isSlow = (node: number) => (fault: Fault) =>
      fault.kind === "stall" ? fault.node === node : fault.kind === "clog" || fault.kind === "storm"
    return [a, b].some((node) => recent.some(isAt(node)) && recent.some(isSlow(node)))
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

  /** Kinds of the faults whose recovery waits for the pair. */
  kindsOf({ waiting }: PairView): ReadonlyArray<FaultKind> {
    return [...waiting].flatMap((id) => this.timeline.find(({ fault }) => fault.id === id)?.fault.kind ?? [])
  }

  isAlive(index: number): boolean {
    const node = this.nodes.get(index)
    return node?.running !== undefined && !node.changing && !node.paused
  }

  /** Whether a fault touches one of two nodes, or did within the time of the longest silence that is borne. */
  private isTouched(a: number, b: number): boolean {
    return Math.max(this.touched(a), this.touched(b)) > this.time.now - SimulationLimits.sendMs
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

  /** When a fault last touched the node, ms. */
  touched(node: number): number {
    return this.touchedUntil.get(node) ?? 0
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
          this.violated("nobody is a peer of itself", `${node.name} is connected with ${event.ip}`)
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
        // Whoever lies is blamed as long as it is connected: honest nodes must not be. Those that stand still may be.
        const excused = event.fault === "unresponsive" && peer !== undefined && this.isTouched(node.index, peer)
        if (peer !== undefined && !excused) {
          this.violated(
            "no honest peer is blamed",
            `node ${node.index} blames node ${peer}: ${event.fault}, ${event.detail}`
          )
        }
        return
      }
      case "StoreFailed":
        return this.violated("the store works", `${node.name}: ${event.detail}`)
    }
  }

  /**
   * Whom a node refuses as a duplicate must be one: another socket of the two is alive. What happened within the last moments
   * may not be known yet, and what a link delays may be anywhere.
   */
  private checkRefusal(node: SimulatedNode, peer: number, socket: string): void {
    const other = this.nodes.get(peer)
    const settled = this.time.now - SimulationLimits.newsMs
    if (other === undefined || !this.isAlive(peer) || other.startedMs > settled || node.startedMs > settled) return
    const lives = (kind: Fault["kind"]) => kind === "crash-loop" || kind === "vanish" || kind === "kill"
    const busy = this.underWay.some((fault) => !lives(fault.kind) && disturbance(fault).keepsApart(node.index, peer))
    const recent = this.timeline.some(({ ended, fault }) =>
      ended && fault.endMs > settled && !lives(fault.kind) && disturbance(fault).keepsApart(node.index, peer)
    )
    if (busy || recent) return
    const ends = new Set([...node.addresses, ...other.addresses])
    const living = Effect.runSync(this.faults.network.connections).some((connection) =>
      ends.has(connection.initiator.ip) && ends.has(connection.acceptor.ip) &&
      connection.initiatorOpen && connection.acceptorOpen && PeerAddress.format(connection.initiator) !== socket
    )
    if (!living) {
      this.violated(
        "the living are not refused for the dead",
        `${node.name} refuses ${socket} of ${other.name} as a duplicate, and has no other`
      )
    }
  }

  // --- faults ----------------------------------------------------------------------------

  /** Sets the faults up to happen when they are due. */
  schedule(faults: ReadonlyArray<Fault>): void {
    for (const fault of faults) {
      this.time.at(fault.atMs, () => this.begin(fault))
      this.time.at(fault.endMs, () => this.end(fault.id))
    }
  }

  private begin(fault: Fault): void {
    this.tell({ fault, begins: true })
    this.trace.number(fault.id)
    this.pairs.disturb(fault, 1)
    this.touch(fault, Number.POSITIVE_INFINITY)
    const undo = inject(this.faults, fault)
    const record = { fault, undo, ended: false, waiting: 0, recoveryMs: undefined }
    this.timeline.push(record)
    this.active.set(fault.id, record)
  }

  private touch(fault: Fault, until: number): void {
    const { keepsApart } = disturbance(fault)
    const busy = [...this.active.values()].map((other) => disturbance(other.fault).keepsApart)
    for (const index of this.nodes.keys()) {
      const hit = (f: (a: number, b: number) => boolean) =>
        [...this.nodes.keys()].some((other) => other !== index && f(index, other))
      if (!hit(keepsApart)) continue
      this.touchedUntil.set(index, busy.some(hit) ? Number.POSITIVE_INFINITY : until)
    }
  }

  /** Ends a fault, now or earlier than it was planned. */
  end(id: number): void {
    const record = this.active.get(id)
    if (record === undefined) return
    this.active.delete(id)
    this.tell({ fault: record.fault, begins: false })
    record.undo()
    record.ended = true
    this.pairs.disturb(record.fault, -1)
    this.touch(record.fault, this.time.now)
    record.waiting = this.pairs.all.filter((pair) => pair.waiting.has(id)).length
  }

  /** Faults that are under way. */
  get underWay(): ReadonlyArray<Fault> {
    return [...this.active.values()].map(({ fault }) => fault)
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
