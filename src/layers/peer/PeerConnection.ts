/**
 * The bytes of one socket, dialled or accepted: the same program for both.
 * Reads batches, cuts them into frames and passes each to the reading side's functions. Writes what its outbox holds, coalesced, using a fiber
 * only while the socket takes no more. It knows neither peer nor protocol: `PeerSession` gives frames their meaning, `Pair` picks the socket.
 */
import { Effect, Exit, Fiber, Option, Scope } from "effect"
import type { Socket } from "effect/socket"
import { Buffer } from "node:buffer"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Framing, Wire, WireReader } from "../../domain/wire/Wire.ts"
import { isSynchronous, type Secured } from "../../services/PeerSocket.ts"
import type { ConnectionIo, FrameEvents, SocketEvents } from "./ConnectionEvents.ts"
import { reasonOf } from "./endReason.ts"
import * as Outbox from "./Outbox.ts"
import { readBatches } from "./readBatches.ts"
import { SendBuffers } from "./SendBuffers.ts"

export class PeerConnection<Owner> {
  /** The wire it writes, unless `speak` chose another. */
  readonly wire: Wire
  /** `IP:port` of the initiator's end; empty until known. */
  socketName = ""
  /** The initiator's port; 0 until known. */
  ephemeralPort = 0
  /** This host's address of the socket; a router in between may have translated it. */
  local: PeerIp | undefined
  /** How the socket is secured; `undefined` until it is open. */
  secured: Secured | undefined
  bytesReceived = 0
  bytesSent = 0
  messagesReceived = 0
  messagesSent = 0

  private readonly io: ConnectionIo
  private readonly owner: Owner
  private frames: FrameEvents<Owner, never>
  private framing: Framing<unknown>
  private readonly events: SocketEvents<Owner>
  /** Reads the messages that `frames` takes: both are set together. */
  private reader: WireReader<never>
  private readonly outbox: Outbox.Outbox
  /** Only while the connection is busy. */
  private buffers: SendBuffers | undefined
  private frameLimit: number
  private fiber: Fiber.Fiber<unknown, unknown> | undefined
  private writer: Socket.Writer | undefined
  private writerScope: Scope.Closeable | undefined
  /** A write waits for the peer: when it began, and the node's total lag at that time, ms. */
  private writingSince: { readonly at: number; readonly lagMs: number } | undefined
  private flushing = false
  /** A batch is being handled: what that makes us send is written when it is done, without another turn. */
  private handling = false
  private state: "starting" | "open" | "closing" | "ended" = "starting"
  private abortReason: DisconnectReason.DisconnectReason | undefined
  /** More than `Limits.arrivingFreeBytes` of the partial frame has arrived. */
  private isLong = false
  /** Number of reasons not to read now. */
  private holds = 0
  /** Frames that arrived before reading was paused still wait in the reader. */
  private hasWaiting = false
  private holdReader: ((held: boolean) => void) | undefined

  constructor(io: ConnectionIo, wire: Wire, owner: Owner, frames: FrameEvents<Owner>, events: SocketEvents<Owner>) {
    this.io = io
    this.wire = wire
    this.owner = owner
    this.frames = frames
    this.events = events
    this.framing = wire
    this.reader = readerOf(wire)
    this.outbox = new Outbox.Outbox(io.waiting)
    this.frameLimit = wire.limits.beforeUp
  }

  /** False once closing has begun: frames are no longer handed over and nothing but the final Reject is written. */
  get active(): boolean {
    return this.state === "starting" || this.state === "open"
  }

  /** The connection is up: long frames may come. */
  allowLongFrames(): void {
    this.frameLimit = this.framing.limits.up
  }

  /** Reads another wire from now on, with other functions. Only before the first byte: in `onOpen`, or before `run`. */
  speak<M>(framing: Framing<M>, frames: FrameEvents<Owner, M>): void {
    this.framing = framing
    this.frames = frames
    this.reader = readerOf(framing)
    this.frameLimit = framing.limits.beforeUp
  }

  // --- reading --------------------------------------------------------------------

  /** The program: opens the socket, reads until it ends. Never fails: `onEnd` reports how it ended. Interrupting it destroys the socket. */
  run(
    socket: Socket.Socket,
    initiator: Effect.Effect<Option.Option<PeerAddress.PeerAddress>>,
    secured: Effect.Effect<Option.Option<Secured>> = Effect.succeedNone
  ): Effect.Effect<void> {
    const opened = Effect.gen({ self: this }, function*() {
      const scope = yield* Effect.scope
      const reader = yield* socket.reader
      const writerScope = yield* Scope.fork(scope)
      const writer = yield* Scope.provide(socket.writer, writerScope)
      this.secured ??= Option.getOrUndefined(yield* secured)
      this.open(writer, writerScope, Option.getOrUndefined(yield* initiator))
      return reader
    })
    // Outside the generator, which an idle connection would otherwise keep in memory.
    const program = Effect.flatMap(
      opened,
      (reader) => readBatches(reader, (batch) => this.received(batch), (hold) => this.onHold(hold))
    )
    return Effect.withFiber((fiber) => {
      this.fiber = fiber
      // It was closed, and so ended, before its program began.
      if (!this.active) return Effect.void
      return Effect.onExit(Effect.scoped(program), (exit) => Effect.sync(() => this.end(reasonOf(exit)))).pipe(
        Effect.ignoreCause
      )
    })
  }

  private open(
    writer: Socket.Writer,
    writerScope: Scope.Closeable,
    initiator: PeerAddress.PeerAddress | undefined
  ): void {
    this.writer = writer
    this.writerScope = writerScope
    if (initiator !== undefined) {
      this.socketName = PeerAddress.format(initiator)
      this.ephemeralPort = initiator.port
      this.local ??= initiator.ip
    }
    if (this.state !== "starting") return
    this.state = "open"
    this.events.onOpen(this.owner)
    this.flush()
  }

  private received(batch: ReadonlyArray<Uint8Array | string>): void {
    if (!this.active) return
    const { frames, owner, reader } = this
    for (const chunk of batch) {
      if (typeof chunk === "string") continue // sockets of `PeerSocket` give bytes
      this.bytesReceived += chunk.length
      reader.push(chunk)
    }
    this.handling = true
    frames.onBytes(owner)
    const handed = this.handOver()
    if (this.active) this.handedOver(handed)
    this.handling = false
    if (this.flushing) this.flushNow()
  }

  /** Hands over complete frames until reading is paused; the rest waits until it resumes. Returns how many. */
  private handOver(): number {
    const { frames, io: { turns }, owner, reader } = this
    const before = this.messagesReceived
    turns.begins()
    this.hasWaiting = this.holds > 0
    while (this.active && !this.hasWaiting) {
      const next = reader.read(this.frameLimit)
      if (next === "none") break
      if (next === "malformed") {
        frames.onMalformed(owner, reader.fault(this.frameLimit))
        break
      }
      if (next === "data") {
        this.messagesReceived += frames.onData(owner, reader, this.frameLimit)
      } else {
        this.messagesReceived += 1
        frames.onMessage(owner, reader)
        turns.handled(this)
      }
      this.hasWaiting = this.holds > 0
    }
    return this.messagesReceived - before
  }

  private handedOver(frames: number): void {
    this.frames.onBatch(this.owner, this.reader, frames)
    this.account(frames > 0)
  }

  /** Reads more of a long frame only within the node's budget. `ended`: a frame was completed, so the pending bytes belong to another. */
  private account(ended: boolean): void {
    const { io: { timers, waiting }, reader } = this
    reader.recycle()
    if (ended && this.isLong) {
      this.isLong = false
      waiting.release(this, timers.now())
    }
    if (reader.pending <= Limits.arrivingFreeBytes || this.isLong || this.hasWaiting) return
    this.isLong = true
    waiting.want(this, reader.announced, timers.now())
  }

  giveUp(afterMs: number): void {
    const detail = `frame not complete after ${Math.round(afterMs)} ms, and others wait for its memory`
    this.frames.onGivenUp(this.owner, detail)
  }

  private onHold(hold: (held: boolean) => void): void {
    this.holdReader = hold
    if (this.holds > 0) hold(true)
  }

  /** Pauses reading once the message or run of `Data` being handled is done; what arrived waits. Each call needs a `resumeReading`. */
  pauseReading(): void {
    this.holds += 1
    if (this.holds === 1) this.holdReader?.(true)
  }

  resumeReading(): void {
    this.holds -= 1
    if (this.holds > 0) return
    if (this.hasWaiting) this.io.afterTurn(() => this.goOn())
    else this.holdReader?.(false)
  }

  /** Resumes: first the frames that wait, then the socket. */
  private goOn(): void {
    if (this.holds > 0 || !this.hasWaiting) return
    const handed = this.handOver()
    if (handed > 0 && this.active) this.handedOver(handed)
    if (this.holds === 0) this.holdReader?.(false)
  }

  /** Whether this node has paused reading: then silence is not the peer's fault. */
  get isPaused(): boolean {
    return this.holds > 0
  }

  /** Frees spare memory. */
  rest(): void {
    this.reader.rest()
    this.buffers = undefined
  }

  // --- writing --------------------------------------------------------------------

  /** Bytes not yet handed to the operating system. */
  get queuedBytes(): number {
    return this.outbox.queuedBytes
  }

  /** Whether a sender that can wait should. */
  get high(): boolean {
    return this.outbox.high
  }

  whenLow(resume: () => void, mark?: number): () => void {
    return this.outbox.whenLow(resume, mark)
  }

  /** How long the pending write has been waiting for the peer, ms, less the time in which our own loop was blocked. */
  writeWaitMs(now: number): number {
    const since = this.writingSince
    return since === undefined ? 0 : now - since.at - (this.io.timers.lag.totalMs - since.lagMs)
  }

  /** A buffer for frames that this connection sends: see `SendBuffers`. */
  allocate(bytes: number): Uint8Array {
    // Handshake frames are short.
    if (bytes < Limits.smallFrameBytes) return new Uint8Array(bytes)
    return (this.buffers ??= new SendBuffers()).allocate(bytes)
  }

  /** Queues a control frame, ahead of bulk. `onFlushed` is called once it is written. False: the peer is not reading. */
  sendControl(frame: Uint8Array, onFlushed?: () => void): boolean {
    if (!this.active) return true
    this.messagesSent += 1
    if (!this.outbox.offerControl(frame, onFlushed)) return false
    this.flush()
    return true
  }

  /** Queues a frame, or `count` frames in one buffer. False: the peer is not reading. */
  sendBulk(frame: Outbox.Frame, count = 1): boolean {
    if (!this.active) return true
    this.messagesSent += count
    if (!this.outbox.offerBulk(frame)) return false
    this.flush()
    return true
  }

  /** Schedules a write: everything queued in the same turn goes out in one write. */
  private flush(): void {
    if (this.flushing || this.writingSince !== undefined || this.writer === undefined) return
    this.flushing = true
    if (!this.handling) this.io.afterTurn(this.flushNow)
  }

  /** One function object for all turns: most frames are written in a turn of their own. */
  private readonly flushNow = (): void => {
    this.flushing = false
    this.drain()
  }

  /** Writes what is queued, without a fiber while the socket takes it at once. */
  private drain(): void {
    const writer = this.writer
    if (this.writingSince !== undefined || writer === undefined || this.state === "ended") return
    for (let batch = this.outbox.take(this); batch !== undefined; batch = this.outbox.take(this)) {
      const waiting = isSynchronous(writer) ? writer.writeNow(batch.chunks) : writer.writeAll(batch.chunks)
      // Nearly always this value: any other costs a look at what it is.
      const isWritten = waiting === Effect.void || (Exit.isExit(waiting) && Exit.isSuccess(waiting))
      if (!isWritten) return this.awaitDrain(waiting, batch)
      this.wrote(batch)
    }
  }

  private wrote(batch: Outbox.Batch): void {
    this.bytesSent += batch.bytes
    const { buffers, writer } = this
    if (buffers !== undefined && writer !== undefined && isSynchronous(writer)) {
      buffers.handedOver(batch.chunks)
      if (writer.flushed()) buffers.flushed()
    }
    this.outbox.wrote(batch)
  }

  private awaitDrain(waiting: Effect.Effect<void, Socket.SocketError>, batch: Outbox.Batch): void {
    const { lag, now } = this.io.timers
    this.writingSince = { at: now(), lagMs: lag.totalMs }
    this.io.fork(
      Effect.onExit(waiting, (exit) =>
        Effect.sync(() => {
          this.writingSince = undefined
          // A failed write means a dead socket. Reading would find out too, but perhaps much later.
          if (Exit.isFailure(exit)) {
            this.abortReason = DisconnectReason.remote("reset", "write failed")
            return this.destroy()
          }
          this.wrote(batch)
          this.drain()
        })).pipe(Effect.ignoreCause)
    )
  }

  // --- closing --------------------------------------------------------------------

  /**
   * Closes. With `finalReject`: writes it, half-closes, reads on for at most `Limits.lingerMs` so that no reset overtakes it, then destroys.
   * Without: destroys at once. `onEnd` follows in both cases. Returns whether the Reject is written.
   */
  close(finalReject: Uint8Array | undefined): boolean {
    if (!this.active) return false
    const opened = this.state === "open"
    this.state = "closing"
    this.outbox.clear()
    // Bytes are no longer handed over, but must be read: unread bytes would turn the close into a reset.
    if (this.holds > 0) this.holdReader?.(false)
    if (finalReject === undefined || !opened || !this.outbox.offerControl(finalReject, () => this.halfClose())) {
      this.destroy()
      return false
    }
    this.messagesSent += 1
    this.io.lingering.begin(this, this.frameLimit === this.framing.limits.up)
    this.flush()
    return true
  }

  private halfClose(): void {
    if (this.writerScope !== undefined) this.io.fork(Scope.close(this.writerScope, Exit.void))
  }

  /** Ends it without a Reject. */
  destroy(): void {
    const fiber = this.fiber
    // The program has not started, and never opens the socket.
    if (fiber === undefined) return this.end(DisconnectReason.local("eof"))
    this.io.fork(Fiber.interrupt(fiber))
  }

  private end(reason: DisconnectReason.DisconnectReason): void {
    if (this.state === "ended") return
    const opened = this.writer !== undefined
    this.state = "ended"
    this.io.lingering.over(this)
    this.writer = undefined
    this.holdReader = undefined
    this.outbox.end()
    if (this.isLong) this.io.waiting.release(this, this.io.timers.now())
    this.isLong = false
    this.events.onEnd(this.owner, this.abortReason ?? reason, opened)
  }
}

const readerOf = <M>(framing: Framing<M>): WireReader<never> =>
  framing.reader(Buffer.allocUnsafeSlow) as WireReader<never>
