/** What runs: workloads, who takes part, how often and how long. */
import { type Name, names } from "../impl/Implementation.ts"
import type { Options } from "./Peer.ts"

export interface Step {
  readonly workload: string
  readonly implementations: ReadonlyArray<Name>
  readonly rounds: number
  readonly roles: ReadonlyArray<"server" | "client">
  readonly options: Options
  /** ms for one pair of processes. */
  readonly timeoutMs: number
}

const base: Options = {
  warmMs: 400,
  measureMs: 1_000,
  nodes: 50,
  peers: 2_000,
  idlePeers: 1_000,
  idleMs: 30_000,
  crowds: [10, 100, 1_000, 2_000],
  blocks: 100_000
}
const short: Options = { ...base, warmMs: 200, measureMs: 400 }
const pair = ["server", "client"] as const
/** The same workloads over TLS, by what speaks it. */
const overTls = ["bare-tls", "timemesh-tls"] as const
const apart = new Set<Name>(["before", "blind", ...overTls])
const stacks = names.filter((name) => !apart.has(name))
/** Where what the node observes of itself may cost something: throughput and memory. */
const withBlind = [...stacks, "blind"] as const
/** Packing by hand matters where messages are packed. */
const withoutPacked = stacks.filter((name) => name !== "libp2p-packed")

const full: ReadonlyArray<Step> = [
  { workload: "messages", implementations: withBlind, rounds: 3, roles: pair, options: base, timeoutMs: 20_000 },
  { workload: "bulk", implementations: stacks, rounds: 3, roles: pair, options: base, timeoutMs: 20_000 },
  { workload: "rtt", implementations: stacks, rounds: 5, roles: pair, options: short, timeoutMs: 20_000 },
  { workload: "mesh", implementations: withoutPacked, rounds: 2, roles: ["server"], options: base, timeoutMs: 45_000 },
  {
    workload: "heap",
    implementations: [...withoutPacked, "blind"],
    rounds: 1,
    roles: pair,
    options: base,
    timeoutMs: 60_000
  },
  {
    workload: "idle",
    implementations: ["bare", "timemesh"],
    rounds: 1,
    roles: pair,
    options: base,
    timeoutMs: 120_000
  },
  {
    workload: "flat",
    implementations: withoutPacked,
    rounds: 2,
    roles: pair,
    options: { ...base, measureMs: 600 },
    timeoutMs: 60_000
  },
  { workload: "tls-bulk", implementations: overTls, rounds: 3, roles: pair, options: base, timeoutMs: 20_000 },
  { workload: "tls-rtt", implementations: overTls, rounds: 5, roles: pair, options: short, timeoutMs: 20_000 },
  { workload: "tls-heap", implementations: overTls, rounds: 1, roles: pair, options: base, timeoutMs: 120_000 },
  { workload: "sync", implementations: ["timemesh"], rounds: 2, roles: pair, options: base, timeoutMs: 120_000 },
  // Long enough for a thousand questions while it syncs: of a hundred, the 99th percentile is the slowest one.
  {
    workload: "api",
    implementations: ["timemesh"],
    rounds: 2,
    roles: pair,
    options: { ...base, blocks: 600_000 },
    timeoutMs: 180_000
  }
]

/** One round (two where the least counts); of the mesh and the crowds what the bars need. */
const quick = (step: Step): Step => ({
  ...step,
  rounds: step.workload.endsWith("rtt") ? 2 : 1,
  options: { ...step.options, ...short, crowds: [10, 2_000], idleMs: 15_000 },
  implementations: step.workload === "mesh"
    ? ["bare", "timemesh", "libp2p"]
    : step.workload === "heap"
    ? ["bare", "timemesh", "blind"]
    : step.workload === "flat"
    ? ["bare", "timemesh"]
    : step.implementations
})

/** The chain of a million takes a few minutes to make and to sync. */
const long = (step: Step): Step =>
  step.workload === "sync"
    ? { ...step, rounds: 1, options: { ...step.options, blocks: 1_000_000 }, timeoutMs: 600_000 }
    : step

/** Rounds of a comparison of two checkouts: more, since the differences are smaller than those between stacks. */
const comparedRounds: Readonly<Record<string, number>> = { messages: 6, bulk: 6, rtt: 6, heap: 2, idle: 2 }

/** Two checkouts beside the baseline, without the other stacks. */
const compared = (isQuick: boolean) => (step: Step): Step => ({
  ...step,
  rounds: isQuick ? step.rounds : comparedRounds[step.workload] ?? step.rounds,
  implementations: step.implementations.includes("bare") ? ["bare", "timemesh", "before"] : ["timemesh", "before"]
})

const same = (step: Step): Step => step

/** `compares`: with another checkout, see `--against`. */
export const plan = (
  { compares, isLong, isQuick }: { readonly isQuick: boolean; readonly isLong: boolean; readonly compares: boolean }
): ReadonlyArray<Step> =>
  full.filter(({ workload }) => !compares || !workload.startsWith("tls-"))
    .map(isQuick ? quick : same).map(isLong ? long : same).map(compares ? compared(isQuick) : same)

/** s. Length of the testnet, and seconds between kills; none falls into its last 12 s. */
export const chaosPlan = (isQuick: boolean) => isQuick ? { seconds: 18, every: 5 } : { seconds: 40, every: 8 }

/** `chaos` is no step: it runs the testnet. */
export const workloadNames: ReadonlyArray<string> = [...full.map((step) => step.workload), "chaos"]
