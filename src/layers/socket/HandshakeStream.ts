/**
 * A TCP connection as TLS sees it until it has proved harmless: a stream that bounds the bytes of the handshake. Given the connection itself,
 * Node reads it beneath JavaScript, and OpenSSL verifies up to 100 KB of certificates in one go, 0.15 s and more, with no option against it.
 * Given this, TLS gets at most `budget` bytes until its handshake is done, and all others after. Node never takes a stream back: it serves for
 * the life of the connection, at about 5 µs per write and read. Peers that have behaved well are read natively (`TlsSocket`).
 *
 * TLS gets each chunk within the turns that all strangers share (`TlsTurns`); meanwhile the connection is not read.
 */
import type * as Net from "node:net"
import { Duplex } from "node:stream"
import * as Limits from "../../domain/Limits.ts"
import type { TlsTurns, Waiting } from "./TlsTurns.ts"

type Done = (error?: Error | null) => void
const asDone = (value: unknown): Done | undefined =>
  typeof value === "function" ? (error) => void value(error) : undefined

export class HandshakeStream extends Duplex implements Waiting {
  readonly raw: Net.Socket
  private readonly turns: TlsTurns
  /** Waits for its turn. */
  private held: Buffer | undefined
  /** The peer's FIN arrived after it. */
  private isEnding = false
  /** TLS wants no more for now. */
  private isStopped = true
  /** Bytes that TLS may still read; `undefined` once its handshake is done. */
  private budget: number | undefined
  private readonly exceeded: () => void
  /** CPU time that TLS took for what it read of the handshake, µs. */
  handshakeUs = 0

  /** `raw` is paused or still connecting. `exceeded` is called once, when TLS wants more than `budget` bytes: it must end the connection. */
  constructor(raw: Net.Socket, turns: TlsTurns, budget: number, exceeded: () => void) {
    super({ allowHalfOpen: true, autoDestroy: false })
    this.raw = raw
    this.turns = turns
    this.budget = budget
    this.exceeded = exceeded
    // Otherwise the first listener for data would make it flow.
    super.pause()
    raw.on("data", (chunk: Buffer) => this.received(chunk))
    raw.once("end", () => {
      if (this.held === undefined) this.emit("end")
      else this.isEnding = true
    })
    raw.once("close", () => {
      turns.leave(this)
      this.held = undefined
      this.emit("close")
    })
    raw.on("error", (error) => this.emit("error", error))
  }

  /** The handshake is done. May be called while data is passed on. */
  secured(): void {
    this.budget = undefined
  }

  /** See `Waiting`. */
  get cost(): number {
    return this.costOf(this.held)
  }

  private costOf(chunk: Buffer | undefined): number {
    return this.budget === undefined ? chunk?.length ?? 0 : Limits.tlsFlightCostBytes
  }

  private received(chunk: Buffer): void {
    if (this.turns.take(this.costOf(chunk))) return this.pass(chunk)
    this.held = chunk
    this.raw.pause()
    this.turns.wait(this)
  }

  /** See `Waiting`. */
  goOn(): void {
    const chunk = this.held
    this.held = undefined
    if (chunk === undefined || this.raw.destroyed) return
    this.pass(chunk)
    if (this.isEnding) this.emit("end")
    else if (!this.isStopped) this.raw.resume()
  }

  private pass(chunk: Buffer): void {
    if (this.budget === undefined) return void this.emit("data", chunk)
    const piece = chunk.subarray(0, this.budget)
    this.budget -= piece.length
    const before = process.threadCpuUsage()
    if (piece.length > 0) this.emit("data", piece)
    const { system, user } = process.threadCpuUsage(before)
    this.handshakeUs += system + user
    if (piece.length === chunk.length || this.raw.destroyed) return
    // Data may follow the handshake in the same chunk.
    if (this.budget === undefined) this.emit("data", chunk.subarray(piece.length))
    else this.exceeded()
  }

  // What follows is the part of a stream that Node's TLS uses, passed on without a queue in between.

  override pause(): this {
    this.isStopped = true
    this.raw.pause()
    return this
  }

  override resume(): this {
    this.isStopped = false
    if (this.held === undefined) this.raw.resume()
    return this
  }

  override cork(): void {
    this.raw.cork()
  }

  override uncork(): void {
    this.raw.uncork()
  }

  override write(chunk: Uint8Array, encoding?: unknown, done?: unknown): boolean {
    return this.raw.write(chunk, asDone(encoding) ?? asDone(done))
  }

  override end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
    this.raw.end(asDone(chunk) ?? asDone(encoding) ?? asDone(done))
    return this
  }

  override destroy(error?: Error): this {
    this.raw.destroy(error)
    return this
  }
}
