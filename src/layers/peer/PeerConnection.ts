/**
 * One socket to one peer, dialled or accepted: the same program for both, direction is a field.
 *
 * Reads batches, cuts them into frames and hands each to the session's `onFrame`; writes what its outbox holds, coalesced,
 * with a fiber only while the socket does not take more. Reading never waits for writing. What a frame
 * means is decided elsewhere (`PeerSession`); which socket counts, by `Pair`.
 */
import { Effect, Exit, Fiber, Option, Scope } from "effect"
import type { Socket } from "effect/socket"
import { Buffer } from "node:buffer"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { Direction } from "../../domain/NodeEvent.ts"
import type { Role } from "../../domain/pair/PairState.ts"
import type * as Liveness from "../../domain/peer/Liveness.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerConnectionInfo } from "../../domain/peer/PeerRecord.ts"
import * as Frame from "../../domain/wire/Frame.ts"
import { errorCode, isPrompt, isPromptReader } from "../../services/PeerSocket.ts"
import type { Timer, Timers } from "../time/Timers.ts"
import * as Outbox from "./Outbox.ts"
import type { PeerRow } from "./Peer.ts"

/** What a connection needs of its node. Plain functions: they run inside a read batch or a write. */
export interface Host {
  readonly wheel: Timers["Service"]
  /** See `EventLoop`. */
  readonly afterTurn: (f: () => void) => void
  /** Starts an effect that ends with the node. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** The socket is open: bytes can flow. Called once. */
  readonly onOpen: (connection: PeerConnection) => void
  /** Bytes came, before any frame in them is handed over. */
  readonly onBytes: (connection: PeerConnection) => void
  /** A frame came; it is in `connection.frames` until this returns. */
  readonly onFrame: (connection: PeerConnection, kind: number) => void
  /** All frames of a batch have been handed over: `frames` many. */
  readonly onBatch: (connection: PeerConnection, frames: number) => void
  /** The program ended: nothing more comes or goes. Called once; `opened` tells whether it ever got as far. */
  readonly onEnd: (connection: PeerConnection, reason: DisconnectReason.DisconnectReason, opened: boolean) => void
}

/** What a Hello says of the peer itself. */
export interface HelloFacts {
  readonly software: string
  readonly tip: { readonly height: number; readonly hash: string }
  /** Random bits of its process. */
  readonly process: string
  /** Of its Hello on this socket. */
  readonly nonce: bigint
  readonly capabilities: number
  /** Port at which it listens; 0 if it does not. */
  readonly listens: number
}

export class PeerConnection {
  readonly id: number
  /** The peer's. It stays in the table as long as this connection is active. */
  readonly row: PeerRow
  readonly ip: PeerIp
  readonly direction: Direction
  /** Of our Hello on this socket. */
  readonly helloNonce: bigint
  readonly frames = new Frame.FrameReader(Buffer.allocUnsafeSlow)
  readonly outbox = new Outbox.Outbox()
  /** Greatest frame now, bytes: small until Up. */
  frameLimit = Limits.frameBeforeUpBytes
  /** `IP:port` of the initiator's end; empty until known. */
  socketName = ""
  ephemeralPort = 0
  /** The address of this machine that the socket has; another than `self` where somebody translates it. */
  local: PeerIp | undefined
  role: Role | undefined
  helloReceived = false
  /** What the peer's Hello on this socket says. It counts once the connection is up. */
  facts: HelloFacts | undefined
  /** The peer's IP as its Hello says it knows ours: for `Commit`. */
  self: PeerIp | undefined
  /** Wall time of Up, ms. */
  upAt: number | undefined
  /** Ascending with every Up of the node: who was up before whom. */
  upOrder = 0
  liveness: Liveness.State | undefined
  liveTimer: Timer | undefined
  /** The node's total lag when a byte last came. */
  lagWhenHeard = 0
  /** Monotonic ms when our Commit left the state machine: Commit to Ack is the first RTT sample. */
  committedAt: number | undefined
  bytesReceived = 0
  bytesSent = 0
  messagesReceived = 0
  messagesSent = 0
  pingsSent = 0
  pingsReceived = 0
  pongsSent = 0
  pongsReceived = 0
  /** It is to be dialled when its turn comes. */
  queued = false
  /** Why it went down, for senders that still hold it. */
  downReason: DisconnectReason.DisconnectReason | undefined

  private readonly host: Host
  private fiber: Fiber.Fiber<unknown, unknown> | undefined
  private writer: Socket.Writer | undefined
  private writerScope: Scope.Closeable | undefined
  private writing = false
  /** Monotonic ms when the write under way began. */
  private writingSince: number | undefined
  private flushing = false
  private state: "starting" | "open" | "closing" | "ended" = "starting"
  private closeTimer: Timer | undefined

  constructor(host: Host, id: number, row: PeerRow, direction: Direction, helloNonce: bigint) {
    this.host = host
    this.id = id
    this.row = row
    this.ip = row.ip
    this.direction = direction
    this.helloNonce = helloNonce
  }

  /** False once closing has begun: frames are no longer handed over and nothing but the last word is written. */
  get active(): boolean {
    return this.state === "starting" || this.state === "open"
  }

  /**
   * The program: opens the socket, reads until it ends. Never fails: `Host.onEnd` tells how it ended. Interrupting it
   * destroys the socket.
   */
  run(socket: Socket.Socket, initiator: Effect.Effect<Option.Option<PeerAddress.PeerAddress>>): Effect.Effect<void> {
    const program = Effect.gen({ self: this }, function*() {
      const scope = yield* Effect.scope
      const reader = yield* socket.reader
      const writerScope = yield* Scope.fork(scope)
      const writer = yield* Scope.provide(socket.writer, writerScope)
      const address = yield* initiator
      if (Option.isSome(address)) {
        this.socketName = PeerAddress.format(address.value)
        this.ephemeralPort = address.value.port
        if (this.direction === "outbound") this.local = address.value.ip
      }
      this.open(writer, writerScope)
      const received = (batch: ReadonlyArray<Uint8Array | string>) => this.received(batch)
      // One effect for all batches: a suspended connection holds no generator.
      return yield* isPromptReader(reader)
        ? reader.drainTo(received)
        : Effect.forever(Effect.map(reader.pull, received), { disableYield: true })
    })
    return Effect.withFiber((fiber) => {
      this.fiber = fiber
      // Closed while it waited for its turn to dial.
      if (!this.active) return Effect.sync(() => this.end(DisconnectReason.local("eof")))
      return Effect.onExit(Effect.scoped(program), (exit) => Effect.sync(() => this.end(reasonOf(exit)))).pipe(
        Effect.ignoreCause
      )
    })
  }

  private open(writer: Socket.Writer, writerScope: Scope.Closeable): void {
    this.writer = writer
    this.writerScope = writerScope
    if (this.state !== "starting") return
    this.state = "open"
    this.host.onOpen(this)
    this.flush()
  }

  private received(batch: ReadonlyArray<Uint8Array | string>): void {
    if (!this.active) return
    for (const chunk of batch) {
      if (typeof chunk === "string") continue // sockets of `PeerSocket` give bytes
      this.bytesReceived += chunk.length
      this.frames.push(chunk)
    }
    this.host.onBytes(this)
    const before = this.messagesReceived
    let next = this.active ? this.frames.next(this.frameLimit) : "none"
    while (next === "frame") {
      this.messagesReceived += 1
      this.host.onFrame(this, this.frames.kind)
      if (!this.active) return
      next = this.frames.next(this.frameLimit)
    }
    if (next === "bad") {
      this.host.onFrame(this, badFrame)
      return
    }
    this.host.onBatch(this, this.messagesReceived - before)
    this.frames.recycle()
  }

  /** For how long the write under way has been waiting for the peer, ms. */
  writeWaitMs(now: number): number {
    return this.writingSince === undefined ? 0 : now - this.writingSince
  }

  /** Queues a control frame, ahead of bulk. `left` is called once it has left. False: the peer does not read. */
  sendControl(frame: Uint8Array, left?: () => void): boolean {
    if (!this.active) return true
    this.messagesSent += 1
    if (!this.outbox.offerControl(frame, left)) return false
    this.flush()
    return true
  }

  /** Queues a frame (or several in one buffer: `count`). False: the peer does not read. */
  sendBulk(frame: Outbox.Frame, count = 1): boolean {
    if (!this.active) return true
    this.messagesSent += count
    if (!this.outbox.offerBulk(frame)) return false
    this.flush()
    return true
  }

  /** Writes soon: everything queued in the same turn goes out in one write. */
  private flush(): void {
    if (this.flushing || this.writing || this.writer === undefined) return
    this.flushing = true
    this.host.afterTurn(() => {
      this.flushing = false
      this.drain()
    })
  }

  /** Writes what is queued, without a fiber as long as the socket takes it at once. */
  private drain(): void {
    const writer = this.writer
    if (this.writing || writer === undefined || this.state === "ended") return
    for (let batch = this.outbox.take(); batch !== undefined; batch = this.outbox.take()) {
      const waiting = isPrompt(writer) ? writer.writeNow(batch.chunks) : writer.writeAll(batch.chunks)
      if (!Exit.isExit(waiting) || Exit.isFailure(waiting)) return this.awaitDrain(waiting, batch)
      this.wrote(batch)
    }
  }

  private wrote(batch: Outbox.Batch): void {
    this.bytesSent += batch.bytes
    this.outbox.wrote(batch)
  }

  private awaitDrain(waiting: Effect.Effect<void, Socket.SocketError>, batch: Outbox.Batch): void {
    this.writing = true
    this.writingSince = this.host.wheel.now()
    this.host.fork(
      Effect.onExit(waiting, (exit) =>
        Effect.sync(() => {
          this.writing = false
          this.writingSince = undefined
          // A failed write means a dead socket: reading tells the same, but perhaps much later.
          if (Exit.isFailure(exit)) return this.abort(DisconnectReason.remote("reset", "write failed"))
          this.wrote(batch)
          this.drain()
        })).pipe(Effect.ignoreCause)
    )
  }

  /**
   * Closes. With `lastWord`, a `Reject` frame: writes it, half-closes, reads on at most `Limits.lingerMs` so that no reset
   * overtakes it, then destroys. Without: destroys at once. `onEnd` follows in both cases.
   */
  close(lastWord: Uint8Array | undefined): void {
    if (!this.active) return
    const opened = this.state === "open"
    this.state = "closing"
    this.disarm()
    this.outbox.clear()
    if (lastWord === undefined || !opened || !this.outbox.offerControl(lastWord, () => this.halfClose())) {
      this.destroy()
      return
    }
    this.closeTimer = this.host.wheel.arm(Limits.lingerMs, () => this.destroy())
    this.flush()
  }

  private halfClose(): void {
    const scope = this.writerScope
    if (scope !== undefined) this.host.fork(Scope.close(scope, Exit.void))
  }

  private abortReason: DisconnectReason.DisconnectReason | undefined

  private abort(reason: DisconnectReason.DisconnectReason): void {
    this.abortReason = reason
    this.destroy()
  }

  private destroy(): void {
    const fiber = this.fiber
    if (fiber === undefined) {
      // The program has not started: it will find the state and end at once, or never start.
      if (this.state === "closing") this.end(DisconnectReason.local("eof"))
      return
    }
    this.host.fork(Fiber.interrupt(fiber))
  }

  private disarm(): void {
    if (this.liveTimer !== undefined) this.host.wheel.disarm(this.liveTimer)
    if (this.closeTimer !== undefined) this.host.wheel.disarm(this.closeTimer)
    this.liveTimer = undefined
    this.closeTimer = undefined
  }

  private end(reason: DisconnectReason.DisconnectReason): void {
    if (this.state === "ended") return
    const opened = this.writer !== undefined
    this.state = "ended"
    this.disarm()
    this.outbox.clear()
    this.host.onEnd(this, this.abortReason ?? reason, opened)
  }

  info(): PeerConnectionInfo {
    const rtt = this.liveness?.rtt
    return {
      id: this.id,
      direction: this.direction,
      role: this.role ?? "lower",
      socket: this.socketName,
      ephemeralPort: this.ephemeralPort,
      since: this.upAt ?? 0,
      rtt: rtt === undefined
        ? undefined
        : { smoothedMs: rtt.smoothedMs, leastMs: rtt.leastMs, lastMs: rtt.lastMs },
      bytes: { sent: this.bytesSent, received: this.bytesReceived },
      messages: { sent: this.messagesSent, received: this.messagesReceived },
      pings: { sent: this.pingsSent, received: this.pingsReceived },
      pongs: { sent: this.pongsSent, received: this.pongsReceived },
      queuedBytes: this.outbox.queuedBytes
    }
  }
}

/** The kind `onFrame` gets when the bytes are no frame; `frames.badLength` tells the length. */
export const badFrame = -1

/** How the end of the program reads as a reason. */
const reasonOf = (exit: Exit.Exit<unknown, Socket.SocketError>): DisconnectReason.DisconnectReason => {
  if (Exit.isSuccess(exit)) return DisconnectReason.remote("eof")
  for (const reason of exit.cause.reasons) {
    if (reason._tag === "Fail") return ofSocketError(reason.error)
    if (reason._tag === "Die") return DisconnectReason.local("protocol", `a handler failed: ${String(reason.defect)}`)
  }
  return DisconnectReason.local("eof")
}

const ofSocketError = (error: Socket.SocketError): DisconnectReason.DisconnectReason => {
  const code = errorCode(error)
  switch (error.reason._tag) {
    case "SocketCloseError":
      return error.reason.code === 1000 ? DisconnectReason.remote("eof") : DisconnectReason.local("eof")
    case "SocketOpenError":
      return DisconnectReason.remote("dial-failed", code ?? (error.reason.kind === "Timeout" ? "no answer" : "failed"))
    default:
      return DisconnectReason.remote("reset", code ?? error.reason._tag)
  }
}
