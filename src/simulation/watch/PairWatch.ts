/**
 * The connections between every two nodes of a simulated network, the faults that disturb each pair, and what may be demanded of it.
 * Observed from outside through the nodes' own events: no node's table is trusted.
 */
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { disturbance } from "../plan/Disturbance.ts"
import type { Fault } from "../plan/Fault.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import { type End, Excuses } from "./Excuses.ts"

export interface Held {
  readonly socket: string
  /** Time of its Up, ms. */
  readonly upAtMs: number
  /** It has been up at both ends. */
  shared: boolean
  /** The peer's address. */
  readonly ip: PeerIp
}

export interface PairView {
  readonly a: number
  readonly b: number
  /** Connections up at `a`'s and at `b`'s end, by id. A peer that changed its address may be up under both addresses for a while. */
  readonly upAtA: Map<number, Held>
  readonly upAtB: Map<number, Held>
  /** What explains that the pair's connection goes down. */
  readonly excuses: Excuses
  /** Disturbances under way that keep the pair apart, and when the last of them ended, ms. */
  apart: number
  apartUntil: number
  /** Disturbances under way during which a connection may come up at one end only, and when the last of them ended, ms. */
  oneSided: number
  oneSidedUntil: number
  /** Since when both ends have had the same socket up, and no other. */
  agreedAt: number | undefined
  /** When that ended, ms. */
  partedAt: number
  /** Faults that the pair has not recovered from yet. */
  readonly waiting: Set<number>
  /** It was already reported as late. */
  overdue: boolean
}

export interface PairWatchHost {
  readonly now: () => number
  readonly violated: (invariant: string, detail: string) => void
  /** Whether both nodes run. */
  readonly alive: (a: number, b: number) => boolean
  /** Whether a second process at a node's address may replace it, because it cannot answer in time. */
  readonly outdone: (a: number, b: number) => boolean
  /** What each of two nodes reports about the other, in words. */
  readonly why: (a: number, b: number) => string
  /** The pair is connected again, this long after the last fault that kept it apart. */
  readonly recovered: (pair: PairView, ms: number) => void
}

export class PairWatch {
  private readonly host: PairWatchHost
  private readonly pairs: Array<PairView> = []
  private readonly byKey = new Map<number, PairView>()
  private readonly byNode = new Map<number, Array<PairView>>()
  duplicates = 0
  unfaultedDowns = 0
  /** The simulation is over and nodes close. */
  closing = false

  constructor(host: PairWatchHost, nodes: ReadonlyArray<number>) {
    this.host = host
    for (const a of nodes) {
      for (const b of nodes) {
        if (a >= b) continue
        const pair: PairView = {
          a,
          b,
          upAtA: new Map(),
          upAtB: new Map(),
          excuses: new Excuses(),
          apart: 0,
          apartUntil: 0,
          oneSided: 0,
          oneSidedUntil: Number.NEGATIVE_INFINITY,
          agreedAt: undefined,
          partedAt: Number.NEGATIVE_INFINITY,
          waiting: new Set(),
          overdue: false
        }
        this.pairs.push(pair)
        this.byKey.set(a * 65_536 + b, pair)
        for (const node of [a, b]) this.byNode.set(node, [...this.byNode.get(node) ?? [], pair])
      }
    }
  }

  get all(): ReadonlyArray<PairView> {
    return this.pairs
  }

  /** Whether a pair is still unconnected although nothing keeps it apart. */
  get healing(): boolean {
    return this.pairs.some((pair) => pair.apart === 0 && pair.waiting.size > 0)
  }

  of(x: number, y: number): PairView | undefined {
    return this.byKey.get(Math.min(x, y) * 65_536 + Math.max(x, y))
  }

  /** Nodes that a node has a connection up with, and the address under which it has each. */
  connected(node: number): ReadonlyArray<{ readonly node: number; readonly ip: PeerIp }> {
    const connected: Array<{ readonly node: number; readonly ip: PeerIp }> = []
    for (const { a, b, upAtA, upAtB } of this.byNode.get(node) ?? []) {
      const first = (a === node ? upAtA : upAtB).values().next().value
      if (first !== undefined) connected.push({ node: a === node ? b : a, ip: first.ip })
    }
    return connected
  }

  // --- what disturbs them ---------------------------------------------------------

  /** A fault begins (`sign` 1) or ends (−1). */
  disturb(fault: Fault, sign: 1 | -1): void {
    const disturbed = disturbance(fault)
    const now = this.host.now()
    for (const pair of this.pairs) {
      if (!disturbed.keepsApart(pair.a, pair.b)) continue
      pair.apart += sign
      if (disturbed.oneSided(pair.a, pair.b)) pair.oneSided += sign
      if (sign > 0) {
        pair.excuses.add(fault.id, disturbed, pair.a, pair.b, now)
        continue
      }
      pair.excuses.end(fault.id, now)
      if (disturbed.oneSided(pair.a, pair.b)) pair.oneSidedUntil = now
      pair.apartUntil = now
      pair.overdue = false
      if (pair.agreedAt === undefined) pair.waiting.add(fault.id)
    }
  }

  // --- what the nodes report ------------------------------------------------------

  up(at: number, peer: number, connection: number, held: Held): void {
    const pair = this.of(at, peer)
    if (pair === undefined) return
    const mine = at === pair.a ? pair.upAtA : pair.upAtB
    const other = [...mine.values()].find(({ ip }) => ip === held.ip)
    if (other !== undefined) {
      this.duplicates += 1
      const both = `${held.socket} up with node ${peer} beside ${other.socket}`
      this.host.violated("one connection up per peer", `node ${at} has ${both}`)
    }
    const others = at === pair.a ? pair.upAtB : pair.upAtA
    for (const other of others.values()) {
      if (other.socket === held.socket) other.shared = held.shared = true
    }
    mine.set(connection, held)
    this.judge(pair)
  }

  down(at: number, peer: number, connection: number, reason: string): void {
    const pair = this.of(at, peer)
    if (pair === undefined) return
    const mine = at === pair.a ? pair.upAtA : pair.upAtB
    const held = mine.get(connection)
    mine.delete(connection)
    if (held === undefined) {
      this.host.violated(
        "a Down follows an Up",
        `node ${at}: connection ${connection} with node ${peer} came down unheard of`
      )
    } else if (!this.closing && !this.isExcused(pair, at === pair.a ? "a" : "b", held, reason)) {
      this.unfaultedDowns += 1
      const now = this.host.now()
      const upFor = Math.round((now - held.upAtMs) / 1_000)
      const whose = pair.agreedAt === undefined ? ", at this end only" : ""
      this.host.violated(
        "no Down without a fault",
        `node ${at}: ${reason}, from node ${peer}, up for ${upFor} s${whose}`
      )
    }
    this.judge(pair)
  }

  private isExcused(pair: PairView, end: End, held: Held, reason: string): boolean {
    // Two nodes with two addresses each, connected across: one connection suffices.
    if ((end === "a" ? pair.upAtA : pair.upAtB).size > 0) return true
    const now = this.host.now()
    // Up at one end only: with another process, or because the answer took longer than a handshake may.
    const noticeMs = reason === "silent" ? SimulationLimits.silentNoticeMs : SimulationLimits.noticeMs
    const isOneSided = !held.shared && (pair.oneSided > 0 || now < pair.oneSidedUntil + noticeMs)
    if (isOneSided || this.host.outdone(pair.a, pair.b)) return true
    return pair.excuses.take({
      atMs: now,
      // A handshake that was under way when the fault ended may still come up at one end.
      upAtMs: held.shared ? held.upAtMs : held.upAtMs - SimulationLimits.newsMs,
      end,
      silent: reason === "silent",
      apartUntilMs: pair.apart > 0 ? now : pair.apartUntil
    })
  }

  /** The node's process is gone and reports nothing more. */
  gone(node: number): void {
    for (const pair of this.byNode.get(node) ?? []) {
      const mine = pair.a === node ? pair.upAtA : pair.upAtB
      mine.clear()
      this.judge(pair)
    }
  }

  private judge(pair: PairView): void {
    const [a] = pair.upAtA.values()
    const [b] = pair.upAtB.values()
    if (pair.upAtA.size !== 1 || pair.upAtB.size !== 1 || a?.socket !== b?.socket) {
      if (pair.agreedAt !== undefined) pair.partedAt = this.host.now()
      pair.agreedAt = undefined
      return
    }
    if (pair.agreedAt !== undefined) return
    const now = this.host.now()
    pair.agreedAt = now
    // Connected although something may still keep it apart: no bound applies, but nothing waits for the pair any more.
    this.host.recovered(pair, pair.apart === 0 ? now - pair.apartUntil : 0)
  }

  // --- what is demanded -----------------------------------------------------------

  /** Pairs that should be connected and are not. `boundMs`: how long the timers allow. */
  check(boundMs: (pair: PairView) => number): void {
    const now = this.host.now()
    for (const pair of this.pairs) {
      if (pair.agreedAt !== undefined || pair.apart > 0 || pair.overdue || !this.host.alive(pair.a, pair.b)) continue
      // Two nodes with two addresses each are connected twice until one of the connections is found redundant.
      const since = Math.max(pair.apartUntil, pair.partedAt)
      if (now - since <= boundMs(pair) || now - pair.partedAt <= SimulationLimits.mergeMs) continue
      pair.overdue = true
      const ends = `${sockets(pair.upAtA)} at ${pair.a}, ${sockets(pair.upAtB)} at ${pair.b}`
      const seconds = Math.round((now - since) / 1_000)
      this.host.violated(
        "pairs connect",
        `nodes ${pair.a} and ${pair.b} are undisturbed for ${seconds} s and not connected: ${ends}; ${
          this.host.why(pair.a, pair.b)
        }`
      )
    }
  }

  /** Whether the pair has been connected and undisturbed for this long. */
  healthy(pair: PairView, forMs: number): boolean {
    const now = this.host.now()
    return pair.agreedAt !== undefined && pair.apart === 0 && now >= pair.agreedAt + forMs &&
      now >= pair.apartUntil + forMs
  }
}

const sockets = (up: ReadonlyMap<number, Held>): string =>
  [...up.values()].map(({ socket }) => socket).join() || "nothing"
