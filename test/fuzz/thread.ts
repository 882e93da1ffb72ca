/** One fuzzing thread: counts coverage from before src is loaded, fuzzes one target, shrinks what fails. */
import { parentPort, workerData } from "node:worker_threads"
import * as Coverage from "./Coverage.ts"
import type { Job, Told } from "./Job.ts"

const job = workerData as Job
const coverage = job.guided ? Coverage.start() : undefined
const { leave } = await import("./Job.ts")
const { targets } = await import("./targets/index.ts")
const Fuzzer = await import("./Fuzzer.ts")
const Heap = await import("./Heap.ts")

const found = targets.find(({ name }) => name === job.target)
if (found === undefined) throw new Error(`no target ${job.target}`)
const watched = leave(job.current)
const target = {
  ...found,
  run: (input: Uint8Array) => {
    watched(input)
    return found.run(input)
  }
}
const tell = (told: Told): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort?.postMessage(told)
}

const report = Fuzzer.fuzz(target, {
  ...job,
  coverage,
  tell: ({ corpus, heap, inputs }) => tell({ _tag: "Progress", inputs, corpus, heap })
})
const { failure, samples } = report
const small = failure === undefined ? undefined : Fuzzer.shrunk(target, failure)
tell({
  _tag: "Done",
  outcome: {
    inputs: report.inputs,
    seconds: report.seconds,
    blocks: report.blocks,
    kept: report.kept,
    heap: {
      first: samples[0]?.bytes ?? 0,
      last: samples.at(-1)?.bytes ?? 0,
      slope: 1e6 * Heap.slope(samples.slice(samples.length >> 1))
    },
    failure: failure === undefined || small === undefined ? undefined : {
      input: small.input,
      originalBytes: failure.input.length,
      text: small.error.stack ?? small.error.message,
      after: failure.after
    }
  }
})
