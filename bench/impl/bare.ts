/** The baseline: the frames of `frames.ts` on `node:net`, one corked write per batch, nothing else. */
import * as net from "node:net"
import { encode, parser } from "./frames.ts"
import { crowd, mesh } from "./generic.ts"
import type { Implementation, Link } from "./Implementation.ts"

/** One end: a corked write per batch, parsed in place. */
export const link = (socket: net.Socket): Link => {
  let waiting: PromiseWithResolvers<void> | undefined
  socket.on("drain", () => {
    waiting?.resolve()
    waiting = undefined
  })
  socket.on("error", () => socket.destroy())
  return {
    send: (payloads) => {
      const buffers = encode(payloads)
      let free = true
      if (buffers.length === 1) free = socket.write(buffers[0] ?? "")
      else {
        socket.cork()
        for (const buffer of buffers) free = socket.write(buffer)
        socket.uncork()
      }
      if (free) return undefined
      waiting ??= Promise.withResolvers()
      return waiting.promise
    },
    receive: (handler) => void socket.on("data", parser(handler))
  }
}

/** bytes. A nonce, and whether it is asked or answered. */
const beatBytes = 9

/** An end that answers pings. Only for idle connections: every message is taken for a ping or its answer. */
export const idleLink = (socket: net.Socket): Link => {
  const plain = link(socket)
  plain.receive((payload) => {
    if (payload[0] !== 0) return
    const answer = payload.slice()
    answer[0] = 1
    void plain.send([answer])
  })
  return {
    ...plain,
    receive: () => {},
    ping: async () => {
      const ask = Buffer.alloc(beatBytes)
      ask.writeDoubleBE(performance.now(), 1)
      return plain.send([ask])
    }
  }
}

/** `IP:PORT` apart. */
export const split = (address: string): { host: string; port: number } => {
  const at = address.lastIndexOf(":")
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) }
}

/** A listening `net.Server` and its address. */
export const listen = async (ip: string, onSocket: (socket: net.Socket) => void) => {
  const server = net.createServer({ noDelay: true }, onSocket)
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen({ host: ip, port: 0, backlog: 4096 }, resolve)
  })
  const bound = server.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  return { address: `${ip}:${port}`, close: () => new Promise<void>((resolve) => server.close(() => resolve())) }
}

/** A connected `net.Socket`. */
export const dial = (address: string, ip: string): Promise<net.Socket> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ ...split(address), localAddress: ip, noDelay: true })
    socket.once("connect", () => resolve(socket))
    socket.once("error", reject)
  })

const baseOf = (linkOf: typeof link): Pick<Implementation, "serve" | "connect"> => ({
  serve: ({ ip, onLink }) => listen(ip, (socket) => onLink(linkOf(socket))),
  connect: async (address, ip) => linkOf(await dial(address, ip))
})

const base = baseOf(link)
const idle = baseOf(idleLink)

export const implementation: Implementation = {
  ...base,
  crowd: crowd(base),
  mesh: mesh(base),
  idle: { ...idle, crowd: crowd(idle) }
}
