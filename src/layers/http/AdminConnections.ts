/**
 * Bounds the admin server's connections: a program on this machine that opens thousands of them, or never reads replies, costs the node
 * little and locks no operator out. **Full**: the oldest connection without a request under way is closed, else the oldest.
 *
 * A connection that has sent nothing is only a socket here, counted against a limit of its own. A flood of sockets, however many arrive in one turn,
 * closes none before it could send anything. The HTTP server gets a socket with its first byte, as a `PacedSocket`.
 */
import { IncomingMessage, Server, type ServerOptions, ServerResponse } from "node:http"
import { Socket } from "node:net"
import * as Limits from "../../domain/Limits.ts"
import { silentPlaces } from "../../domain/protection/silentPlaces.ts"
import * as OpenFiles from "../socket/OpenFiles.ts"
import { PacedSocket, Turns } from "./PacedSocket.ts"

const options: ServerOptions = {
  requestTimeout: Limits.adminRequestMs,
  headersTimeout: Limits.adminRequestMs,
  keepAliveTimeout: Limits.adminIdleMs,
  // How often Node checks for requests that are late.
  connectionsCheckingInterval: Limits.adminRequestMs / 2,
  maxHeaderSize: Limits.adminHeaderBytes,
  // Of two Host or Authorization headers Node would use the first, and a proxy in front perhaps the second. Joined, they match neither.
  joinDuplicateHeaders: true
}

/** The connection to close. `open`: requests under way by connection, oldest connection first. */
const firstToLeave = (open: ReadonlyMap<PacedSocket, number>): PacedSocket | undefined => {
  for (const [socket, requests] of open) if (requests === 0) return socket
  const [oldest] = open.keys()
  return oldest
}

/** An HTTP server with these bounds. No listener sees a request above the bound: Node delivers all requests of a piece at once. */
class BoundedServer extends Server {
  /** Connections that have sent nothing, oldest first. */
  private readonly silent = new Set<Socket>()
  private readonly silentPlaces = silentPlaces(Limits.adminSilent, OpenFiles.read())
  /** Requests under way by connection that has sent something, oldest connection first. */
  private readonly open = new Map<PacedSocket, number>()
  private readonly turns = new Turns()

  constructor() {
    super(options)
  }

  private arrived(conn: Socket): void {
    this.silent.add(conn)
    conn.on("error", () => conn.destroy())
    conn.once("close", () => this.silent.delete(conn))
    const gone = () => conn.destroy()
    conn.once("end", gone).setTimeout(Limits.adminRequestMs, gone)
    conn.once("data", (first: Buffer) => {
      conn.pause()
      conn.off("end", gone).off("timeout", gone).setTimeout(0)
      this.speaks(conn, first)
    })
    const [oldest] = this.silent
    if (oldest === undefined || this.silent.size <= this.silentPlaces) return
    // Stop counting it now: its close event comes a turn later.
    this.silent.delete(oldest)
    oldest.destroy()
  }

  private speaks(conn: Socket, first: Buffer): void {
    this.silent.delete(conn)
    const socket = new PacedSocket(conn, first, this.turns)
    this.open.set(socket, 0)
    socket.once("close", () => this.open.delete(socket))
    // One listener for all replies: a page that stays open sends thousands of requests on one connection.
    socket.on("timeout", () => socket.destroy())
    super.emit("connection", socket)
    const gone = this.open.size > Limits.adminConnections ? firstToLeave(this.open) : undefined
    if (gone === undefined) return
    this.open.delete(gone)
    gone.destroy()
  }

  /** Whether the request may be answered; if not, its connection is closed. */
  private begins({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (!(socket instanceof PacedSocket)) return false
    const underWay = (this.open.get(socket) ?? 0) + 1
    if (socket.destroyed || underWay > Limits.adminPipelined) {
      socket.destroy()
      return false
    }
    this.open.set(socket, underWay)
    // All of the reply is written: from now on, this limits how long its reader may take between two pieces.
    response.once("prefinish", () => socket.setTimeout(Limits.adminReadMs))
    response.once("close", () => {
      const left = this.open.get(socket)
      if (left !== undefined) this.open.set(socket, left - 1)
    })
    return true
  }

  override emit(event: string, ...args: Array<unknown>): boolean {
    const [first, response] = args
    if (event === "connection" && first instanceof Socket) {
      this.arrived(first)
      return true
    }
    const isRequest = event === "request" && first instanceof IncomingMessage && response instanceof ServerResponse
    return isRequest && !this.begins(first, response) ? true : super.emit(event, ...args)
  }

  override closeIdleConnections(): void {
    for (const conn of this.silent) conn.destroy()
    for (const [socket, requests] of this.open) if (requests === 0) socket.leave()
  }

  override closeAllConnections(): void {
    for (const socket of [...this.silent, ...this.open.keys()]) socket.destroy()
  }
}

export const make = (): Server => new BoundedServer()
