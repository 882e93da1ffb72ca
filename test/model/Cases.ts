/** The settings that are searched: who knows whom, who can reach whom, how many processes there are. */
import * as Pair from "../../src/domain/pair/Pair.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { NodeSpec, Setting } from "./World.ts"

export interface Options {
  readonly slots: number
  readonly faults: number
  readonly anyTimer: boolean
  readonly step?: Pair.Step
}

const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(PeerIp.fromStringUnsafe)
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
  slots: options.slots,
  faults: options.faults,
  anyTimer: options.anyTimer,
  kind: "process",
  step: options.step ?? Pair.step
})

interface Who {
  readonly knows: boolean
  readonly reaches: boolean
}

const title = (name: string, { anyTimer, faults, slots }: Options): string =>
  `${name} · ${slots} sockets, ${faults} ${faults === 1 ? "fault" : "faults"}${anyTimer ? ", any timer" : ""}`

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
  slots: options.slots,
  faults: options.faults,
  anyTimer: options.anyTimer,
  kind: "processes",
  step: options.step ?? Pair.step
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
    slots: options.slots,
    faults: options.faults,
    anyTimer: options.anyTimer,
    kind: "addresses",
    step: options.step ?? Pair.step
  }
}
