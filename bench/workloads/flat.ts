/**
 * Does a message cost more when more peers are connected? One process, P peers in another, the same total rate of messages
 * in bursts of the same size, spread evenly. CPU time of the process per message received.
 */
import type { Link } from "../impl/Implementation.ts"
import type { Measured } from "../lib/Peer.ts"
import { sleep } from "../lib/sleep.ts"
import { serverIp } from "./ips.ts"
import type { Workload } from "./Workload.ts"

const messageBytes = 100
/** Messages per write: the same at every P, so that every P has equally many reads. */
const burst = 32
/** messages/s in total: well below what any stack here can carry, so that nothing queues and reads do not merge. */
const rate = 100_000

export const flat: Workload = {
  server: async (implementation, peer, options) => {
    let count = 0
    let wanted = Infinity
    let reached: (() => void) | undefined
    const server = await implementation.serve({
      ip: serverIp,
      onLink: (link) =>
        link.receive((payload) => {
          if (payload.length === messageBytes && ++count === wanted) reached?.()
        })
    })
    peer.tell("address", server.address)
    const measured: Record<string, number> = {}
    for (const peers of [0, ...options.crowds]) {
      await peer.hear("connected")
      globalThis.gc?.()
      await sleep(200)
      const total = Math.ceil(options.measureMs / 1000 * rate / burst) * burst
      wanted = count + total
      const all = new Promise<void>((resolve) => reached = resolve)
      const before = process.cpuUsage()
      peer.tell("go", total)
      await all
      const cpu = process.cpuUsage(before)
      if (peers > 0) measured[`ns${peers}`] = (cpu.user + cpu.system) * 1000 / total
      peer.tell("next", true)
    }
    return measured
  },
  client: async (implementation, peer, options): Promise<Measured | undefined> => {
    const address = String(await peer.hear("address"))
    const links: Array<Link> = []
    const payloads = Array.from({ length: burst }, () => new Uint8Array(messageBytes).fill(42))
    // The first round is thrown away: code gets compiled.
    for (const peers of [options.crowds[0] ?? 10, ...options.crowds]) {
      links.push(...await implementation.crowd(address, 1 + links.length, peers - links.length))
      peer.tell("connected", peers)
      const total = Number(await peer.hear("go"))
      const began = performance.now()
      let at = 0
      for (let sent = 0; sent < total; sent += burst) {
        while (sent > (performance.now() - began) / 1000 * rate) await sleep(1)
        const wait = links[at++ % links.length]?.send(payloads)
        if (wait !== undefined) await wait
      }
      await peer.hear("next")
    }
    return undefined
  }
}
