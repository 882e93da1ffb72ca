/**
 * A second implementation of the wire, written from the tables of docs/PROTOCOL.md and nothing else: bytes are put together and
 * taken apart by hand, as hex, and no code of the node is used. What it cannot say or read is missing in the document.
 */
import { randomBytes } from "node:crypto"
import * as net from "node:net"
import { pong } from "./secondClientWrites.ts"

export * from "./secondClientReads.ts"
export * from "./secondClientWrites.ts"

export interface Line {
  /** Nonce of this end's Hello. */
  readonly nonce: string
  readonly say: (hex: string) => void
  /** As they are; what the node does not read waits without a copy. */
  readonly bytes: (bytes: Uint8Array) => void
  /** The body of the next frame of this kind; frames of other kinds before it are passed over (pings are answered). */
  readonly hear: (kind: string) => Promise<string>
  /** Every kind that came so far, in order. */
  readonly kinds: ReadonlyArray<string>
  /** Resolves when the node has ended its side. */
  readonly ended: Promise<void>
  readonly close: () => void
}

const over = (socket: net.Socket): Line => {
  const [kinds, unread]: [Array<string>, Array<readonly [string, string]>] = [[], []]
  let wanted: { readonly kind: string; readonly resolve: (body: string) => void } | undefined
  let hex = ""
  const look = () => {
    if (wanted === undefined) return
    const { kind, resolve } = wanted
    const at = unread.findIndex(([other]) => other === kind)
    const found = unread[at]
    if (found === undefined) return
    unread.splice(0, at + 1)
    wanted = undefined
    resolve(found[1])
  }
  const say = (text: string) => void socket.write(Buffer.from(text, "hex"))
  socket.on("data", (chunk: Buffer) => {
    hex += chunk.toString("hex")
    while (hex.length >= 8) {
      const end = 8 + 2 * Number.parseInt(hex.slice(0, 8), 16)
      if (hex.length < end) break
      const [kind, body] = [hex.slice(8, 10), hex.slice(10, end)]
      hex = hex.slice(end)
      kinds.push(kind)
      unread.push([kind, body])
      if (kind === "05") say(pong(body))
    }
    look()
  })
  socket.on("error", () => {})
  return {
    nonce: randomBytes(8).toString("hex"),
    say,
    bytes: (bytes) => void socket.write(bytes),
    hear: (kind) =>
      new Promise((resolve) => {
        wanted = { kind, resolve }
        look()
      }),
    kinds,
    ended: new Promise((resolve) => {
      socket.once("end", resolve)
      socket.once("close", () => resolve())
    }),
    close: () => socket.destroy()
  }
}

/** Dials from an address of its own. */
export const dial = (to: { readonly ip: string; readonly port: number }, from: string): Promise<Line> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host: to.ip, port: to.port, localAddress: from, noDelay: true })
    socket.once("connect", () => resolve(over(socket)))
    socket.once("error", reject)
  })

/** Waits for a dial. */
export const listen = (ip: string): Promise<{ readonly port: number; readonly accept: Promise<Line>; close(): void }> =>
  new Promise((resolve, reject) => {
    const { promise, resolve: accepted } = Promise.withResolvers<Line>()
    const server = net.createServer((socket) => accepted(over(socket)))
    server.once("error", reject)
    server.listen(0, ip, () => {
      const address = server.address()
      if (address === null || typeof address === "string") return reject(new Error("no address"))
      resolve({ port: address.port, accept: promise, close: () => void server.close() })
    })
  })
