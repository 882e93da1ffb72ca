/**
 * Bounds of the admin server's connections, so that a program on this machine that opens thousands of them, or reads no replies, costs the node
 * little and keeps no operator out. **Full**: the oldest connection without a request under way goes, else the oldest.
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as Limits from "../../domain/Limits.ts"

const options: ServerOptions = {
  requestTimeout: Limits.adminRequestMs,
  headersTimeout: Limits.adminRequestMs,
  keepAliveTimeout: Limits.adminIdleMs,
  // How often Node looks for requests that are late.
  connectionsCheckingInterval: Limits.adminRequestMs / 2,
  maxHeaderSize: Limits.adminHeaderBytes
}

/** The connection that gives way; requests under way by connection, the oldest connection first. */
const firstToLeave = (open: ReadonlyMap<Socket, number>): Socket | undefined => {
  for (const [socket, requests] of open) if (requests === 0) return socket
  const [oldest] = open.keys()
  return oldest
}

/** An HTTP server that holds them. */
export const make = (): Server => {
  const server = createServer(options)
  const open = new Map<Socket, number>()
  server.on("connection", (socket: Socket) => {
    open.set(socket, 0)
    socket.once("close", () => open.delete(socket))
    const gone = open.size > Limits.adminConnections ? firstToLeave(open) : undefined
    if (gone === undefined) return
    open.delete(gone)
    gone.destroy()
  })
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const underWay = (open.get(socket) ?? 0) + 1
    // Node hands over every request that has come, whether the replies before it were read or not.
    if (underWay > Limits.adminPipelined) return void socket.destroy()
    open.set(socket, underWay)
    // All of the reply has been written: its reader has so long between two pieces of it.
    response.once("prefinish", () => socket.setTimeout(Limits.adminReadMs, () => socket.destroy()))
    response.once("close", () => {
      const left = open.get(socket)
      if (left !== undefined) open.set(socket, left - 1)
    })
  })
  return server
}
