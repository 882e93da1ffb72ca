/**
 * What the admin API takes to answer while a node with 125 peers syncs at full speed: asked by a thread of the other process, one question at a time. Beside
 * it, a bare `node:http` on a thread of the node's process, and the same node before it syncs: both say what of it is the machine's.
 *
 * A node's peers are other hosts. Here they share its CPUs, so they give way to it while it syncs: otherwise its main thread waits for a CPU as long as it
 * runs, and the row measures how the system shares two CPUs.
 */
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { setPriority, tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Worker } from "node:worker_threads"
import type { Took } from "../impl/asker.ts"
import { connectRaw } from "../impl/timemeshPeer.ts"
import { clientIp } from "./ips.ts"
import { chainOf, sources } from "./sync.ts"
import type { Workload } from "./Workload.ts"

const queries = ["/status", "/peers"]
const metrics = "/metrics"
/** As many as a node has by default. */
const peers = 125

/**
 * nice value of the peers' thread, on Linux: there each thread has its own, and a thread that is already running, such as the questioner's, keeps its own. They
 * still send faster than the node takes.
 */
const peersNice = 10

/** bytes of the bare server's answer: about those of `/metrics`. */
const bareBytes = 16 * 1024

const quantile = (values: ReadonlyArray<number>, q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN

export const api: Workload = {
  server: async (implementation, peer, options) => {
    const Chain = await chainOf(implementation)
    const store = await Chain.memoryStore(Chain.syntheticChain(await Chain.makeHasher(), options.blocks))
    const nodes = await Promise.all(sources.map((ip) => Chain.startChain(ip, Chain.sharedLayer(store))))
    peer.tell("addresses", nodes.map((node) => node.address))
    const address = String(await peer.hear("address"))
    for (let i = nodes.length; i < peers; i++) await connectRaw(address, `127.0.1.${i}`, 1)
    const admin = `http://${String(await peer.hear("admin"))}`
    const bare = `http://${String(await peer.hear("bare"))}/`
    const urls = [...[...queries, metrics].map((path) => admin + path), bare]
    const asker = new Worker(new URL("../impl/asker.ts", import.meta.url), { workerData: { urls } })
    const [idle] = await once(asker, "message") as [Took]
    if (process.platform === "linux") setPriority(peersNice)
    peer.tell("ready", true)
    await peer.hear("over")
    asker.postMessage("over", [])
    const [syncing] = await once(asker, "message") as [Took]
    peer.tell("asked", true)
    const ofQueries = (took: Took) => queries.flatMap((path) => took[admin + path] ?? [])
    const ofMetrics = (took: Took) => took[admin + metrics] ?? []
    return {
      apiP50: quantile(ofQueries(syncing), 0.5),
      apiP99: quantile(ofQueries(syncing), 0.99),
      apiIdleP99: quantile(ofQueries(idle), 0.99),
      metricsP50: quantile(ofMetrics(syncing), 0.5),
      metricsP99: quantile(ofMetrics(syncing), 0.99),
      metricsIdleP99: quantile(ofMetrics(idle), 0.99),
      bareP50: quantile(syncing[bare] ?? [], 0.5),
      bareP99: quantile(syncing[bare] ?? [], 0.99),
      asked: Object.values(syncing).flat().length
    }
  },
  client: async (implementation, peer, options) => {
    const Chain = await chainOf(implementation)
    const directory = mkdtempSync(join(tmpdir(), "timemesh-bench-"))
    process.on("exit", () => rmSync(directory, { recursive: true, force: true }))
    const addresses = await peer.hear("addresses") as ReadonlyArray<string>
    const whole = Promise.withResolvers<void>()
    const node = await Chain.startChain(clientIp, Chain.fileLayer(join(directory, "chain.db")), (event) => {
      if (event._tag === "SyncBlamed" || event._tag === "StoreFailed") whole.reject(new Error(JSON.stringify(event)))
      if (event._tag === "TipChanged" && event.height === options.blocks) whole.resolve()
    })
    peer.tell("address", node.address)
    peer.tell("admin", await node.admin())
    const bare = new Worker(new URL("../impl/bareHttp.ts", import.meta.url), { workerData: { bytes: bareBytes } })
    peer.tell("bare", String((await once(bare, "message"))[0]))
    const lag = monitorEventLoopDelay({ resolution: 1 })
    await peer.hear("ready")
    lag.enable()
    for (const address of addresses) await node.connect(address)
    await whole.promise
    lag.disable()
    peer.tell("over", true)
    await peer.hear("asked")
    await node.close()
    await bare.terminate()
    return { apiLagP99: Math.max(0, lag.percentile(99) / 1e6 - 1) }
  }
}
