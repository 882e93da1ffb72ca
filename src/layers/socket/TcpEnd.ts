/**
 * One end of a TCP connection: effect's reader and writer on a `net.Socket`, without a copy (docs/decisions/0002).
 *
 * Node's stream flows into a list of chunks, at most `Limits.readAheadBytes` ahead of the reader; `pull` hands over the list. Listeners are
 * set once for the life of the socket, including `error`, so that a late error is never uncaught.
 */
import { Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Socket } from "effect/socket"
import type * as Net from "node:net"
import { concat } from "../../domain/bytes.ts"
import * as Limits from "../../domain/Limits.ts"
import type { OnceSpoken } from "../../services/PeerSocket.ts"
import { closed, readError, systemError, writeError } from "./socketErrors.ts"
import type { ConnectionEnd } from "./socketFromEnd.ts"

type Batch = NonEmptyReadonlyArray<Uint8Array>
type Resume<A> = (effect: Effect.Effect<A, Socket.SocketError>) => void

const isNonEmpty = (chunks: ReadonlyArray<Uint8Array>): chunks is Batch => chunks.length > 0

export class TcpEnd implements ConnectionEnd {
  readonly conn: Net.Socket
  private chunks: Array<Uint8Array> = []
  private buffered = 0
  /** The suspended pull. */
  private puller: Resume<Batch> | undefined
  /** Takes batches as they arrive, instead of pulls. */
  private sink: ((batch: Batch) => void) | undefined
  /** Writes that wait for `drain`. */
  private writers: Array<Resume<void>> | undefined
  /** How reading ends once `chunks` is empty. */
  private failure: Socket.SocketError | undefined
  private broken: Error | undefined
  /** Takes the chunks at hand, or waits. They are taken only when the fiber runs again, so an earlier interruption loses none. */
  readonly pull: Effect.Effect<Batch, Socket.SocketError> = Effect.suspend(() => this.take() ?? this.arrival())
  private state: "idle" | "reading" | "closed" = "idle"
  private begun = false
  /** The reader wants no more for now. */
  private held = false
  /** Called once when enough bytes have arrived, or no more will. */
  private onSpoken: Parameters<OnceSpoken>[0] | undefined
  private isEnough: Parameters<OnceSpoken>[1] | undefined

  /** `conn` is paused or not yet flowing; it may still be connecting. */
  constructor(conn: Net.Socket) {
    this.conn = conn
    conn.on("error", (cause) => this.fail(this.inWords(cause)))
    conn.on("close", () => this.fail())
  }

  /** The error that broke the connection, in readable form where the underlying stream's is not. */
  protected inWords(cause: Error): Error {
    return cause
  }

  /** Starts reading. False if already started, or the end is closed. */
  start(): boolean {
    if (this.state !== "idle") return false
    this.state = "reading"
    const { conn } = this
    conn.on("end", () => this.ended(closed(1000)))
    conn.on("drain", () => this.release(Effect.void))
    conn.on("data", (chunk: Buffer) => this.received(chunk))
    conn.resume()
    return true
  }

  /** Gives the end to its reader. False if already done, or the end is closed. */
  begin(): boolean {
    if (this.begun || this.state === "closed") return false
    this.begun = true
    this.start()
    return true
  }

  /** See `Accepted`. */
  onceSpoken(...[f, isEnough]: Parameters<OnceSpoken>): void {
    this.onSpoken = f
    this.isEnough = isEnough
    if (!this.start() || this.failure !== undefined) this.speaks(false)
  }

  /** Joins chunks: a peer that sends single bytes costs one chunk, not hundreds. */
  private listens(): void {
    if (this.isEnough === undefined || this.isEnough(this.chunks)) return this.speaks(true)
    if (this.chunks.length >= Limits.unspokenChunks) this.chunks = [concat(...this.chunks)]
  }

  private speaks(hasSpoken: boolean): void {
    const { onSpoken } = this
    if (onSpoken === undefined) return
    this.onSpoken = undefined
    this.isEnough = undefined
    // Without a reader, one chunk is enough.
    this.conn.pause()
    onSpoken(hasSpoken)
  }

  private received(chunk: Uint8Array): void {
    if (this.state === "closed") return
    if (this.sink !== undefined) return this.deliver([chunk])
    this.chunks.push(chunk)
    this.buffered += chunk.length
    if (this.onSpoken !== undefined) this.listens()
    else if (this.puller !== undefined) this.wake()
    else if (this.buffered >= Limits.readAheadBytes || this.chunks.length >= Limits.readAheadChunks) this.conn.pause()
  }

  private wake(): void {
    const resume = this.puller
    if (resume === undefined) return
    this.puller = undefined
    resume(this.pull)
  }

  /** See `SynchronousReader`. */
  drainTo(sink: (batch: Batch) => void): Effect.Effect<never, Socket.SocketError> {
    return Effect.callback<never, Socket.SocketError>((resume) => {
      // Resumed only once no chunk is left, so never with a batch.
      const ended: Resume<Batch> = (effect) => resume(Effect.andThen(effect, Effect.never))
      this.puller = ended
      this.sink = sink
      const { chunks } = this
      if (isNonEmpty(chunks)) {
        this.chunks = []
        this.buffered = 0
        this.deliver(chunks)
        // Unless the reader paused meanwhile: it would be given everything that the peer sends, and keep it.
        if (this.sink !== undefined && !this.held && this.conn.isPaused()) this.conn.resume()
      }
      if (this.failure !== undefined) this.wake()
      return Effect.sync(() => {
        if (this.puller === ended) this.puller = undefined
        if (this.sink === sink) this.sink = undefined
      })
    })
  }

  /** See `SynchronousReader`. */
  hold(held: boolean): void {
    this.held = held
    if (held) this.conn.pause()
    else if (this.state === "reading") this.conn.resume()
  }

  private deliver(batch: Batch): void {
    try {
      this.sink?.(batch)
    } catch (defect) {
      const resume = this.puller
      this.puller = undefined
      this.sink = undefined
      resume?.(Effect.die(defect))
    }
  }

  private arrival(): Effect.Effect<Batch, Socket.SocketError> {
    return Effect.callback((resume) => {
      this.puller = resume
      return Effect.sync(() => {
        if (this.puller === resume) this.puller = undefined
      })
    })
  }

  private take(): Effect.Effect<Batch, Socket.SocketError> | undefined {
    const { chunks } = this
    if (isNonEmpty(chunks)) {
      this.chunks = []
      this.buffered = 0
      if (this.conn.isPaused()) this.conn.resume()
      return Effect.succeed(chunks)
    }
    return this.failure === undefined ? undefined : Effect.fail(this.failure)
  }

  private ended(error: Socket.SocketError): void {
    this.failure ??= error
    this.speaks(false)
    this.wake()
  }

  /** Both directions are broken. Data that had arrived can still be pulled. */
  private fail(cause?: Error): void {
    this.broken ??= cause
    if (this.failure === undefined) this.ended(cause === undefined ? closed(1006) : readError(cause))
    if (this.writers !== undefined) this.release(Effect.fail(writeError(this.cause())))
  }

  private release(outcome: Effect.Effect<void, Socket.SocketError>): void {
    const { writers } = this
    if (writers === undefined) return
    this.writers = undefined
    for (const resume of writers) resume(outcome)
  }

  write(chunks: ReadonlyArray<Uint8Array | string>): Effect.Effect<void, Socket.SocketError> {
    const { conn } = this
    if (!conn.writable) return Effect.fail(writeError(this.cause()))
    if (chunks.length > 1) conn.cork()
    for (const chunk of chunks) conn.write(chunk)
    if (chunks.length > 1) conn.uncork()
    return conn.writableNeedDrain ? this.drained : Effect.void
  }

  /** See `SynchronousWriter`. */
  flushed(): boolean {
    return this.conn.writableLength === 0
  }

  /** What broke the connection, or kept it from opening. */
  cause(): unknown {
    return this.broken ?? systemError("EPIPE", "the connection is closed")
  }

  private get drained(): Effect.Effect<void, Socket.SocketError> {
    return Effect.callback((resume) => {
      const writers = this.writers ??= []
      writers.push(resume)
      return Effect.sync(() => {
        const at = writers.indexOf(resume)
        if (at >= 0) writers.splice(at, 1)
      })
    })
  }

  /** Sends FIN after everything written. */
  finish(): void {
    if (this.conn.writable) this.conn.end()
  }

  /** Closes the connection at once; unsent bytes in Node get `Limits.lingerMs` without progress to leave. */
  close(): void {
    if (this.state === "closed") return
    this.state = "closed"
    this.chunks = []
    this.buffered = 0
    this.failure = closed(1006)
    this.wake()
    const { conn } = this
    if (conn.destroyed) return
    if (conn.writableLength === 0) {
      conn.destroy()
    } else {
      // Node does not report a TLS socket's progress within a chunk, so the limit covers all of it.
      conn.setTimeout("encrypted" in conn ? Limits.lingerTlsMs : Limits.lingerMs, () => conn.destroy())
      conn.destroySoon()
    }
  }
}
