/**
 * Bounds of the admin server's connections, so that a program on this machine that opens thousands of them, or reads no replies, costs the node
 * little and keeps no operator out. **Full**: the oldest connection without a request under way goes, else the oldest.
 */
import { IncomingMessage, Server, type ServerOptions, ServerResponse } from "node:http"
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

/** An HTTP server that holds them. Requests above the bound are heard by no listener: Node hands over all that have come, at once. */
class BoundedServer extends Server {
  /** Requests under way by connection, the oldest connection first. */
  private readonly open = new Map<Socket, number>()

  constructor() {
    super(options)
    this.on("connection", (socket: Socket) => this.arrived(socket))
  }

  private arrived(socket: Socket): void {
    this.open.set(socket, 0)
    socket.once("close", () => this.open.delete(socket))
    const gone = this.open.size > Limits.adminConnections ? firstToLeave(this.open) : undefined
    if (gone === undefined) return
    this.open.delete(gone)
    gone.destroy()
  }

  /** Whether the request may be answered; else its connection ends. */
  private begins({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const underWay = (this.open.get(socket) ?? 0) + 1
    if (socket.destroyed || underWay > Limits.adminPipelined) {
      socket.destroy()
      return false
    }
    this.open.set(socket, underWay)
    // All of the reply has been written: its reader has so long between two pieces of it.
    response.once("prefinish", () => socket.setTimeout(Limits.adminReadMs, () => socket.destroy()))
    response.once("close", () => {
      const left = this.open.get(socket)
      if (left !== undefined) this.open.set(socket, left - 1)
    })
    return true
  }

  override emit(event: string, ...args: Array<unknown>): boolean {
    const [request, response] = args
    const isRequest = event === "request" && request instanceof IncomingMessage && response instanceof ServerResponse
    return isRequest && !this.begins(request, response) ? true : super.emit(event, ...args)
  }
}

export const make = (): Server => new BoundedServer()
