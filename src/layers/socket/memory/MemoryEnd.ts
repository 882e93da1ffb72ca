/** One end of a `MemoryNetwork` connection: behaves and fails like a TCP end. */
import { Effect } from "effect"
import { isReadonlyArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import type { Socket } from "effect/socket"
import type { PeerAddress } from "../../../domain/peer/PeerAddress.ts"
import type { OnceSpoken } from "../../../services/PeerSocket.ts"
import { closed, readError, systemError, writeError } from "../socketErrors.ts"
import type { ConnectionEnd } from "../socketFromEnd.ts"
import type { Pipe, Resume } from "./MemoryPipe.ts"
import { onTurn } from "./MemoryPipe.ts"

type Batch = NonEmptyReadonlyArray<Uint8Array>

const encoder = new TextEncoder()
const reset = () => systemError("ECONNRESET", "the connection was reset")

export class MemoryEnd implements ConnectionEnd {
  readonly address: PeerAddress
  readonly inbound: Pipe
  readonly outbound: Pipe
  private readonly onChange: () => void
  private peer: MemoryEnd | undefined
  /** The end's state to the network. `closed`: bytes are answered with a reset. `silent`: its host is down. */
  private state: "open" | "closed" | "silent" = "open"
  /** Its process is gone: effects still waiting on it hang until its scope closes. */
  private hung = false
  /** Its scope has closed. */
  private released = false
  /** How reading ends. */
  private failure: Socket.SocketError | undefined
  private puller: Resume<Batch> | undefined
  /** Takes batches as they arrive, instead of pulls. `turn` runs a function in a turn of the reader's event loop. */
  private sink: { readonly take: (batch: Batch) => void; readonly turn: (f: () => void) => void } | undefined
  private delivering = false
  /** Fault: the process reads nothing. */
  private readsHeld = false
  /** The reader has paused reading. */
  private paused = false
  private begun = false
  /** Called once when enough bytes have arrived, or no more will. */
  private onSpoken: Parameters<OnceSpoken>[0] | undefined
  private isEnough: Parameters<OnceSpoken>[1] = () => true
  /** Seen by `isEnough`, not yet taken by the reader. */
  private early: Array<Uint8Array> | undefined
  /** Takes the chunks at hand, or waits. They are taken only when the fiber runs again, so an earlier interruption loses none. */
  readonly pull: Effect.Effect<Batch, Socket.SocketError> = Effect.suspend(() => this.take() ?? this.arrival)

  /** `onChange` is called when the end is no longer open. */
  constructor(address: PeerAddress, inbound: Pipe, outbound: Pipe, onChange: () => void) {
    this.address = address
    this.inbound = inbound
    this.outbound = outbound
    this.onChange = onChange
    inbound.onArrival = () => this.wake()
  }

  /** Makes two ends the ends of one connection. */
  static join(a: MemoryEnd, b: MemoryEnd): void {
    a.peer = b
    b.peer = a
  }

  get open(): boolean {
    return this.state === "open"
  }

  /** Gives the end to its reader. False if already done, or the end is closed. */
  begin(): boolean {
    const first = !this.begun && !this.released
    this.begun = true
    return first
  }

  private take(): Effect.Effect<Batch, Socket.SocketError> | undefined {
    if (this.failure === undefined) {
      if (this.hung || this.readsHeld) return undefined
      const batch = this.arrived()
      if (batch === undefined) return undefined
      if (batch !== "fin") return Effect.succeed(batch)
      this.failure = closed(1000)
    }
    return Effect.fail(this.failure)
  }

  private arrived(): Batch | "fin" | undefined {
    const { early } = this
    this.early = undefined
    return early !== undefined && isReadonlyArrayNonEmpty(early) ? early : this.inbound.take()
  }

  private get arrival(): Effect.Effect<Batch, Socket.SocketError> {
    return onTurn((resume) => {
      this.await(resume)
      return () => {
        if (this.puller === resume) this.unawait()
      }
    })
  }

  /** See `SynchronousReader`. */
  drainTo(take: (batch: Batch) => void): Effect.Effect<never, Socket.SocketError> {
    return Effect.withFiber((fiber) =>
      Effect.callback<never, Socket.SocketError>((resume) => {
        // Resumed only once no chunk is left, so never with a batch.
        const ended: Resume<Batch> = (effect) => resume(Effect.andThen(effect, Effect.never))
        const sink = { take, turn: (f: () => void) => fiber.currentDispatcher.scheduleTask(f, 0) }
        this.sink = sink
        this.await(ended)
        return Effect.sync(() => {
          if (this.puller === ended) this.unawait()
          if (this.sink === sink) this.sink = undefined
        })
      })
    )
  }

  private await(resume: Resume<Batch>): void {
    this.puller = resume
    this.inbound.awaited = true
    this.look()
  }

  /** Wakes the reader now if there is something to read, otherwise when it arrives. */
  private look(): void {
    if (this.failure === undefined && this.early === undefined) this.inbound.arm()
    else this.wake()
  }

  /** Hands over what has arrived, and waits for more. */
  private deliver(sink: NonNullable<typeof this.sink>): void {
    this.delivering = false
    const { puller } = this
    if (this.sink !== sink || puller === undefined) return
    const batch = this.hung || this.readsHeld || this.paused || this.failure !== undefined
      ? undefined
      : this.arrived()
    if (batch === "fin") this.failure = closed(1000)
    if (this.failure !== undefined) {
      this.unawait()
      this.sink = undefined
      return puller(Effect.fail(this.failure))
    }
    if (batch === undefined) return
    try {
      sink.take(batch as Batch)
    } catch (defect) {
      this.unawait()
      this.sink = undefined
      return puller(Effect.die(defect))
    }
    if (this.puller === puller) this.inbound.arm()
  }

  /** While held, the reader gets nothing. */
  holdReads(held: boolean): void {
    this.readsHeld = held
    if (!held) this.look()
  }

  /** See `SynchronousReader`. */
  hold(held: boolean): void {
    this.paused = held
    if (!held) this.look()
  }

  private unawait(): void {
    this.puller = undefined
    this.inbound.awaited = false
  }

  /** See `Accepted`. */
  onceSpoken(...[f, isEnough]: Parameters<OnceSpoken>): void {
    this.onSpoken = f
    this.isEnough = isEnough
    this.inbound.awaited = true
    if (this.failure === undefined) this.inbound.arm()
    else this.wake()
  }

  private wake(): void {
    if (this.onSpoken !== undefined) {
      const { onSpoken } = this
      const hasSpoken = this.failure === undefined ? this.hasSpoken() : false
      if (hasSpoken === undefined) return this.inbound.arm()
      this.onSpoken = undefined
      this.inbound.awaited = this.puller !== undefined
      return onSpoken(hasSpoken)
    }
    const { puller, sink } = this
    // A failure is noticed even when nothing is read.
    const deaf = this.hung || ((this.readsHeld || this.paused) && this.failure === undefined)
    if (puller === undefined || (deaf && !this.released)) return
    if (sink !== undefined) {
      if (this.delivering) return
      this.delivering = true
      return sink.turn(() => this.deliver(sink))
    }
    this.unawait()
    puller(this.pull)
  }

  /** Whether enough has arrived; `undefined`: more may come. */
  private hasSpoken(): boolean | undefined {
    // Taking makes room for more, which must not trigger an arrival before this batch is kept.
    this.inbound.awaited = false
    const batch = this.inbound.take()
    this.inbound.awaited = true
    if (batch === "fin") return false
    if (batch !== undefined) this.early = [...this.early ?? [], ...batch]
    return this.early !== undefined && this.isEnough(this.early) ? true : undefined
  }

  write(chunks: ReadonlyArray<Uint8Array | string>): Effect.Effect<void, Socket.SocketError> {
    if (this.hung && !this.released) return this.outbound.change
    if (this.state !== "open") return Effect.fail(this.unwritable())
    if (this.outbound.ended) return Effect.fail(writeError(systemError("EPIPE", "write after the end")))
    // copies: the reader owns what it gets, and one buffer may be written to many peers
    for (const chunk of chunks) this.outbound.add(typeof chunk === "string" ? encoder.encode(chunk) : chunk.slice())
    this.outbound.admit()
    if (this.peer?.state === "closed") this.peer.refuse()
    return this.outbound.drained
  }

  private unwritable(): Socket.SocketError {
    return writeError(this.released ? systemError("EPIPE", "the connection is closed") : reset())
  }

  finish(): void {
    if (this.open) this.outbound.end()
  }

  close(): void {
    if (this.released) return
    this.released = true
    this.hangUp()
    this.failure = closed(1006)
    this.outbound.failWriters(this.unwritable())
    this.wake()
  }

  /** Its process refuses the connection: the other end reads a reset. */
  turnAway(): void {
    if (!this.open) return
    this.released = true
    this.state = "closed"
    this.failure = closed(1006)
    this.inbound.forget()
    this.sendReset()
    this.onChange()
  }

  /** Answers bytes that arrived too late with a reset. */
  private refuse(): void {
    const due = this.inbound.nextDue
    if (due === undefined) return
    this.inbound.forget()
    this.inbound.link.deliver(() => this.sendReset(), due)
  }

  private sendReset(): void {
    this.outbound.link.deliver(() => this.peer?.reset(), this.outbound.quietAt)
  }

  /** What the kernel does with a connection that no program holds: FIN, or a reset if there are unread bytes. */
  private hangUp(): void {
    if (!this.open) return
    this.state = "closed"
    if (this.inbound.hasUnread) {
      this.inbound.forget()
      this.outbound.forgetBacklog()
      this.sendReset()
    } else {
      this.outbound.end()
      this.refuse()
    }
    this.onChange()
  }

  // --- faults ---------------------------------------------------------------------

  /** A reset arrived: unread bytes are lost. */
  reset(): void {
    if (!this.open) return
    this.state = "closed"
    this.failure ??= readError(reset())
    this.inbound.forget()
    this.outbound.forget()
    this.outbound.failWriters(this.unwritable())
    this.wake()
    this.onChange()
  }

  /** The process dies; the kernel closes the connection. */
  crash(): void {
    this.hung = true
    this.hangUp()
  }

  /** The host dies. */
  vanish(): void {
    this.hung = true
    if (!this.open) return
    this.state = "silent"
    this.outbound.loseUnderWay()
    this.onChange()
  }

  /** The host is back without this connection: whatever the peer sends or retransmits is answered with a reset. */
  returned(): void {
    if (this.state !== "silent") return
    this.state = "closed"
    this.onChange()
    if (this.inbound.pending && this.peer !== undefined) {
      this.inbound.forget()
      this.inbound.link.deliver(() => this.sendReset())
    }
  }
}
