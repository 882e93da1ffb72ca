/**
 * One daemon of the TIME network in a simulated network, across all its processes: a twin built from what is known of the real daemon
 * (docs/TIME-NETWORK.md). Its chain and its ledger of violations outlive its processes. One daemon makes a block whenever one is due.
 */
import { Effect, Schedule, Scope, Stream } from "effect"
import type { Block } from "../domain/chain/Block.ts"
import * as BlockHeader from "../domain/chain/BlockHeader.ts"
import * as ChainParams from "../domain/chain/ChainParams.ts"
import * as Hash from "../domain/chain/Hash.ts"
import type { Hasher } from "../domain/chain/Hasher.ts"
import * as HeaderRules from "../domain/chain/HeaderRules.ts"
import * as Synthetic from "../domain/chain/Synthetic.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"
import { VirtualProcess } from "./machine/VirtualProcess.ts"
import type { VirtualTime } from "./machine/VirtualTime.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import { Ledger } from "./timed/Ledger.ts"
import { Timed } from "./timed/Timed.ts"

export interface SimulatedDaemonHost {
  readonly time: VirtualTime
  readonly seed: string
  /** Wall time when the simulation began, ms since 1970. */
  readonly wallMs: number
  readonly network: MemoryNetwork["Service"]
  readonly hasher: Hasher
  /** Hashes of blocks that a daemon made. */
  readonly made: (hashes: ReadonlyArray<string>) => void
  readonly violated: (invariant: string, detail: string) => void
}

export interface SimulatedDaemonOptions {
  readonly index: number
  readonly ip: PeerIp
  /** Addresses that it dials, as from a list of masternodes. */
  readonly knows: ReadonlyArray<PeerIp>
  /** Its initial blocks: 1, 2, …. */
  readonly chain: ReadonlyArray<Block>
  readonly produces: boolean
  /** See `SimulatedNodeOptions`. */
  readonly offsetMs: number
  readonly rate: number
}

export class SimulatedDaemon {
  readonly index: number
  readonly ip: PeerIp
  readonly ledger = new Ledger()
  /** `undefined`: not running. */
  timed: Timed | undefined
  private readonly host: SimulatedDaemonHost
  private readonly options: SimulatedDaemonOptions
  private chain: ReadonlyArray<Block>
  private process: VirtualProcess | undefined
  private incarnation = 0

  constructor(host: SimulatedDaemonHost, options: SimulatedDaemonOptions) {
    this.host = host
    this.options = options
    this.index = options.index
    this.ip = options.ip
    this.chain = options.chain
  }

  get name(): string {
    return `daemon ${this.index} (${this.ip})`
  }

  get isAlive(): boolean {
    return this.process?.state === "running"
  }

  get height(): number {
    return this.timed?.chain.height ?? this.chain.length
  }

  start(): void {
    if (this.process !== undefined) return
    const { hasher, network, seed, time, violated, wallMs } = this.host
    const { knows, offsetMs, produces, rate } = this.options
    const process = new VirtualProcess(time, {
      name: this.name,
      seed: `${seed}/daemon ${this.index}/${this.incarnation++}`,
      wallMs: wallMs + offsetMs,
      rate
    })
    const timed = new Timed({ ip: this.ip, hasher, knows, chain: this.chain, ledger: this.ledger, remembers: false })
    this.process = process
    this.timed = timed
    const producing = Stream.fromSchedule(Schedule.spaced(SimulationLimits.daemonLookMs)).pipe(
      Stream.runForEach(() => Effect.sync(() => this.produce(process, timed))),
      Effect.andThen(Effect.never)
    )
    const program = Effect.andThen(timed.start(network), produces ? producing : Effect.never)
    process.start(Effect.andThen(Scope.make(), (scope) => Scope.provide(program, scope)), (exit) => {
      if (process.state !== "ended") violated("a daemon runs", `${this.name}: ${String(exit)}`)
    })
  }

  /** Makes the next block if it is due. */
  private produce(process: VirtualProcess, { chain }: Timed): void {
    const params = ChainParams.testnet
    const { hasher, made } = this.host
    const last = chain.blocks.at(-1)
    if (last === undefined) return
    const due = ChainParams.dueAt(params, chain.height + 1)
    if (due * 1_000 > process.wallMs) return
    const parent = chain.height === 0
      ? Synthetic.genesisParent(params)
      : HeaderRules.parentOf(last.header, BlockHeader.hash(hasher, last.header))
    const next = Synthetic.onTop(params, hasher, parent, due, { leader: this.ip, address: "TIME0twin" })
    made([Hash.toHex(next.hash)])
    chain.adds([next.block])
  }

  /** Kills the process silently. The caller takes care of the network's side. */
  kill(): void {
    this.chain = this.timed?.chain.blocks.slice(1) ?? this.chain
    this.process?.end()
    this.process = undefined
    this.timed = undefined
  }

  pause(): void {
    this.process?.pause()
  }

  resume(): void {
    this.process?.resume()
  }

  /** As in `SimulatedNode`: sets its wall clock, or the rate of its clocks. */
  jump(ms: number): void {
    this.process?.jump(ms)
  }

  drift(rate: number | undefined): void {
    this.process?.setRate(rate ?? this.options.rate, rate !== undefined)
  }
}
