/** Asks an admin API on a thread of its own, one question after the other on one connection, until told to stop: ms of each answer, by path. */
import { Agent, get } from "node:http"
import { parentPort, workerData } from "node:worker_threads"
import { sleep } from "../lib/sleep.ts"

const { admin, paths } = workerData as { readonly admin: string; readonly paths: ReadonlyArray<string> }
/** ms between questions: a board that asks a hundred times a second would be a load of its own. */
const everyMs = 20

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const ask = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const before = performance.now()
    get(`http://${admin}${path}`, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`))
      response.resume().once("end", () => resolve(performance.now() - before))
    }).once("error", reject)
  })

const took: Record<string, Array<number>> = Object.fromEntries(paths.map((path) => [path, []]))
const state = { over: false }
parentPort?.once("message", () => state.over = true)
// Compiled and warm before it counts.
for (let i = 0; i < 20; i++) for (const path of paths) await ask(path)
parentPort?.postMessage("ready", [])
while (!state.over) {
  for (const path of paths) {
    took[path]?.push(await ask(path))
    await sleep(everyMs)
  }
}
parentPort?.postMessage(took, [])
process.exit(0)
