/** What a simulation was asked to do, and what it found: plain data. */
import type { Fault, FaultKind } from "./Fault.ts"
import type { Healing, Recoveries } from "./Recovery.ts"

/** `safety`: faults throughout. `liveness`: faults for the first half, then all but some nodes outside a core are healed. */
export type SimulationMode = "safety" | "liveness"

/** What the nodes keep their chains in. */
export type SimulatedStore = "memory" | "sqlite"

/** `native`: nodes of ours only. `mixed`: half of them are daemons of the TIME network, over TLS. */
export type SimulatedWire = "native" | "mixed"

/** What was between nodes of ours and daemons of the TIME network. */
export interface DaemonFigures {
  readonly daemons: number
  /** Pairs of a node and a daemon, and how many of them the daemon uses one connection with at the end, and has no other. */
  readonly pairs: number
  readonly settled: number
  /** Bans of a node by a daemon, and violations that daemons counted. */
  readonly bans: number
  readonly held: number
  /** Downs of settled pairs that no fault explains; and connections that gave way to a later one of the same pair. */
  readonly unfaultedDowns: number
  readonly replaced: number
  /** Greatest time until a pair was settled again, ms. */
  readonly maxRecoveryMs: number
}

export interface SimulationOptions {
  /** Everything is drawn from it. */
  readonly seed: number
  readonly nodes: number
  /** Virtual time. */
  readonly hours: number
  readonly mode: SimulationMode
  /** Kinds of faults that may happen; empty for none. */
  readonly faults: ReadonlyArray<FaultKind>
  /** `undefined`: drawn from the seed, mostly memory, which is faster. */
  readonly store?: SimulatedStore | undefined
  /** Default `native`. */
  readonly wire?: SimulatedWire | undefined
  /** Some nodes are masternodes, and at the end each node must count peers and masternodes right. Not of a mixed network. */
  readonly masternodes?: boolean | undefined
  /** Of the seed's plan only the faults with these ids; `undefined`: all. For shrinking and replay. */
  readonly keepFaults?: ReadonlyArray<number> | undefined
  /** Only these nodes exist, and only faults that concern no other; `undefined`: all. */
  readonly keepNodes?: ReadonlyArray<number> | undefined
  /** The nodes have this defect (`simulation/Mutant`): to show that it is found. */
  readonly mutant?: string | undefined
  /** Ends after so many virtual ms although the plan is for `hours`; beyond those, what is counted at the end is counted. */
  readonly untilMs?: number | undefined
}

/** A promise that was broken. */
export interface Violation {
  /** ms since the simulation began. */
  readonly atMs: number
  /** The invariant's name, the same in every run. */
  readonly invariant: string
  /** In words, with nodes and numbers. */
  readonly detail: string
}

/** One fault as it went. */
export interface FaultRecord {
  readonly fault: Fault
  /** ms from its end until the pairs it touched were connected again (or the node it touched had the best chain). */
  readonly recoveryMs: number | undefined
}

export interface SimulationReport {
  readonly seed: number
  readonly nodes: number
  readonly mode: SimulationMode
  /** Virtual hours that were run. */
  readonly virtualHours: number
  /** 16 hex digits; the same for the same options and version. */
  readonly traceHash: string
  /** Pairs of nodes that can reach one another at the end, and how many of them are connected. */
  readonly pairs: number
  readonly connected: number
  /** Times that a node had two connections up with one peer, or a pair two sockets at a check. */
  readonly duplicates: number
  /** Downs that no fault explains. */
  readonly unfaultedDowns: number
  /** Faults that happened, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Downs at all nodes, by `DisconnectReason.label`. */
  readonly downsByReason: Readonly<Record<string, number>>
  /** Times until pairs were connected again, ascending, and the dials of those times. */
  readonly recoveries: Recoveries
  readonly healing: Healing
  /** Greatest time from the end of the faults that touch a pair to its connection, ms. */
  readonly maxRecoveryMs: number
  /** Of a mixed network only. */
  readonly daemons?: DaemonFigures | undefined
  /** Heights at the end, by node. */
  readonly heights: ReadonlyArray<number>
  readonly reorgs: number
  /** Messages on connections that are up, received, all nodes. */
  readonly messages: number
  /** Tasks and alarms run. */
  readonly steps: number
  readonly timeline: ReadonlyArray<FaultRecord>
  /** At most `SimulationLimits.violations`; the run stops at the first. */
  readonly violations: ReadonlyArray<Violation>
  readonly ok: boolean
}
