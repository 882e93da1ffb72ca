/** A thread of `npm run model`: does the jobs it is given the numbers of. */
import { parentPort } from "node:worker_threads"
import { run } from "./Jobs.ts"

const port = parentPort
if (port === null) throw new Error("worker.ts is started by main.ts, as a thread")
port.on("message", (index: number) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, no window
  port.postMessage(run(index))
})
