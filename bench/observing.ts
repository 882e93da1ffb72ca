/**
 * What a node's observing of itself costs: `timemesh` beside `blind`, in many short rounds that take turns. See README.md, "The price of observing".
 *
 *     node bench/observing.ts [--rounds 40] [--heap 3]
 *
 * Of each pair of rounds only the ratio counts: a slow minute hits both. CPU time per message, not messages per second: what else runs on the machine takes
 * less of it.
 */
import { parseArgs } from "node:util"
import { killAll, runPair } from "./lib/pair.ts"
import type { Measured, Options } from "./lib/Peer.ts"
import { type Interval, interval } from "./lib/stats.ts"

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "40" }, heap: { type: "string", default: "3" } }
})

const options: Options = {
  warmMs: 300,
  measureMs: 600,
  nodes: 0,
  peers: 2_000,
  idlePeers: 0,
  idleMs: 0,
  crowds: [],
  blocks: 0
}
/** ms for one pair of processes. */
const timeoutMs = 120_000

type Name = "timemesh" | "blind"

const measure = (implementation: Name, workload: string): Promise<Measured> =>
  runPair({ implementation, workload, options, timeoutMs }, ["server", "client"])

/** Both, in an order that turns round each time. */
const both = async (workload: string, round: number): Promise<Record<Name, Measured>> => {
  const order: ReadonlyArray<Name> = round % 2 === 0 ? ["timemesh", "blind"] : ["blind", "timemesh"]
  const found: Partial<Record<Name, Measured>> = {}
  for (const name of order) found[name] = await measure(name, workload)
  return { timemesh: found.timemesh ?? {}, blind: found.blind ?? {} }
}

const percent = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`
const line = ({ high, low, median }: Interval, show: (value: number) => string) =>
  `${show(median)} (95 %: ${show(low)} to ${show(high)})`

process.on("exit", killAll)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130))

const ratios: Record<"receiverNs" | "senderNs", Array<number>> = { receiverNs: [], senderNs: [] }
/** A round that did not run, on a machine that was too busy, is left out. */
const attempt = async (workload: string, round: number) => {
  try {
    return await both(workload, round)
  } catch (error) {
    process.stderr.write(`${workload}, round ${round + 1}: ${error instanceof Error ? error.message : String(error)}\n`)
    return undefined
  }
}

for (let round = 0; round < Number(values.rounds); round++) {
  const found = await attempt("messages", round)
  if (found === undefined) continue
  const { blind, timemesh } = found
  for (const key of ["receiverNs", "senderNs"] as const) {
    ratios[key].push((timemesh[key] ?? Number.NaN) / (blind[key] ?? Number.NaN))
  }
}
const kib: Array<number> = []
for (let round = 0; round < Number(values.heap); round++) {
  const found = await attempt("heap", round)
  if (found === undefined) continue
  const { blind, timemesh } = found
  kib.push((timemesh["heapKiB"] ?? Number.NaN) - (blind["heapKiB"] ?? Number.NaN))
}
for (const [key, found] of Object.entries(ratios)) {
  if (found.length > 1) {
    process.stdout.write(`${key}: ${line(interval(found), percent)} of ${found.length} pairs\n`)
  }
}
if (kib.length > 1) process.stdout.write(`heap per idle end: ${line(interval(kib), (n) => `${n.toFixed(2)} KiB`)}\n`)
