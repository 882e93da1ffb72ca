/**
 * Bounds of the admin server's connections, so that a program on this machine that opens thousands of them, or reads no replies, costs the node
 * little and keeps no operator out. **Full**: the oldest connection without a request under way goes, else the oldest.
 *
 * A connection that has said nothing is only a socket here, with places of its own: a flood of them, however many come in one turn, ends none before it
 * could be heard. The HTTP server gets it with its first byte, as a `PacedSocket`.
 */
import { IncomingMessage, Server, type ServerOptions, ServerResponse } from "node:http"
import { Socket } from "node:net"
import * as Limits from "../../domain/Limits.ts"
import * as OpenFiles from "../socket/OpenFiles.ts"
import { PacedSocket, Turns } from "./PacedSocket.ts"

const options: ServerOptions = {
  requestTimeout: Limits.adminRequestMs,
  headersTimeout: Limits.adminRequestMs,
  keepAliveTimeout: Limits.adminIdleMs,
  // How often Node looks for requests that are late.
  connectionsCheckingInterval: Limits.adminRequestMs / 2,
  maxHeaderSize: Limits.adminHeaderBytes,
  // Of two Host or Authorization headers Node would take the first, and a proxy before it perhaps the second: joined, they are neither.
  joinDuplicateHeaders: true
}

/** The connection that gives way; requests under way by connection, the oldest connection first. */
const firstToLeave = (open: ReadonlyMap<PacedSocket, number>): PacedSocket | undefined => {
  for (const [socket, requests] of open) if (requests === 0) return socket
  const [oldest] = open.keys()
  return oldest
}

/** An HTTP server that holds them. Requests above the bound are heard by no listener: Node hands over all of a piece at once. */
class BoundedServer extends Server {
  /** Connections that have said nothing, the oldest first. */
  private readonly silent = new Set<Socket>()
  private readonly silentPlaces = Math.min(
    Limits.adminSilent,
    Math.floor((OpenFiles.read() ?? Infinity) * Limits.lobbyShare)
  )
  /** Requests under way by connection that has spoken, the oldest connection first. */
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
    // At once out of the count: its close comes a turn later.
    this.silent.delete(oldest)
    oldest.destroy()
  }

  private speaks(conn: Socket, first: Buffer): void {
    this.silent.delete(conn)
    const socket = new PacedSocket(conn, first, this.turns)
    this.open.set(socket, 0)
    socket.once("close", () => this.open.delete(socket))
    // One listener for all replies: a page that stays open asks thousands of times on one connection.
    socket.on("timeout", () => socket.destroy())
    super.emit("connection", socket)
    const gone = this.open.size > Limits.adminConnections ? firstToLeave(this.open) : undefined
    if (gone === undefined) return
    this.open.delete(gone)
    gone.destroy()
  }

  /** Whether the request may be answered; else its connection ends. */
  private begins({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (!(socket instanceof PacedSocket)) return false
    const underWay = (this.open.get(socket) ?? 0) + 1
    if (socket.destroyed || underWay > Limits.adminPipelined) {
      socket.destroy()
      return false
    }
    this.open.set(socket, underWay)
    // All of the reply has been written: its reader has so long between two pieces of it.
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
