/**
 * One node of a simulated network across all its processes: the machine, its clock, its disk, and the program that runs, stops,
 * is killed and restarts. The program is `ChainNode.layer`, as in the daemon.
 */
import { type Context, Effect, Exit, Layer, Schedule, Scope } from "effect"
import type { LogLevel } from "effect"
import * as Limits from "../domain/Limits.ts"
import type { Network } from "../domain/Network.ts"
import type { NodeEvent } from "../domain/NodeEvent.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import * as SignaturesLive from "../layers/masternode/SignaturesLive.ts"
import * as ChainNode from "../layers/node/ChainNode.ts"
import type { Node } from "../layers/node/Node.ts"
import * as PeerStoreMemory from "../layers/store/PeerStoreMemory.ts"
import * as Producer from "../layers/sync/Producer.ts"
import { HeartbeatPace, type Pace } from "../services/Cadence.ts"
import { OwnMasternode } from "../services/Masternodes.ts"
import { defaultTuning, type NodeConfig } from "../services/NodeConfig.ts"
import { NodeEvents } from "../services/NodeEvents.ts"
import { PeerSocket } from "../services/PeerSocket.ts"
import { PeerStore } from "../services/PeerStore.ts"
import type { Sync } from "../services/Sync.ts"
import type { App } from "./App.ts"
import type { Disk } from "./Disk.ts"
import { VirtualProcess } from "./machine/VirtualProcess.ts"
import type { VirtualTime } from "./machine/VirtualTime.ts"
import * as Mutant from "./Mutant.ts"
import type { Mutant as MutantName } from "./plan/Mutants.ts"

/** What the node needs from the simulation. */
export interface SimulatedNodeHost {
  readonly time: VirtualTime
  readonly seed: string
  /** Wall time when the simulation began, ms since 1970. */
  readonly wallMs: number
  readonly network: Network
  readonly peerSocket: (ip: PeerIp, ...more: ReadonlyArray<PeerIp>) => PeerSocket["Service"]
  /** Makes an empty disk. */
  readonly newDisk: (node: SimulatedNode) => Disk
  readonly onEvent: (node: SimulatedNode, event: NodeEvent) => void
  readonly onLog: (node: SimulatedNode, level: LogLevel.LogLevel, message: string) => void
  /** The program's layer is built: it runs. */
  readonly onStarted: (node: SimulatedNode, running: Running) => void
  readonly mutant: MutantName | undefined
  readonly app: App | undefined
  readonly violated: (invariant: string, detail: string) => void
}

export interface Running {
  readonly process: VirtualProcess
  readonly scope: Scope.Closeable
  readonly services: Context.Context<Node | Sync>
}

/** The same pace; `onTurn` is called for each turn. No step of its own: a pace that must run in a fiber would cost one a beat. */
const counted = (pace: Pace, onTurn: () => void): Pace =>
  Schedule.fromStep(Effect.map(Schedule.toStep(pace), (next) => (now, input) => {
    onTurn()
    return next(now, input)
  }))

export interface SimulatedNodeOptions {
  readonly index: number
  /** The node's home address, and one it may change to. */
  readonly ips: readonly [PeerIp, PeerIp]
  /**
   * Set for a node that does not know its own address and listens on all of its host. This address of its own is configured as a peer:
   * think of one peer list used everywhere, or a router that lets a node dial its own public address.
   */
  readonly outer: PeerIp | undefined
  /** Addresses that it is configured with. */
  readonly peers: ReadonlyArray<PeerIp>
  readonly produces: boolean
  /** Whether it keeps a registry of masternodes, and the masternode that it is itself. */
  readonly masternodes: boolean
  readonly masternode: OwnMasternode | undefined
  /** Block interval of the network, ms. */
  readonly produceMs: number
  /** Wall clock offset, ms, and the rate of its clocks. */
  readonly offsetMs: number
  readonly rate: number
}

export class SimulatedNode {
  readonly index: number
  readonly options: SimulatedNodeOptions
  ip: PeerIp
  disk: Disk
  /** `undefined`: not running. */
  running: Running | undefined
  /** Starting or stopping. */
  changing = false
  /** Start time of its process, ms. */
  startedMs = 0
  /** Beats of the heart of all its processes. */
  beats = 0
  private pauses = 0
  private readonly host: SimulatedNodeHost
  private peerStore: PeerStore["Service"]
  private incarnation = 0
  private starting: VirtualProcess | undefined
  /** Ids of connections that came up in this process. */
  private readonly ids = new Set<number>()
  private offsetMs: number
  private rate: number

  constructor(host: SimulatedNodeHost, options: SimulatedNodeOptions) {
    this.host = host
    this.index = options.index
    this.options = options
    this.ip = options.ips[0]
    this.offsetMs = options.offsetMs
    this.rate = options.rate
    this.disk = host.newDisk(this)
    this.peerStore = PeerStoreMemory.make()
  }

  get name(): string {
    return `node ${this.index} (${this.ip})`
  }

  /** Its second address, if it has one. */
  private get outer(): ReadonlyArray<PeerIp> {
    const { ips, outer } = this.options
    return outer === undefined || this.ip !== ips[0] ? [] : [outer]
  }

  /** Current address. Another process may be at its former one. */
  get addresses(): ReadonlyArray<PeerIp> {
    return [this.ip, ...this.outer]
  }

  isAt(ip: PeerIp): boolean {
    return this.addresses.includes(ip)
  }

  private get process(): VirtualProcess | undefined {
    return this.running?.process ?? this.starting
  }

  start(): void {
    if (this.process !== undefined) return
    const { host } = this
    const process = new VirtualProcess(host.time, {
      name: `node ${this.index}`,
      seed: `${host.seed}/node ${this.index}/${this.incarnation++}`,
      wallMs: host.wallMs + this.offsetMs,
      rate: this.rate,
      onLog: (level, message) => host.onLog(this, level, message)
    })
    this.starting = process
    this.changing = true
    this.ids.clear()
    this.startedMs = host.time.now
    const scope = Scope.makeUnsafe()
    const program = Layer.buildWithMemoMap(this.program(process), Layer.makeMemoMapUnsafe(), scope)
    process.start(program, (exit) => {
      if (this.starting !== process) return
      this.starting = undefined
      this.changing = false
      if (Exit.isFailure(exit)) return host.violated("a node starts", `${this.name}: ${String(exit.cause)}`)
      this.running = { process, scope, services: exit.value }
      host.onStarted(this, this.running)
    })
  }

  private program(process: VirtualProcess) {
    const { host, options, outer } = this
    const peers = [...options.peers.filter((ip) => ip !== this.ip), ...outer]
    const setup: NodeConfig["Service"] = {
      network: host.network,
      listen: { ip: options.outer === undefined ? this.ip : "any", port: host.network.port },
      advertise: undefined,
      peers: peers.map((ip) => PeerAddress.make(ip, host.network.port)),
      software: "timemesh/simulated",
      tuning: defaultTuning,
      produces: options.produces,
      masternodes: options.masternodes
    }
    const watch = Layer.effectDiscard(
      Effect.flatMap(NodeEvents, (events) => events.listen((event) => host.onEvent(this, event)))
    )
    const app = host.app?.({
      index: this.index,
      ip: this.ip,
      violated: (invariant, detail) => host.violated(invariant, `${this.name}: ${detail}`)
    })
    const producer = options.produces ? Producer.layer({ everyMs: options.produceMs }) : Layer.empty
    return (app === undefined ? producer : Layer.merge(producer, app)).pipe(
      Layer.provideMerge(ChainNode.layer(setup, watch)),
      Layer.provide([
        Layer.succeed(PeerSocket, host.peerSocket(this.ip, ...outer)),
        Layer.succeed(PeerStore, this.peerStore),
        this.disk.layer(() => process.state === "ended"),
        Layer.succeed(OwnMasternode, options.masternode),
        SignaturesLive.layerInTurn,
        Layer.succeed(HeartbeatPace, counted(Mutant.heartbeatPace(host.mutant), () => void this.beats++)),
        Mutant.layer(host.mutant)
      ])
    )
  }

  /** Kills the process silently. The caller takes care of the network's side. */
  kill(): void {
    this.process?.end()
    this.disk.killed()
    this.running = undefined
    this.starting = undefined
    this.changing = false
  }

  /** Replaces its disk. Only while it is not running. */
  wipe(): void {
    this.disk = this.host.newDisk(this)
    this.peerStore = PeerStoreMemory.make()
  }

  /** Closes the node's layer and reports when that is done. Anything left behind is a violation. */
  stop(done: () => void): void {
    const { running } = this
    if (running === undefined) return done()
    const { process, scope } = running
    const { host } = this
    const begun = host.time.now
    const pauses = process.state === "paused" ? Number.NaN : this.pauses
    this.changing = true
    process.start(Scope.close(scope, Exit.void), (exit) => {
      if (process.state === "ended") return
      const took = host.time.now - begun
      if (Exit.isFailure(exit)) host.violated("a node closes", `${this.name}: ${String(exit.cause)}`)
      if (took > Limits.closeMs && this.pauses === pauses) {
        host.violated("a node closes in time", `${this.name} took ${Math.round(took)} ms`)
      }
      // Work triggered by the last steps of closing ends in this moment's remaining tasks.
      host.time.at(host.time.now + 1, () => {
        if (process.state === "ended") return
        if (process.fibers > 0 || process.alarms > 0) {
          const left = `${process.fibers} fibers, ${process.alarms} timers`
          host.violated("nothing is left of a closed node", `${this.name}: ${left}`)
        }
        process.end()
        this.running = undefined
        this.changing = false
        done()
      })
    })
  }

  /** Whether the id is new in this process. */
  isNew(connection: number): boolean {
    const { size } = this.ids
    return this.ids.add(connection).size > size
  }

  pause(): void {
    this.pauses += 1
    this.process?.pause()
  }

  resume(): void {
    this.process?.resume()
  }

  get paused(): boolean {
    return this.process?.state === "paused"
  }

  /** Sets the wall clock. */
  jump(ms: number): void {
    this.offsetMs += ms
    this.process?.jump(ms)
  }

  /** Sets the rate of its clocks; `undefined`: back to their own rate, with the wall clock set right. */
  drift(rate: number | undefined): void {
    this.rate = rate ?? this.options.rate
    this.process?.setRate(this.rate, rate !== undefined)
  }
}
