/**
 * A node with an empty database on disk takes a chain from four peers in the other process. Beside it, in the same process
 * and with the same blocks, the two things that it cannot do without: writing the rows, and checking the blocks.
 */
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { DatabaseSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import type { Implementation } from "../impl/Implementation.ts"
import { sleep } from "../lib/sleep.ts"
import { clientIp } from "./ips.ts"
import type { Workload } from "./Workload.ts"

export const sources = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"]
const pingIp = "127.0.0.9"
/** Height up to which a block's first cost is measured, past the first few, which pay for compilation. */
const firstFrom = 4_000
const firstTo = 14_000
/** Rows per transaction of the bare insert: as many as the store's. */
const insertBatch = 2_000

const live = async (): Promise<number> => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await sleep(50)
  }
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

/** Rows as the store keeps them, one prepared statement per table. */
const insertRate = (filename: string, blocks: ReadonlyArray<Uint8Array>, hashes: ReadonlyArray<Uint8Array>): number => {
  const database = new DatabaseSync(filename)
  database.exec(`PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE chain_header (height INTEGER PRIMARY KEY, hash BLOB NOT NULL);
    CREATE TABLE chain_block (height INTEGER PRIMARY KEY, previous BLOB NOT NULL, bytes BLOB NOT NULL)`)
  const header = database.prepare("INSERT INTO chain_header (height, hash) VALUES (?, ?)")
  const block = database.prepare("INSERT INTO chain_block (height, previous, bytes) VALUES (?, ?, ?)")
  const before = performance.now()
  for (let from = 1; from < blocks.length; from += insertBatch) {
    database.exec("BEGIN IMMEDIATE")
    for (let height = from; height < Math.min(blocks.length, from + insertBatch); height++) {
      header.run(height, hashes[height] ?? null)
      block.run(height, hashes[height - 1] ?? null, blocks[height] ?? null)
    }
    database.exec("COMMIT")
  }
  const seconds = (performance.now() - before) / 1000
  database.close()
  return (blocks.length - 1) / seconds
}

/** What is left of the file: blocks and hashes from height 0. */
const stored = (filename: string, most: number) => {
  const database = new DatabaseSync(filename, { readOnly: true })
  const rows = database.prepare(
    "SELECT b.bytes AS bytes, h.hash AS hash FROM chain_block b JOIN chain_header h USING (height) WHERE height <= ? ORDER BY height"
  ).all(most)
  database.close()
  return { blocks: rows.map((row) => row["bytes"] as Uint8Array), hashes: rows.map((row) => row["hash"] as Uint8Array) }
}

export const chainOf = (implementation: Implementation) => {
  if (implementation.chain === undefined) throw new Error("this stack keeps no chain")
  return implementation.chain()
}

export const sync: Workload = {
  server: async (implementation, peer, options) => {
    const Chain = await chainOf(implementation)
    const store = await Chain.memoryStore(Chain.syntheticChain(await Chain.makeHasher(), options.blocks))
    const nodes = await Promise.all(sources.map((ip) => Chain.startChain(ip, Chain.sharedLayer(store))))
    peer.tell("addresses", nodes.map((node) => node.address))
    const pinger = new Worker(new URL("../impl/pinger.ts", import.meta.url), {
      workerData: { address: String(await peer.hear("address")), ip: pingIp }
    })
    await once(pinger, "message")
    peer.tell("ready", true)
    await peer.hear("over")
    pinger.postMessage("over", [])
    const [pingMax] = await once(pinger, "message")
    return { pingMax: Number(pingMax) }
  },
  client: async (implementation, peer, options) => {
    const Chain = await chainOf(implementation)
    const directory = mkdtempSync(join(tmpdir(), "timemesh-bench-"))
    process.on("exit", () => rmSync(directory, { recursive: true, force: true }))
    const filename = join(directory, "chain.db")
    const addresses = await peer.hear("addresses") as ReadonlyArray<string>
    const at: Array<readonly [height: number, ms: number]> = []
    const whole = Promise.withResolvers<void>()
    const node = await Chain.startChain(clientIp, Chain.fileLayer(filename), (event) => {
      if (event._tag === "SyncBlamed" || event._tag === "StoreFailed") whole.reject(new Error(JSON.stringify(event)))
      if (event._tag !== "TipChanged") return
      at.push([event.height, performance.now()])
      if (event.height === options.blocks) whole.resolve()
    })
    peer.tell("address", node.address)
    await peer.hear("ready")
    const idle = await live()
    const rssIdle = process.memoryUsage().rss
    let [rss, used] = [rssIdle, 0]
    const watch = setInterval(() => {
      const memory = process.memoryUsage()
      rss = Math.max(rss, memory.rss)
      used = Math.max(used, memory.heapUsed + memory.external)
    }, 100)
    const lag = monitorEventLoopDelay({ resolution: 5 })
    lag.enable()
    const cpuBefore = process.cpuUsage()
    const before = performance.now()
    for (const address of addresses) await node.connect(address)
    await whole.promise
    const seconds = (performance.now() - before) / 1000
    const cpu = process.cpuUsage(cpuBefore)
    lag.disable()
    clearInterval(watch)
    peer.tell("over", true)
    const memory = await live() - idle
    await node.close()

    const msAt = (height: number) => at.find(([reached]) => reached >= height)
    const cost = (from: number, to: number) => {
      const [a, b] = [msAt(from), msAt(to)]
      return a === undefined || b === undefined ? NaN : (b[1] - a[1]) / (b[0] - a[0])
    }
    const { blocks, hashes } = stored(filename, Math.min(options.blocks, 100_000))
    const inserted = insertRate(join(directory, "bare.db"), blocks, hashes)
    const hasher = await Chain.makeHasher()
    const now = Date.now()
    if (!Chain.checkAll(hasher, blocks.slice(1, 4_000), now)) throw new Error("a stored block breaks a rule")
    const checking = performance.now()
    if (!Chain.checkAll(hasher, blocks.slice(1), now)) throw new Error("a stored block breaks a rule")
    return {
      syncRate: options.blocks / seconds,
      cpuUs: (cpu.user + cpu.system) / options.blocks,
      insertRate: inserted,
      checkRate: (blocks.length - 1) / ((performance.now() - checking) / 1000),
      growth: cost(Math.floor(options.blocks * 0.9), options.blocks) / cost(firstFrom, firstTo),
      lagP99: Math.max(0, lag.percentile(99) / 1e6 - 5),
      lagMax: lag.max / 1e6,
      memoryMiB: memory / 1024 / 1024,
      usedMiB: (used - idle) / 1024 / 1024,
      rssMiB: (rss - rssIdle) / 1024 / 1024
    }
  }
}
