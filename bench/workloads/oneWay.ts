/**
 * One connection, one direction, as fast as back-pressure lets: 100-byte messages in batches, and 64 KiB messages. Counted
 * where they arrive, after decode and dispatch.
 */
import type { Link } from "../impl/Implementation.ts"
import { sleep } from "../lib/sleep.ts"
import { clientIp, serverIp } from "./ips.ts"
import type { Workload } from "./Workload.ts"

const oneWay = (payloadBytes: number, batch: number, name: string, perSecond: (count: number) => number): Workload => ({
  server: async (implementation, peer, options) => {
    let count = 0
    const first = Promise.withResolvers<void>()
    const server = await implementation.serve({
      ip: serverIp,
      onLink: (link) =>
        link.receive((payload) => {
          if (payload.length !== payloadBytes || payload[0] !== 42) throw new Error("a message came out wrong")
          if (count++ === 0) first.resolve()
        })
    })
    peer.tell("address", server.address)
    await first.promise
    // What the start left behind makes every collection dearer, and V8 collects for each 50 MB that it reads.
    globalThis.gc?.()
    await sleep(options.warmMs)
    const countBefore = count
    const cpuBefore = process.cpuUsage()
    const before = performance.now()
    await sleep(options.measureMs)
    const seconds = (performance.now() - before) / 1000
    const cpu = process.cpuUsage(cpuBefore)
    const received = count - countBefore
    peer.tell("stop", true)
    return { [name]: perSecond(received / seconds), receiverNs: (cpu.user + cpu.system) * 1000 / received }
  },
  client: async (implementation, peer) => {
    const address = String(await peer.hear("address"))
    const link = await implementation.connect(address, clientIp)
    link.receive(() => {})
    const payloads = Array.from({ length: batch }, () => new Uint8Array(payloadBytes).fill(42))
    let stop = false
    void peer.hear("stop").then(() => stop = true)
    const cpuBefore = process.cpuUsage()
    const batches = await pump(link, payloads, () => stop)
    const cpu = process.cpuUsage(cpuBefore)
    return { senderNs: (cpu.user + cpu.system) * 1000 / (batches * batch) }
  }
})

/** Sends the batch again and again, waiting whenever the stack asks for it. How many times it did. */
const pump = async (link: Link, payloads: ReadonlyArray<Uint8Array>, stop: () => boolean): Promise<number> => {
  let turn = performance.now()
  let batches = 0
  while (!stop()) {
    const wait = link.send(payloads)
    batches++
    if (wait !== undefined) await wait
    // A stack that never asks to wait would keep the event loop from its sockets.
    if (performance.now() - turn > 5) {
      await sleep(0)
      turn = performance.now()
    }
  }
  return batches
}

const messageBytes = 100
const messageBatch = 256
export const messages = oneWay(messageBytes, messageBatch, "messages", (rate) => rate)

const bulkBytes = 64 * 1024
const bulkBatch = 4
export const bulk = oneWay(bulkBytes, bulkBatch, "bulk", (rate) => rate * bulkBytes / 1e6)
