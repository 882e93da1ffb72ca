/**
 * `npm run model`: the exhaustive search of the pair protocol, all settings and all mutants. Prints the table, each
 * mutant's shortest trace, and ends with exit code 1 if anything came out as it should not.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import type { Done } from "./Jobs.ts"
import { isMutant, jobs, nameOf as jobName } from "./Jobs.ts"
import { properties } from "./Search.ts"

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const nameOf = (index: number): string => {
  const job = jobs[index]
  return job === undefined ? "?" : jobName(job)
}

const row = (name: string, states: string, cells: ReadonlyArray<string>, seconds: string): string =>
  `${name.padEnd(68)} ${states.padStart(10)} ${cells.map((cell) => cell.padStart(4)).join(" ")} ${seconds.padStart(8)}`

const doneRow = ({ counts, index, seconds, states }: Done): string =>
  row(
    nameOf(index),
    states.toLocaleString("en"),
    properties.map((property) => counts === undefined ? "" : String(counts[property])),
    seconds.toFixed(1)
  )

/** Runs all jobs on as many threads as there are processors, and tells each result in the order of the list. */
const runAll = (): Promise<ReadonlyArray<Done>> =>
  new Promise((resolve, reject) => {
    const results: Array<Done> = []
    let next = 0
    let told = 0
    const tell = (): void => {
      for (let done = results[told]; done !== undefined; done = results[told]) {
        const section = jobs[told]?.section
        if (section !== jobs[told - 1]?.section) print(`\n${row(`${section}`, "states", properties, "seconds")}`)
        print(doneRow(done))
        told += 1
      }
    }
    const threads = Math.min(jobs.length, Math.max(1, availableParallelism()))
    for (let i = 0; i < threads; i++) {
      const worker = new Worker(new URL("./worker.ts", import.meta.url))
      const give = (): void => {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
        if (next < jobs.length) worker.postMessage(next++)
        else void worker.terminate()
      }
      worker.on("error", reject)
      worker.on("message", (done: Done) => {
        results[done.index] = done
        tell()
        give()
        if (told === jobs.length) resolve(results)
      })
      give()
    }
  })

const began = performance.now()
const results = await runAll()

for (const { index, traces } of results) {
  const job = jobs[index]
  const mutant = job !== undefined && isMutant(job)
  for (const lines of traces) {
    print(`\n${mutant ? "mutant" : "VIOLATION in"} "${nameOf(index)}"`)
    for (const line of lines) print(line)
  }
}

const planted = jobs.filter(isMutant).length
print("")
for (const section of new Set(jobs.map((job) => job.section))) {
  const here = results.filter(({ index }) => jobs[index]?.section === section)
  const states = here.reduce((sum, { states }) => sum + states, 0).toLocaleString("en")
  const bad = here.filter(({ ok }) => !ok).length
  print(
    `${section}: ${here.length} runs, ${states} states, ${bad} ${
      section.startsWith("mutants") ? "not refuted" : "violated"
    }`
  )
}
const failed = results.filter(({ ok }) => !ok)
print(
  `${results.length - planted} settings, ${planted} mutants, ` +
    `${((performance.now() - began) / 1_000).toFixed(0)} s: ${failed.length === 0 ? "all as it should be" : "FAILED"}`
)
for (const { index } of failed) print(`  unexpected: ${nameOf(index)}`)
process.exitCode = failed.length === 0 ? 0 : 1
