/** What the admin API takes to answer while a node with 125 peers syncs at full speed: asked by a thread of the other process, one question at a time. */
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { connectRaw } from "../impl/timemeshPeer.ts"
import { clientIp } from "./ips.ts"
import { chainOf, sources } from "./sync.ts"
import type { Workload } from "./Workload.ts"

const paths = ["/status", "/peers", "/metrics"] as const
/** As many as a node has by default. */
const peers = 125

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
    const asker = new Worker(new URL("../impl/asker.ts", import.meta.url), {
      workerData: { admin: String(await peer.hear("admin")), paths }
    })
    await once(asker, "message")
    peer.tell("ready", true)
    await peer.hear("over")
    asker.postMessage("over", [])
    const [took] = await once(asker, "message") as [Readonly<Record<string, ReadonlyArray<number>>>]
    peer.tell("asked", true)
    const all = [...took["/status"] ?? [], ...took["/peers"] ?? []]
    const metrics = took["/metrics"] ?? []
    return {
      apiP50: quantile(all, 0.5),
      apiP99: quantile(all, 0.99),
      metricsP50: quantile(metrics, 0.5),
      metricsP99: quantile(metrics, 0.99),
      asked: all.length + metrics.length
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
    await peer.hear("ready")
    for (const address of addresses) await node.connect(address)
    await whole.promise
    peer.tell("over", true)
    await peer.hear("asked")
    await node.close()
    return {}
  }
}
