/** What one idle connection costs its end: memory of a process before and after `peers` others connected. */
import type { Link } from "../impl/Implementation.ts"
import { sleep } from "../lib/sleep.ts"
import { serverIp } from "./ips.ts"
import type { Workload } from "./Workload.ts"

/** Connections made before the first look, so that code and pools loaded on first use are not counted. */
const warmPeers = 200

const look = async () => {
  for (let i = 0; i < 8; i++) {
    globalThis.gc?.()
    await sleep(50)
  }
  return process.memoryUsage()
}

export const heap: Workload = {
  server: async (implementation, peer, options) => {
    const links: Array<Link> = []
    const server = await implementation.serve({
      ip: serverIp,
      onLink: (link) => {
        links.push(link)
        link.receive(() => {})
      }
    })
    const until = async (count: number) => {
      while (links.length < count) await sleep(20)
      await sleep(300)
    }
    peer.tell("address", server.address)
    await until(warmPeers)
    const before = await look()
    const linksBefore = links.length
    peer.tell("more", true)
    await until(linksBefore + options.peers)
    const after = await look()
    peer.tell("end", true)
    const perEnd = (key: "heapUsed" | "rss" | "arrayBuffers" | "external") =>
      (after[key] - before[key]) / (links.length - linksBefore) / 1024
    return {
      heapKiB: perEnd("heapUsed"),
      rssKiB: perEnd("rss"),
      buffersKiB: perEnd("arrayBuffers"),
      externalKiB: perEnd("external")
    }
  },
  client: async (implementation, peer, options) => {
    const address = String(await peer.hear("address"))
    await implementation.crowd(address, 1, warmPeers)
    await peer.hear("more")
    await implementation.crowd(address, 1 + warmPeers, options.peers)
    await peer.hear("end")
    return undefined
  }
}
