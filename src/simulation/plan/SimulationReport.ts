/** What a simulation was asked to do, and what it found: plain data. */
import type { Fault, FaultKind } from "./Fault.ts"
import type { Healing, Recoveries } from "./Recovery.ts"

/** `safety`: faults throughout. `liveness`: faults for the first half, then a core is healed and faults remain only outside it. */
export type SimulationMode = "safety" | "liveness"

/** Storage for the nodes' chains. */
export type SimulatedStore = "memory" | "sqlite"

/** `native`: only our own nodes. `mixed`: half of the nodes are daemons of the TIME network, over TLS. */
export type SimulatedWire = "native" | "mixed"

/** Figures for the pairs of our nodes and daemons of the TIME network. */
export interface DaemonFigures {
  readonly daemons: number
  /** Pairs of a node and a daemon, and how many have at the end exactly one connection, which the daemon uses. */
  readonly pairs: number
  readonly settled: number
  /** Bans of a node by a daemon, and violations counted by daemons. */
  readonly bans: number
  readonly held: number
  /** Unexplained Downs of settled pairs; and connections that gave way to a later one of the same pair. */
  readonly unfaultedDowns: number
  readonly replaced: number
  /** Maximum time until a pair was settled again, ms. */
  readonly maxRecoveryMs: number
}

export interface SimulationOptions {
  /** Everything random is drawn from it. */
  readonly seed: number
  readonly nodes: number
  /** Virtual time. */
  readonly hours: number
  readonly mode: SimulationMode
  /** Kinds of faults that may happen; empty: no faults. */
  readonly faults: ReadonlyArray<FaultKind>
  /** `undefined`: drawn from the seed; usually memory, which is faster. */
  readonly store?: SimulatedStore | undefined
  /** Default `native`. */
  readonly wire?: SimulatedWire | undefined
  /** Some nodes are masternodes, and at the end each node must count peers and masternodes right. Not for a mixed network. */
  readonly masternodes?: boolean | undefined
  /** Only these faults of the seed's plan, by id; `undefined`: all. For shrinking and replay. */
  readonly keepFaults?: ReadonlyArray<number> | undefined
  /** Only these nodes exist, and only faults that concern no other node; `undefined`: all. */
  readonly keepNodes?: ReadonlyArray<number> | undefined
  /** Gives the nodes this defect (`simulation/Mutant`), to show that the simulator finds it. */
  readonly mutant?: string | undefined
  /** Ends after this many virtual ms although the plan covers `hours`; if past the plan, the final count still runs. */
  readonly untilMs?: number | undefined
}

/** A broken promise. */
export interface Violation {
  /** ms since the simulation began. */
  readonly atMs: number
  /** The invariant's name, the same in every run. */
  readonly invariant: string
  /** Description with nodes and numbers. */
  readonly detail: string
}

/** The course of one fault. */
export interface FaultRecord {
  readonly fault: Fault
  /** ms from its end until the pairs it touched were connected again (or the node it touched had the best chain). */
  readonly recoveryMs: number | undefined
}

export interface SimulationReport {
  readonly seed: number
  readonly nodes: number
  readonly mode: SimulationMode
  /** Virtual hours that ran. */
  readonly virtualHours: number
  /** Trace hash, 16 hex digits: equal for equal options and version. */
  readonly traceHash: string
  /** Pairs of nodes that can reach each other at the end, and how many of them are connected. */
  readonly pairs: number
  readonly connected: number
  /** How often a node had two connections up with one peer, or a pair had two sockets at a check. */
  readonly duplicates: number
  /** Downs not explained by a fault. */
  readonly unfaultedDowns: number
  /** Faults that happened, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Downs at all nodes, by `DisconnectReason.label`. */
  readonly downsByReason: Readonly<Record<string, number>>
  /** Times until pairs were connected again, ascending, and the dials made meanwhile. */
  readonly recoveries: Recoveries
  readonly healing: Healing
  /** Maximum time from the end of the last fault that touched a pair to its connection, ms. */
  readonly maxRecoveryMs: number
  /** Only for a mixed network. */
  readonly daemons?: DaemonFigures | undefined
  /** Heights at the end, by node. */
  readonly heights: ReadonlyArray<number>
  readonly reorgs: number
  /** Messages received on connections that are up, over all nodes. */
  readonly messages: number
  /** Tasks and alarms executed. */
  readonly steps: number
  readonly timeline: ReadonlyArray<FaultRecord>
  /** At most `SimulationLimits.violations`; the run stops at the first violation. */
  readonly violations: ReadonlyArray<Violation>
  readonly ok: boolean
}
