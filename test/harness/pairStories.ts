/** What a pair's watch is told in tests, event by event, and the faults of these stories. */
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { Fault } from "../../src/simulation/plan/Fault.ts"
import * as SimulationLimits from "../../src/simulation/plan/Limits.ts"
import { PairWatch } from "../../src/simulation/watch/PairWatch.ts"

export const boundMs = 6_000

/** ms. Late enough that nothing is excused because the simulation has only begun. */
export const settledMs = 10 * SimulationLimits.aftermathMs

/** Nodes 0, 1 and 2, in a story told a line at a time. */
export class Story {
  now = 0
  readonly violations: Array<string> = []
  readonly recoveries: Array<readonly [pair: string, ms: number, waiting: ReadonlyArray<number>]> = []
  readonly dead = new Set<number>()
  /** A second process may take a node's place. */
  impostor = false
  readonly watch = new PairWatch({
    now: () => this.now,
    violated: (invariant, detail) => this.violations.push(`${invariant}: ${detail}`),
    alive: (a, b) => !this.dead.has(a) && !this.dead.has(b),
    outdone: () => this.impostor,
    why: (a, b) => `why ${a} ${b}`,
    recovered: ({ a, b, waiting }, ms) => {
      this.recoveries.push([`${a}${b}`, ms, [...waiting]])
      waiting.clear()
    }
  }, [0, 1, 2])

  at(ms: number): this {
    this.now = ms
    return this
  }

  /** An end of a connection comes up at `node`. The socket is the connection's; `home` 1: under the peer's other address. */
  up(node: number, peer: number, connection: number, socket = `s${connection}`, home = 0): this {
    const ip = PeerIp.fromStringUnsafe(`10.${home}.0.${peer}`)
    this.watch.up(node, peer, connection, { socket, ip, upAtMs: this.now, shared: false })
    return this
  }

  /** Both ends. */
  join(a: number, b: number, connection: number): this {
    return this.up(a, b, connection).up(b, a, connection)
  }

  down(node: number, peer: number, connection: number, reason = "silent"): this {
    this.watch.down(node, peer, connection, reason)
    return this
  }

  begin(fault: Fault): this {
    this.watch.disturb(fault, 1)
    return this
  }

  end(fault: Fault): this {
    this.watch.disturb(fault, -1)
    return this
  }

  gone(node: number): this {
    this.watch.gone(node)
    return this
  }

  check(): this {
    this.watch.check(() => boundMs)
    return this
  }

  /** All three pairs connected at 0, and then long undisturbed. */
  static settled(): Story {
    return new Story().join(0, 1, 1).join(0, 2, 2).join(1, 2, 3).at(settledMs)
  }
}

export const timed = { atMs: 0, endMs: Number.POSITIVE_INFINITY }

export const cut: Fault = { ...timed, id: 1, kind: "cut", a: 0, b: 1, oneWay: false }

export const kill: Fault = { ...timed, id: 2, kind: "kill", node: 0, keepsState: true }

export const stall: Fault = { ...timed, id: 3, kind: "stall", node: 0 }

export const jump: Fault = { ...timed, id: 4, kind: "jump", node: 0, ms: 1 }

export const apart = "pairs connect"
