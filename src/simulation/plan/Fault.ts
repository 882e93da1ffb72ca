/**
 * What can go wrong in a simulated network. A fault is plain data, drawn from the seed before the run, so that a run can be
 * repeated without some of them.
 *
 * **Shapes**: nodes are numbers from 0. **Units**: `atMs` and `endMs` in ms since the simulation began; `endMs` is when the
 * fault is over (process restarted, link healed). An instantaneous fault has `endMs` = `atMs`.
 */

import * as SimulationLimits from "./Limits.ts"

/** How a hostile peer misbehaves. */
export type Hostility =
  /** Sends random bytes. */
  | "garbage"
  /** Announces frames over the limit. */
  | "oversize"
  /** Connects and stays silent. */
  | "half-open"
  /** Stops in the middle of the handshake, or sends it one byte at a time. */
  | "stall"
  /** Joins, claims a chain that does not exist, and delivers nothing or nonsense. */
  | "liar"
  /** Shows valid headers of a better chain, then answers block requests at one byte per second. */
  | "drip"
  /** The same, but stays silent. */
  | "withhold"
  /** The same, but leaves and comes back. */
  | "claim"
  /** Joins and advertises thousands of dead addresses. */
  | "spam"
  /** A well-behaved node of another network. */
  | "foreign"

export const hostilities: ReadonlyArray<Hostility> = [
  "garbage",
  "oversize",
  "half-open",
  "stall",
  "liar",
  "drip",
  "withhold",
  "claim",
  "spam",
  "foreign"
]

interface Timed {
  /** Its index in the plan, as `keep` names it. */
  readonly id: number
  readonly atMs: number
  readonly endMs: number
}

export type Fault =
  & Timed
  & (
    /** The process is killed (the kernel closes its connections) and restarts at the end, with its disk or an empty one. */
    | {
      readonly kind: "kill"
      readonly node: number
      readonly keepsState: boolean
      /** The kill comes in the middle of the node's next write, after this many statements, if a write comes before the end; absent: at once. */
      readonly inWrite?: number | undefined
    }
    /** The process is paused (SIGSTOP); its kernel keeps running. */
    | { readonly kind: "pause"; readonly node: number }
    /** The event loop is busy for up to seconds: a short pause. */
    | {
      readonly kind: "stall"
      readonly node: number
      /**
       * A second process dials the node from this peer's address. The stall begins when the node challenges the peer,
       * to see whether it is still there. `ms`: duration of the stall.
       */
      readonly challenge?: { readonly peer: number; readonly ms: number } | undefined
    }
    /** The machine vanishes silently; it boots again at the end. */
    | { readonly kind: "vanish"; readonly node: number }
    /** The machine vanishes and boots repeatedly, faster than its peers can tell which of its processes is alive. */
    | {
      readonly kind: "crash-loop"
      readonly node: number
      readonly reboots: ReadonlyArray<{ readonly downMs: number; readonly upMs: number }>
    }
    /** Nothing passes between two nodes, or from `a` to `b` only. */
    | { readonly kind: "cut"; readonly a: number; readonly b: number; readonly oneWay: boolean }
    /** Nothing passes between `side` and the rest; `out`: from the side only, `in`: to it only. */
    | { readonly kind: "partition"; readonly side: ReadonlyArray<number>; readonly way: "both" | "out" | "in" }
    /** Data between two nodes takes `latencyMs`. */
    | { readonly kind: "clog"; readonly a: number; readonly b: number; readonly latencyMs: number }
    /** Links are stopped one by one, each at its `stopMs`, and restored in a different order, each at its `restoreMs`. */
    | {
      readonly kind: "swizzle"
      readonly links: ReadonlyArray<{
        readonly a: number
        readonly b: number
        readonly stopMs: number
        readonly restoreMs: number
      }>
    }
    /** Every link has this latency and jitter, ms. */
    | { readonly kind: "storm"; readonly latencyMs: number; readonly jitterMs: number }
    /** Links to and from a node carry this many bytes per second. */
    | { readonly kind: "narrow"; readonly node: number; readonly bandwidth: number }
    /** The connection of two nodes is reset once `b` has read, or would have read, `bytes` more of what `a` sent. */
    | { readonly kind: "reset"; readonly a: number; readonly b: number; readonly bytes: number }
    /** Dials to the node are refused. */
    | { readonly kind: "refuse"; readonly node: number }
    /** The wall clock is set off by `ms`, and set right at the end. */
    | { readonly kind: "jump"; readonly node: number; readonly ms: number }
    /** The clocks run at this rate. */
    | { readonly kind: "drift"; readonly node: number; readonly rate: number }
    /** The process stops reading from its sockets. */
    | { readonly kind: "slow-reader"; readonly node: number }
    /** `to` stops reading, and `from` sends it `bytes` of application data: more than an outbox holds. */
    | { readonly kind: "flood"; readonly from: number; readonly to: number; readonly bytes: number }
    /** The node stops and restarts at another address (and back at its old one at the end). */
    | { readonly kind: "readdress"; readonly node: number }
    /** A second process joins the network from the node's address. */
    | { readonly kind: "twin"; readonly node: number }
    /** A hostile peer at an address of its own attacks the node. */
    | { readonly kind: "hostile"; readonly node: number; readonly how: Hostility }
    /** The node makes a branch that leaves its chain `depth` blocks below the tip and is one block longer. */
    | { readonly kind: "fork"; readonly node: number; readonly depth: number }
    /** Other nodes are given the node's second address as a peer. The node listens on both of its addresses. */
    | { readonly kind: "alias"; readonly node: number; readonly told: ReadonlyArray<number> }
  )

/** Whether a node does not know its own address, listens on all addresses of its host, and has a second one. */
export const isUnaware = (node: number): boolean => node % SimulationLimits.unaware === 1

export type FaultKind = Fault["kind"]

export const faultKinds: ReadonlyArray<FaultKind> = [
  "kill",
  "pause",
  "stall",
  "vanish",
  "crash-loop",
  "cut",
  "partition",
  "clog",
  "swizzle",
  "storm",
  "narrow",
  "reset",
  "refuse",
  "jump",
  "drift",
  "slow-reader",
  "flood",
  "readdress",
  "twin",
  "hostile",
  "fork",
  "alias"
]

/** Nodes whose wall clock is wrong while these faults last: set off, or long too slow or fast. */
export const clockFaults = (underWay: ReadonlyArray<Fault>): ReadonlySet<number> =>
  new Set(underWay.flatMap((fault) => fault.kind === "jump" || fault.kind === "drift" ? [fault.node] : []))
