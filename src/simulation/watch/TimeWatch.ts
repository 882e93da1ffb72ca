/**
 * Watches each pair of a node of ours and a daemon of the TIME network from outside, at both ends: the node's events, and the daemon's
 * slots and ledger. A pair is *settled* while the daemon has one connection with the node, uses it, and the node has it up.
 *
 * **Demanded.** A settled pair has no Down without a new fault. Nothing keeps a pair apart for longer than its rules allow. A connection
 * that the daemon does not use ends. No daemon ever bans a node; without faults, no daemon counts a violation against one.
 */
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { disturbance } from "../plan/Disturbance.ts"
import { clockFaults, type Fault } from "../plan/Fault.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { DaemonFigures } from "../plan/SimulationReport.ts"
import type { Ledger } from "../timed/Ledger.ts"

/** What is watched of a daemon. */
export interface WatchedDaemon {
  readonly index: number
  readonly name: string
  readonly ip: PeerIp
  readonly isAlive: boolean
  readonly height: number
  readonly ledger: Pick<Ledger, "bans" | "entries">
  /** Its connections with an address: the live ones, and the one in use. */
  readonly timed: {
    readonly live: (ip: string) => ReadonlyArray<object>
    readonly uses: (ip: string) => object | undefined
  } | undefined
}

export interface TimeWatchHost {
  readonly now: () => number
  readonly violated: (invariant: string, detail: string) => void
  /** Nodes of ours, by number: current address, and whether each runs. */
  readonly nodes: () => Iterable<readonly [index: number, ip: PeerIp, isAlive: boolean]>
  readonly daemons: ReadonlyMap<number, WatchedDaemon>
  /** Height that a node of ours last reported. */
  readonly height: (node: number) => number
  readonly why: (node: number, ip: PeerIp) => string
  /** The height that is due by now. A higher chain was made by a wrong clock, and is not followed yet. */
  readonly dueHeight: () => number
}

interface TimePairView {
  readonly node: number
  readonly daemon: WatchedDaemon
  /** Ids of the connections up at the node. */
  readonly up: Set<number>
  /** Disturbances under way, and when the last one ended, ms. */
  disturbances: number
  disturbedAt: number
  /** Since when it is settled; `undefined`: not settled since `partedAt`. */
  settledAt: number | undefined
  partedAt: number
  /** Settled with no fault under way since the last fault: a Down from here on is unexplained. */
  calm: boolean
  /** Since when the daemon has had a connection that it does not use. */
  unusedSince: number | undefined
  /** Since when one end has been below the other's height. */
  behindSince: number | undefined
  told: boolean
}

export class TimeWatch {
  private readonly host: TimeWatchHost
  private readonly pairs = new Map<string, TimePairView>()
  private readonly held = new Map<string, number>()
  /** Faults of a node's clock under way, and when the last of them ended, ms. */
  private readonly clocks = new Map<number, { readonly faults: number; readonly rightAt: number }>()
  private faults = 0
  private downs = 0
  private replaced = 0
  private maxRecoveryMs = 0
  /** The simulation is over and nodes close. */
  closing = false

  constructor(host: TimeWatchHost) {
    this.host = host
  }

  private of(node: number, daemon: WatchedDaemon): TimePairView {
    const key = `${node}/${daemon.index}`
    const known = this.pairs.get(key)
    if (known !== undefined) return known
    const made: TimePairView = {
      node,
      daemon,
      up: new Set(),
      disturbances: 0,
      disturbedAt: 0,
      settledAt: undefined,
      partedAt: 0,
      calm: false,
      unusedSince: undefined,
      behindSince: undefined,
      told: false
    }
    this.pairs.set(key, made)
    return made
  }

  /** A fault begins, or ends. */
  disturb(fault: Fault, begins: boolean): void {
    this.faults += begins ? 1 : 0
    for (const node of clockFaults([fault])) {
      this.clocks.set(node, {
        faults: (this.clocks.get(node)?.faults ?? 0) + (begins ? 1 : -1),
        rightAt: this.host.now()
      })
    }
    const { keepsApart } = disturbance(fault)
    for (const [node] of this.host.nodes()) {
      for (const daemon of this.host.daemons.values()) {
        if (!keepsApart(node, daemon.index)) continue
        const pair = this.of(node, daemon)
        pair.disturbances += begins ? 1 : -1
        pair.disturbedAt = this.host.now()
        pair.calm = false
        pair.told = false
      }
    }
  }

  up(node: number, daemon: WatchedDaemon, connection: number): void {
    const pair = this.of(node, daemon)
    if (pair.up.size > 0) {
      this.host.violated("one connection up per peer", `node ${node} has two with ${daemon.name}`)
    }
    pair.up.add(connection)
  }

  down(node: number, daemon: WatchedDaemon, connection: number, reason: string): void {
    const pair = this.of(node, daemon)
    pair.up.delete(connection)
    if (reason === "replaced") this.replaced += 1
    if (this.closing || !pair.calm) return
    this.downs += 1
    const seconds = Math.round((this.host.now() - (pair.settledAt ?? this.host.now())) / 1_000)
    this.host.violated(
      "no Down without a fault",
      `node ${node}: ${reason}, from ${daemon.name}, settled for ${seconds} s`
    )
  }

  /** The node's process is gone and reports nothing more. */
  gone(node: number): void {
    for (const pair of this.pairs.values()) if (pair.node === node) pair.up.clear()
  }

  check(): void {
    const alive = [...this.host.nodes()]
    for (const daemon of this.host.daemons.values()) {
      for (const [node, ip, isAlive] of alive) {
        this.account(daemon, node, ip)
        this.look(this.of(node, daemon), ip, isAlive && daemon.isAlive)
      }
    }
  }

  private account(daemon: WatchedDaemon, node: number, ip: PeerIp): void {
    const key = `${daemon.index}/${ip}`
    const [entries, bans] = [daemon.ledger.entries(ip), daemon.ledger.bans(ip)]
    if (entries.length + bans.length === (this.held.get(key) ?? 0)) return
    this.held.set(key, entries.length + bans.length)
    const ban = bans.at(-1)
    if (ban !== undefined) {
      return this.host.violated("no daemon bans a node", `${daemon.name}, node ${node}: ${ban.why}`)
    }
    const entry = entries.at(-1)
    if (this.faults === 0 && entry !== undefined) {
      this.host.violated("no daemon holds anything against a node", `${daemon.name}, node ${node}: ${entry.why}`)
    }
  }

  private look(pair: TimePairView, ip: PeerIp, bothRun: boolean): void {
    const now = this.host.now()
    const { daemon, node } = pair
    const live = daemon.timed?.live(ip) ?? []
    const isSettled = bothRun && pair.up.size === 1 && live.length === 1 && live[0] === daemon.timed?.uses(ip)
    if (isSettled && pair.settledAt === undefined) {
      pair.settledAt = now
      if (pair.disturbances === 0) {
        this.maxRecoveryMs = Math.max(this.maxRecoveryMs, now - Math.max(pair.disturbedAt, pair.partedAt))
      }
    }
    if (!isSettled && pair.settledAt !== undefined) {
      pair.settledAt = undefined
      pair.partedAt = now
    }
    const quietMs = now - Math.max(pair.disturbedAt, pair.settledAt ?? now)
    pair.calm = isSettled && pair.disturbances === 0 && quietMs >= SimulationLimits.silentNoticeMs
    if (pair.disturbances > 0 || !bothRun || pair.told) return
    const apartMs = now - Math.max(pair.disturbedAt, pair.partedAt)
    if (!isSettled && apartMs > SimulationLimits.timePairMs) {
      pair.told = true
      const ends = `${pair.up.size} up at the node, ${live.length} alive at the daemon`
      this.host.violated(
        "pairs settle",
        `node ${node} and ${daemon.name} are undisturbed for ${Math.round(apartMs / 1_000)} s: ${ends}; ${
          this.host.why(node, daemon.ip)
        }`
      )
    }
    this.unused(pair, live.length, daemon.timed?.uses(ip) !== undefined)
    this.follow(pair)
  }

  /** A connection that the daemon gave up or forgot answers pings for ever, so the node has to close it. */
  private unused(pair: TimePairView, live: number, usesOne: boolean): void {
    const now = this.host.now()
    if (live < (usesOne ? 2 : 1) || pair.up.size === 0) {
      pair.unusedSince = undefined
      return
    }
    pair.unusedSince ??= now
    const forMs = now - Math.max(pair.unusedSince, pair.disturbedAt)
    if (forMs <= (live > 1 ? SimulationLimits.timeUnusedMs : SimulationLimits.timeForgottenMs)) return
    pair.told = true
    this.host.violated(
      "no unused session lives on",
      `${pair.daemon.name} has ${live} with node ${pair.node} for ${Math.round(forMs / 1_000)} s, and uses ${
        usesOne ? "one" : "none"
      }`
    )
  }

  /** By a clock that is set back the other end's blocks are in the future, as are those of one set forward by the other end's clock. */
  private isClockWrong(node: number): boolean {
    const clock = this.clocks.get(node)
    return clock !== undefined &&
      (clock.faults > 0 || this.host.now() < clock.rightAt + SimulationLimits.aftermathMs)
  }

  /** Each end follows the other's chain. */
  private follow(pair: TimePairView): void {
    const now = this.host.now()
    const [ours, theirs] = [this.host.height(pair.node), pair.daemon.height]
    if (!pair.calm || ours === theirs || theirs > this.host.dueHeight() || this.isClockWrong(pair.node)) {
      pair.behindSince = undefined
      return
    }
    pair.behindSince ??= now
    if (now - pair.behindSince <= SimulationLimits.timeFollowMs) return
    pair.told = true
    this.host.violated(
      "a connected node follows",
      `node ${pair.node} is at ${ours} and ${pair.daemon.name} at ${theirs} for ${
        Math.round((now - pair.behindSince) / 1_000)
      } s`
    )
  }

  get figures(): DaemonFigures {
    const pairs = [...this.pairs.values()]
    const ledgers = [...this.host.daemons.values()].flatMap(({ ledger }) =>
      [...this.host.nodes()].map(([, ip]) => ({ bans: ledger.bans(ip).length, held: ledger.entries(ip).length }))
    )
    return {
      daemons: this.host.daemons.size,
      pairs: pairs.length,
      settled: pairs.filter(({ settledAt }) => settledAt !== undefined).length,
      bans: ledgers.reduce((sum, { bans }) => sum + bans, 0),
      held: ledgers.reduce((sum, { held }) => sum + held, 0),
      unfaultedDowns: this.downs,
      replaced: this.replaced,
      maxRecoveryMs: Math.round(this.maxRecoveryMs)
    }
  }
}
