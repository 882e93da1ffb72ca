/**
 * Round trips of a 16-byte message, one at a time: on an idle connection, and with 64 KiB messages going the same way at a
 * fixed rate. (At the greatest rate it would be the depth of the kernel's buffers that is measured.)
 */
import type { Measured } from "../lib/Peer.ts"
import { sleep } from "../lib/sleep.ts"
import { quantile } from "../lib/stats.ts"
import { clientIp, serverIp } from "./ips.ts"
import type { Workload } from "./Workload.ts"

const pingBytes = 16
const bulkBytes = 64 * 1024
/** bytes per ms of the fixed load: 50 MB/s, below what every stack here can carry. */
const loadPerMs = 50_000

export const rtt: Workload = {
  server: async (implementation, peer) => {
    const server = await implementation.serve({
      ip: serverIp,
      onLink: (link) => {
        globalThis.gc?.()
        link.receive((payload) => {
          if (payload.length === pingBytes) void link.send([payload.slice()])
        })
      }
    })
    peer.tell("address", server.address)
    await peer.hear("end")
    return undefined
  },
  client: async (implementation, peer, options) => {
    const link = await implementation.connect(String(await peer.hear("address")), clientIp)
    globalThis.gc?.()
    const bulk = [new Uint8Array(bulkBytes)]
    let echoed: (() => void) | undefined
    link.receive(() => echoed?.())
    const ping = [new Uint8Array(pingBytes)]
    const trip = async (): Promise<number> => {
      const before = performance.now()
      const echo = new Promise<void>((resolve) => echoed = resolve)
      void link.send(ping)
      await echo
      return (performance.now() - before) * 1000
    }
    const measure = async (name: string, ms: number, pauseMs?: number): Promise<Measured> => {
      const trips: Array<number> = []
      const end = performance.now() + ms
      while (performance.now() < end) {
        trips.push(await trip())
        if (pauseMs !== undefined) await sleep(pauseMs)
      }
      return { [`${name}P50`]: quantile(trips, 0.5), [`${name}P99`]: quantile(trips, 0.99) }
    }
    await measure("warm", options.warmMs)
    const idle = await measure("idle", options.measureMs)

    const stopping = new AbortController()
    let sent = 0
    const paced = async () => {
      const began = performance.now()
      while (!stopping.signal.aborted) {
        while (sent < (performance.now() - began) * loadPerMs && !stopping.signal.aborted) {
          const wait = link.send(bulk)
          sent += bulkBytes
          if (wait !== undefined) await wait
        }
        await sleep(1)
      }
      return sent / (performance.now() - began) / 1000
    }
    const pacing = paced()
    await sleep(options.warmMs / 2)
    const load = await measure("load", options.measureMs, 0)
    stopping.abort()
    const loadMBs = await pacing

    peer.tell("end", true)
    return { ...idle, ...load, loadMBs }
  }
}
