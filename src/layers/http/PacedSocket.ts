/**
 * One connection of the admin server, read by the HTTP server in small pieces: at most one piece of all connections per turn of the
 * event loop. Node parses everything that a read returned at once, even thousands of pipelined requests, whatever happens to the first. 40 connections
 * with 64 KiB each stopped a node for two seconds.
 *
 * Nothing is read ahead: bytes not read yet wait in the kernel, and then at the sender.
 */
import type * as Net from "node:net"
import { Duplex } from "node:stream"
import * as Limits from "../../domain/Limits.ts"

/**
 * Gives sockets turns, longest waiting first. One for all connections of a server. A socket that asks in a turn that no other has is served at once: during
 * sync every further turn takes milliseconds.
 */
export class Turns {
  private readonly waiting = new Set<PacedSocket>()
  private isTaken = false

  ask(socket: PacedSocket): void {
    if (this.isTaken) {
      this.waiting.add(socket)
      return
    }
    this.isTaken = true
    // The sockets of a turn are read before its immediates run: the next turn begins with the immediate after those.
    setImmediate(this.ends)
    socket.onTurn()
  }

  leave(socket: PacedSocket): void {
    this.waiting.delete(socket)
  }

  private readonly ends = (): void => void setImmediate(this.next)

  private readonly next = (): void => {
    const [first] = this.waiting
    this.isTaken = first !== undefined
    if (first === undefined) return
    this.waiting.delete(first)
    setImmediate(this.next)
    first.onTurn()
  }
}

export class PacedSocket extends Duplex {
  private readonly conn: Net.Socket
  private readonly turns: Turns
  /** Bytes read from `conn` and not delivered yet. */
  private rest: Buffer | undefined
  private isWanted = false

  /** `first`: bytes already read from `conn`, which is paused. */
  constructor(conn: Net.Socket, first: Buffer, turns: Turns) {
    super({ allowHalfOpen: true })
    this.conn = conn
    this.turns = turns
    this.rest = first
    conn.on("data", (chunk: Buffer) => {
      conn.pause()
      this.rest = chunk
      if (this.isWanted) turns.ask(this)
    })
    conn.on("end", () => this.push(null))
    conn.on("timeout", () => this.emit("timeout"))
    conn.on("close", () => this.destroy())
  }

  get remoteAddress(): string | undefined {
    return this.conn.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.conn.remotePort
  }

  setTimeout(ms: number, onTimeout?: () => void): this {
    this.conn.setTimeout(ms)
    if (onTimeout !== undefined) this.once("timeout", onTimeout)
    return this
  }

  /** Ends once everything written has been sent. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else this.once("finish", () => this.destroy())
    if (!this.writableEnded) this.end()
  }

  /** The same, unless its reader takes nothing for `Limits.adminShutdownMs`. */
  leave(): void {
    this.setTimeout(Limits.adminShutdownMs, () => this.destroy())
    this.destroySoon()
  }

  /** Delivers the next piece. */
  onTurn(): void {
    const { rest } = this
    if (rest === undefined || this.destroyed) return
    this.isWanted = false
    this.rest = rest.length > Limits.adminPieceBytes ? rest.subarray(Limits.adminPieceBytes) : undefined
    this.push(rest.subarray(0, Limits.adminPieceBytes))
  }

  override _read(): void {
    this.isWanted = true
    if (this.rest !== undefined) this.turns.ask(this)
    else this.conn.resume()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.conn.write(chunk, encoding, done)
  }

  override _final(done: () => void): void {
    this.conn.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.turns.leave(this)
    this.rest = undefined
    this.conn.destroy()
    done(error)
  }
}
