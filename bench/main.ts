/**
 * Runs every workload on every implementation, interleaved, and prints medians, ratios and bars. See README.md.
 *
 * Exit code 0: everything ran (whatever the bars say), 1: something did not run, 2: bad arguments.
 */
import { existsSync } from "node:fs"
import { availableParallelism, loadavg } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import type { Name } from "./impl/Implementation.ts"
import { chaos } from "./lib/chaos.ts"
import { killAll, runPair } from "./lib/pair.ts"
import type { Measured } from "./lib/Peer.ts"
import { chaosPlan, plan, type Step, workloadNames } from "./lib/plan.ts"
import { lines, render } from "./lib/table.ts"

const usage = `npm run bench -- [--quick] [--million] [--against DIR] [--only NAME[,NAME]] [--json]   NAME: ${
  workloadNames.join(" ")
}`

const read = () => {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      million: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      against: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  })
  const only = values.only.flatMap((text) => text.split(","))
  const unknown = only.find((name) => !workloadNames.includes(name))
  if (unknown !== undefined) throw new Error(`no workload is named ${unknown}`)
  const against = values.against === undefined ? undefined : resolve(values.against)
  if (against !== undefined && !existsSync(join(against, "bench/impl/timemesh.ts"))) {
    throw new Error(`${against} is no checkout of timemesh with its benchmark`)
  }
  return { ...values, against, only: only.length === 0 ? workloadNames : only }
}

/** Progress: one line on a terminal, lines elsewhere. */
const say = (text: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (text !== "") process.stderr.write(`${text}\n`)
}

const failures: Array<string> = []
const rounds: Record<string, Partial<Record<Name, Array<Measured | undefined>>>> = {}

const attempt = async (what: string, run: () => Promise<Measured>): Promise<Measured | undefined> => {
  try {
    return await run()
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** The order turns round after every round, so that no implementation always follows the same one. */
const runStep = async (
  { implementations, options, roles, rounds: count, timeoutMs, workload }: Step,
  against: string | undefined
) => {
  const checkout = against === undefined ? {} : { against }
  const results: Partial<Record<Name, Array<Measured | undefined>>> = rounds[workload] = {}
  for (let round = 0; round < count; round++) {
    for (const name of round % 2 === 0 ? implementations : implementations.toReversed()) {
      say(`${workload} ${round + 1}/${count} ${name}`)
      const measured = await attempt(
        `${workload}, round ${round + 1}, ${name}`,
        () => runPair({ implementation: name, workload, options, timeoutMs, ...checkout }, roles)
      )
      const { ns10, ns2000 } = measured ?? {}
      const grown = ns10 === undefined || ns2000 === undefined ? measured : { ...measured, growth: ns2000 / ns10 }
      results[name] = [...results[name] ?? [], grown]
    }
  }
}

const main = async (): Promise<number> => {
  const { against, help, json, million, only, quick } = read()
  if (help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const began = performance.now()
  const busy = loadavg()[0] ?? 0
  const steps = plan({ isQuick: quick, isLong: million, compares: against !== undefined })
  for (const step of steps) if (only.includes(step.workload)) await runStep(step, against)
  if (only.includes("chaos")) {
    const { every, seconds } = chaosPlan(quick)
    say("chaos")
    rounds["chaos"] = { timemesh: [await attempt("chaos", () => chaos(seconds, every))] }
  }
  say("")
  const seconds = Math.round((performance.now() - began) / 1000)
  const table = lines(rounds)
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ seconds, quick, busy, cpus: availableParallelism(), lines: table, rounds, failures })}\n`
    )
  } else {
    process.stdout.write(
      `${render(table)}\n\n${seconds} s, Node ${process.versions.node}, ${availableParallelism()} CPUs\n`
    )
    if (busy > availableParallelism() / 4) {
      process.stdout.write(`the machine was busy (load ${busy.toFixed(1)} at the start): do not trust single numbers\n`)
    }
    for (const failure of failures) process.stdout.write(`did not run: ${failure}\n`)
  }
  return failures.length === 0 ? 0 : 1
}

process.on("exit", killAll)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130))

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
  process.exitCode = 2
}
