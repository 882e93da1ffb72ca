/** Asks HTTP servers on a thread of its own, one question after the other, each server on one connection: ms of each answer, by URL. */
import { Agent, get } from "node:http"
import { parentPort, workerData } from "node:worker_threads"
import { sleep } from "../lib/sleep.ts"

const { urls } = workerData as { readonly urls: ReadonlyArray<string> }
/** ms between questions: a board that asks a thousand times a second would be a load of its own. */
const everyMs = 10
/** Questions of each kind until the code is compiled, and then on the idle node. */
const warm = 30
const idle = 100

export type Took = Readonly<Record<string, ReadonlyArray<number>>>

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const ask = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const before = performance.now()
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`))
      response.resume().once("end", () => resolve(performance.now() - before))
    }).once("error", reject)
  })

/** Asks all in turn until told to stop. */
const askAll = async (isOver: (round: number) => boolean): Promise<Took> => {
  const took: Record<string, Array<number>> = Object.fromEntries(urls.map((url) => [url, []]))
  for (let round = 0; !isOver(round); round++) {
    for (const url of urls) {
      took[url]?.push(await ask(url))
      await sleep(everyMs)
    }
  }
  return took
}

const state = { over: false }
parentPort?.once("message", () => state.over = true)
await askAll((round) => round === warm)
parentPort?.postMessage(await askAll((round) => round === idle), [])
parentPort?.postMessage(await askAll(() => state.over), [])
process.exit(0)
