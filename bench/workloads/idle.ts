/**
 * What a node does when nothing happens: CPU time of a process with `idlePeers` connected peers in another process, which
 * ping it as nodes do, over `idleMs`, after everything has settled.
 */
import type { Link } from "../impl/Implementation.ts"
import { sleep } from "../lib/sleep.ts"
import { serverIp } from "./ips.ts"
import type { Workload } from "./Workload.ts"

/** ms. From one ping of a peer to its next: a node's own default. */
const pingMs = 15_000
/** ms. Past the handshakes, the first two rounds of pings, and the collections by which V8 gives memory back after a busy time. */
const settleMs = 30_000

/** Pings the links that are due once a second, as a node does, until the process ends. */
const pingEverySecond = (links: ReadonlyArray<Link>) => {
  let beat = 0
  setInterval(() => {
    const turn = beat++ % (pingMs / 1_000)
    for (let at = turn; at < links.length; at += pingMs / 1_000) void links[at]?.ping?.()
  }, 1_000).unref()
}

export const idle: Workload = {
  server: async (implementation, peer, options) => {
    let links = 0
    const pinged: Array<Link> = []
    const server = await (implementation.idle ?? implementation).serve({
      ip: serverIp,
      onLink: (link) => {
        links++
        link.receive(() => {})
        if (implementation.idle !== undefined) pinged.push(link)
      }
    })
    if (implementation.idle !== undefined) pingEverySecond(pinged)
    peer.tell("address", server.address)
    while (links < options.idlePeers) await sleep(20)
    globalThis.gc?.()
    await sleep(settleMs)
    const cpuBefore = process.cpuUsage()
    const before = performance.now()
    await sleep(options.idleMs)
    const seconds = (performance.now() - before) / 1000
    const cpu = process.cpuUsage(cpuBefore)
    if (links !== options.idlePeers) throw new Error(`${links} connections instead of ${options.idlePeers}`)
    peer.tell("end", true)
    return { idleMsPerS: (cpu.user + cpu.system) / 1000 / seconds }
  },
  client: async (implementation, peer, options) => {
    const links = await (implementation.idle ?? implementation).crowd(
      String(await peer.hear("address")),
      1,
      options.idlePeers
    )
    const state = { over: false }
    const pinging = async () => {
      const began = performance.now()
      for (let at = 0; !state.over; at++) {
        while (at * pingMs / links.length > performance.now() - began) await sleep(5)
        void links[at % links.length]?.ping?.()
      }
    }
    const pings = pinging()
    await peer.hear("end")
    state.over = true
    await pings
    return undefined
  }
}
