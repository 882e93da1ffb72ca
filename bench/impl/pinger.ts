/** A raw peer on a thread of its own, so that what it measures is the node's delay and not that of a busy neighbour. */
import { parentPort, workerData } from "node:worker_threads"
import { sleep } from "../lib/sleep.ts"
import { connectRaw } from "./timemeshPeer.ts"

/** ms from one ping to the next. */
const everyMs = 50

const { address, ip } = workerData as { readonly address: string; readonly ip: string }
const link = await connectRaw(address, ip, 1)
await link.ping()
const state = { over: false }
parentPort?.once("message", () => state.over = true)
parentPort?.postMessage("ready", [])
let worst = 0
while (!state.over) {
  worst = Math.max(worst, await link.ping())
  await sleep(everyMs)
}
parentPort?.postMessage(worst, [])
process.exit(0)
