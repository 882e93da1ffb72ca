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
import { TlsRecords } from "../../domain/wire/tls/TlsRecords.ts"
import type { TlsTurns, Waiting } from "./TlsTurns.ts"

type Done = (error?: Error | null) => void
const asDone = (value: unknown): Done | undefined =>
  typeof value === "function" ? (error) => void value(error) : undefined

export class HandshakeStream extends Duplex implements Waiting {
  readonly raw: Net.Socket
  private readonly turns: TlsTurns
  private readonly records = new TlsRecords()
  /** Waits for its turn. */
  private held: Buffer | undefined
  /** The peer's FIN arrived after it. */
  private isEnding = false
  /** TLS wants no more for now. */
  private isStopped = true
  /** Bytes that TLS may still read; `undefined` once its handshake is done. */
  private budget: number | undefined
  private readonly exceeded: () => void
  /** Bytes that TLS was given. */
  bytesRead = 0
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

  private received(chunk: Buffer): void {
    const { turns } = this
    const isFree = this.isSecured && chunk.length <= Limits.tlsTurnFreeBytes
    if (turns.isFull && !isFree) return this.hold(chunk)
    turns.spent(this.begun(chunk, Limits.tlsTurnShareBytes))
  }

  /** Passes on what costs about `most`, and holds the rest. Returns the cost. */
  private begun(chunk: Buffer, most: number): number {
    if (this.budget !== undefined) return this.handshake(chunk, this.budget)
    const { records } = this
    const length = records.prefix(chunk, most)
    if (length < chunk.length) this.hold(chunk.subarray(length))
    this.bytesRead += length
    this.emit("data", length < chunk.length ? chunk.subarray(0, length) : chunk)
    return records.cost
  }

  private handshake(chunk: Buffer, budget: number): number {
    const piece = chunk.subarray(0, budget)
    this.budget = budget - piece.length
    this.bytesRead += piece.length
    this.records.prefix(piece, Number.POSITIVE_INFINITY)
    const before = process.threadCpuUsage()
    if (piece.length > 0) this.emit("data", piece)
    const { system, user } = process.threadCpuUsage(before)
    this.handshakeUs += system + user
    if (piece.length < chunk.length && !this.raw.destroyed) {
      // Data may follow the handshake in the same chunk.
      if (this.isSecured) this.hold(chunk.subarray(piece.length))
      else this.exceeded()
    }
    return Limits.tlsFlightCostBytes
  }

  private get isSecured(): boolean {
    return this.budget === undefined
  }

  private hold(chunk: Buffer): void {
    this.held = chunk
    this.raw.pause()
    this.turns.wait(this)
  }

  /** See `Waiting`. */
  goOn(most: number): number {
    const chunk = this.held
    // Stopped by TLS: it waits again once that resumes.
    if (chunk === undefined || this.isStopped || this.raw.destroyed) return 0
    this.held = undefined
    const cost = this.begun(chunk, most)
    if (this.held !== undefined) return cost
    if (this.isEnding) this.emit("end")
    else if (!this.isStopped) this.raw.resume()
    return cost
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
    else this.turns.wait(this)
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
