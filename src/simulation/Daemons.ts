/** The daemons of a mixed network, and what watches them. */
import type { Block } from "../domain/chain/Block.ts"
import * as BlockHeader from "../domain/chain/BlockHeader.ts"
import * as ChainParams from "../domain/chain/ChainParams.ts"
import * as Hash from "../domain/chain/Hash.ts"
import type { Hasher } from "../domain/chain/Hasher.ts"
import * as HeaderRules from "../domain/chain/HeaderRules.ts"
import * as Synthetic from "../domain/chain/Synthetic.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import { SimulatedDaemon, type SimulatedDaemonHost, type SimulatedDaemonOptions } from "./SimulatedDaemon.ts"
import { TimeWatch, type TimeWatchHost } from "./watch/TimeWatch.ts"

const params = ChainParams.testnet

/** Whether a node of a mixed network is a daemon. */
export const isDaemon = (index: number): boolean =>
  index % SimulationLimits.daemonEvery === SimulationLimits.daemonEvery - 1

/** Wall time when a mixed simulation begins, ms since 1970: when the last of the daemons' initial blocks was due. */
export const wallMs = ChainParams.dueAt(params, SimulationLimits.daemonBlocks) * 1_000 + SimulationLimits.startMs

/** The daemons' initial blocks: 1, 2, …. */
export const firstBlocks = (hasher: Hasher): ReadonlyArray<Block> => {
  let parent = Synthetic.genesisParent(params)
  return Array.from({ length: SimulationLimits.daemonBlocks }, (_, i) => {
    const made = Synthetic.onTop(params, hasher, parent, ChainParams.dueAt(params, i + 1), {
      leader: "10.0.0.2",
      address: "TIME0twin"
    })
    parent = HeaderRules.parentOf(made.block.header, made.hash)
    return made.block
  })
}

export class Daemons {
  readonly all = new Map<number, SimulatedDaemon>()
  readonly watch: TimeWatch
  private readonly byIp = new Map<PeerIp, SimulatedDaemon>()
  private readonly host: SimulatedDaemonHost
  private readonly chain: ReadonlyArray<Block>

  constructor(host: SimulatedDaemonHost, watched: Omit<TimeWatchHost, "daemons" | "dueHeight">) {
    this.host = host
    this.watch = new TimeWatch({
      ...watched,
      daemons: this.all,
      dueHeight: () => ChainParams.maxHeight(params, wallMs + watched.now())
    })
    this.chain = firstBlocks(host.hasher)
    host.made(this.chain.map(({ header }) => Hash.toHex(BlockHeader.hash(host.hasher, header))))
  }

  /** Adds a daemon that does not run yet. The first one makes the network's blocks. */
  add(options: Omit<SimulatedDaemonOptions, "chain" | "produces">): SimulatedDaemon {
    const daemon = new SimulatedDaemon(this.host, { ...options, chain: this.chain, produces: this.all.size === 0 })
    this.all.set(options.index, daemon)
    this.byIp.set(options.ip, daemon)
    return daemon
  }

  at(ip: PeerIp): SimulatedDaemon | undefined {
    return this.byIp.get(ip)
  }
}
