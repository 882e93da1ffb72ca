/** The settings that are searched: who knows whom, who can reach whom, how many processes there are. */
import * as Pair from "../../src/domain/pair/Pair.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { FaultKind, NodeSpec, Setting } from "./World.ts"

export interface Options {
  readonly slots: number
  readonly faults: number
  readonly anyTimer: boolean
  /** What can go wrong; `break` and `crash` unless said otherwise. */
  readonly kinds?: ReadonlyArray<FaultKind>
  /** Unless said otherwise Hellos number their sockets. */
  readonly numbers?: boolean
  /** Timers of a process that stood still blame before it reads. Never, unless said otherwise. */
  readonly forgetsLag?: boolean
  readonly step?: Pair.Step
}

const common = ({ anyTimer, faults, forgetsLag, kinds, numbers, slots, step }: Options) => ({
  slots,
  faults,
  anyTimer,
  kinds: kinds ?? ["break", "crash"] as const,
  numbers: numbers ?? true,
  forgetsLag: forgetsLag ?? false,
  merges: false,
  step: step ?? Pair.step
})

const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map(PeerIp.fromStringUnsafe)
const address = (i: number): PeerIp.PeerIp => addresses[i] ?? PeerIp.fromStringUnsafe("10.0.0.9")

const L = 0
const H = 1

/** Two nodes; knowledge spreads by Hello, and a restart forgets what was not configured. */
const twoNodes = (name: string, lower: Who, higher: Who) => (options: Options): Setting => ({
  name: title(name, options),
  nodes: [
    { name: "L", process: 0, knows: lower.knows, targets: [{ node: H, reaches: lower.reaches }] },
    { name: "H", process: 1, knows: higher.knows, targets: [{ node: L, reaches: higher.reaches }] }
  ],
  role: (node) => node === L ? "lower" : "higher",
  self: (node) => address(node),
  ...common(options),
  kind: "process"
})

interface Who {
  readonly knows: boolean
  readonly reaches: boolean
}

const title = (name: string, { anyTimer, faults, forgetsLag, kinds, numbers, slots }: Options): string =>
  `${name} · ${slots} sockets, ${faults} ${faults === 1 ? "fault" : "faults"}` +
  `${kinds === undefined ? "" : ` (${kinds.join(", ")})`}${anyTimer ? ", any timer" : ""}` +
  `${numbers === false ? ", sockets without numbers" : ""}${forgetsLag === true ? ", own lag forgotten" : ""}`

export const seven: ReadonlyArray<(options: Options) => Setting> = [
  twoNodes("both know and reach", { knows: true, reaches: true }, { knows: true, reaches: true }),
  twoNodes("H dials in vain", { knows: true, reaches: true }, { knows: true, reaches: false }),
  twoNodes("L dials in vain", { knows: true, reaches: false }, { knows: true, reaches: true }),
  twoNodes("only H knows", { knows: false, reaches: true }, { knows: true, reaches: true }),
  twoNodes("only L knows", { knows: true, reaches: true }, { knows: false, reaches: true }),
  twoNodes("only L knows and reaches", { knows: true, reaches: true }, { knows: false, reaches: false }),
  twoNodes("only H knows and reaches", { knows: false, reaches: false }, { knows: true, reaches: true })
]

/** Processes X and Y behind one address, and the node P they both want; a dial of P may lead to either. */
const twoProcesses = (name: string, shared: "lower" | "higher") => (options: Options): Setting => ({
  name: title(name, options),
  nodes: [
    { name: "X", process: 0, knows: true, targets: [{ node: 2, reaches: true }] },
    { name: "Y", process: 1, knows: true, targets: [{ node: 2, reaches: true }] },
    { name: "P", process: 2, knows: true, targets: [{ node: 0, reaches: true }, { node: 1, reaches: true }] }
  ],
  role: (node) => (node === 2) === (shared === "higher") ? "lower" : "higher",
  self: (node) => address(node === 2 ? 2 : 0),
  ...common(options),
  kind: "processes"
})

export const behindHigher = twoProcesses("two processes behind the higher IP", "higher")
export const behindLower = twoProcesses("two processes behind the lower IP", "lower")

/**
 * One process with two addresses, B and C, each a pair of its own for it; A knows it by one of them or learns both. A is
 * lower or higher than each.
 */
export const alias = (name: string, b: "lower" | "higher", c: "lower" | "higher") => (options: Options): Setting => {
  const nodes: ReadonlyArray<NodeSpec> = [
    { name: "A", process: 0, knows: false, targets: [{ node: 1, reaches: true }] },
    { name: "B", process: 1, knows: true, targets: [{ node: 0, reaches: true }] },
    { name: "C", process: 1, knows: true, targets: [{ node: 0, reaches: true }] }
  ]
  return {
    name: title(name, options),
    nodes,
    role: (node, peer) => {
      const ofA = (node === 0 ? peer : node) === 1 ? b : c
      return node === 0 ? ofA : ofA === "lower" ? "higher" : "lower"
    },
    self: (node, peer) => node === 0 ? address(peer) : address(0),
    ...common(options),
    kind: "addresses"
  }
}

/**
 * Two processes with two addresses each: A has the lowest and the highest, or both lowest ones. A dials B's second from its
 * first, B dials A's second from its first, so that they may come up twice; whatever A dials later, B sees its first address.
 * Of two connections that are up A closes one (PROTOCOL 4.1).
 */
export const twice = (name: string, [a1, a2, b1, b2]: readonly [number, number, number, number]) => {
  /** The peer's pair is named by our address. */
  const ownOf = (_node: number, peer: number): number => peer === B1 ? a1 : peer === B2 ? a2 : peer === A1 ? b1 : b2
  return (options: Options): Setting => ({
    name: title(name, options),
    nodes: [
      { name: "A/b1", process: 0, knows: false, targets: [{ node: B1, reaches: true }] },
      { name: "A/b2", process: 0, knows: true, targets: [{ node: B1, reaches: true }] },
      { name: "B/a1", process: 1, knows: false, targets: [{ node: A1, reaches: true }] },
      { name: "B/a2", process: 1, knows: true, targets: [{ node: A1, reaches: true }] }
    ],
    role: (node, peer) => ownOf(node, peer) < ownOf(peer, node) ? "lower" : "higher",
    self: (node, peer) => address(ownOf(node, peer)),
    ...common(options),
    kind: "addresses",
    merges: true
  })
}

/** Nodes of `twice`: the pair of A with B's first address and so on. */
const A1 = 0
const B1 = 2
const B2 = 3
