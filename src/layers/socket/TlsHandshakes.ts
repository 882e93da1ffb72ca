/**
 * Connections of one listener before they reach their handlers. The first byte decides: 22 is TLS, 0 a plain connection where those are
 * allowed. A TLS connection is read until its ClientHello is complete (`ClientHello`), then waits for its turn (`HandshakeQueue`). Only then
 * is it given to TLS, which costs a signature and more. Each step is bounded in number, size and time; a failed connection records why.
 */
import { Clock, Effect, Queue, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import type * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { HandshakeQueue } from "../../domain/protection/HandshakeQueue.ts"
import * as Offence from "../../domain/protection/Offence.ts"
import { silentPlaces } from "../../domain/protection/silentPlaces.ts"
import type { Suspects } from "../../domain/protection/Suspects.ts"
import * as TransportText from "../../domain/TransportText.ts"
import { ClientHello } from "../../domain/wire/tls/ClientHello.ts"
import type { PeerPins } from "../../services/PeerPins.ts"
import type { FailedArrival, Secured } from "../../services/PeerSocket.ts"
import { plain } from "../../services/PeerSocket.ts"
import { monotonicOf } from "../time/monotonicMs.ts"
import { Gathered } from "./Gathered.ts"
import { HandshakeStream } from "./HandshakeStream.ts"
import * as OpenFiles from "./OpenFiles.ts"
import { TcpEnd } from "./TcpEnd.ts"
import * as TcpListener from "./TcpListener.ts"
import { TlsEnd } from "./TlsEnd.ts"
import type { TlsTurns } from "./TlsTurns.ts"
import { acceptError, flightFault, inspect } from "./tlsWords.ts"

/** The first byte of a TLS stream, and of a native frame before Up, whose length is below 2^24. */
const tlsByte = 0x16
const plainByte = 0x00

/** TLS alert, fatal, decode error: tells a peer that did not speak TLS that we do. The TIME network's daemon answers the same. */
const noTlsAlert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 50)

/** What the handshakes need from their node. */
export interface Context {
  /** Of every inbound connection. */
  readonly server: NodeTls.TLSSocketOptions
  readonly pins: PeerPins["Service"]
  readonly acceptPlain: boolean
  /** ms. Limits the ClientHello including its wait, and again the handshake. */
  readonly handshakeMs: number
  /** See `TlsEnd`. */
  readonly watch: (end: TlsEnd) => void
  readonly suspects: Suspects
  /** Of all strangers' connections. */
  readonly turns: TlsTurns
}

/** Where connections go. */
export interface Outcome {
  readonly offer: (arrival: TcpListener.Arrival) => void
  readonly failed: (from: PeerAddress, failed: FailedArrival) => void
}

/** A connection without a handler yet. */
interface Waiting {
  readonly conn: Net.Socket
  readonly ip: PeerIp
  readonly isKnown: boolean
  readonly remote: PeerAddress
  readonly local: PeerAddress
  readonly hello: ClientHello
  /** When it arrived; later, when its handshake began. */
  since: number
  isRunning: boolean
  /** For the connection's end. */
  left: () => void
  /** A stranger's, once its handshake has begun. */
  stream: HandshakeStream | undefined
}

class Handshakes {
  private readonly context: Context
  private readonly outcome: Outcome
  private readonly now: () => number
  private readonly wake: () => void
  private readonly queue: HandshakeQueue<Waiting>
  /** Each step re-inserts its connection, so the one that has been in its step longest is first. */
  private readonly waiting = new Set<Waiting>()

  /** `wake`: called when connections are waiting in line. */
  constructor(context: Context, outcome: Outcome, now: () => number, wake: () => void) {
    this.context = context
    this.outcome = outcome
    this.now = now
    this.wake = wake
    this.queue = new HandshakeQueue(silentPlaces(Limits.lobbySockets, OpenFiles.read()), now())
  }

  arrived(conn: Net.Socket, remote: PeerAddress, local: PeerAddress, isKnown: boolean): void {
    const arrival: Waiting = {
      conn,
      ip: remote.ip,
      isKnown,
      remote,
      local,
      hello: new ClientHello(),
      since: this.now(),
      isRunning: false,
      left: () => this.left(arrival),
      stream: undefined
    }
    conn.on("error", () => {})
    conn.once("close", arrival.left)
    this.waiting.add(arrival)
    this.madeRoom(this.queue.arrive(arrival))
    const hangsUp = () => conn.destroy()
    const gathered = new Gathered()
    const hears = (chunk: Buffer) => {
      const first = gathered.first ?? chunk[0]
      if (first === tlsByte && arrival.hello.push(chunk) === "more") return gathered.push(chunk)
      conn.off("data", hears)
      conn.off("end", hangsUp)
      if (arrival.hello.detail !== undefined) return this.malformed(arrival, arrival.hello.detail)
      conn.pause()
      conn.unshift(gathered.take(chunk))
      if (first === tlsByte) this.spoken(arrival)
      else this.withoutTls(arrival, first)
    }
    conn.on("data", hears)
    conn.once("end", hangsUp)
    conn.resume()
  }

  private left(arrival: Waiting): void {
    const { conn, isKnown, left, stream } = arrival
    conn.off("close", left)
    this.queue.leave(arrival)
    if (this.waiting.delete(arrival) && stream !== undefined && !isKnown) {
      this.queue.spent(stream.handshakeUs / 1_000, this.now())
    }
  }

  /** The connection fails here. */
  private failed(arrival: Waiting, reason: DisconnectReason.DisconnectReason, offence?: Offence.Offence): void {
    if (!this.waiting.has(arrival)) return
    this.left(arrival)
    this.outcome.failed(arrival.remote, { reason, offence })
  }

  private madeRoom(leaves: Waiting | undefined): void {
    if (leaves === undefined) return
    this.failed(leaves, DisconnectReason.local("hello-timeout", "made room for a newer connection"))
    leaves.conn.resetAndDestroy()
  }

  private malformed(arrival: Waiting, detail: string): void {
    this.failed(arrival, DisconnectReason.local("bad-frame", detail), Offence.make("malformed", detail))
    arrival.conn.resetAndDestroy()
  }

  /** Its ClientHello is whole. */
  private spoken(arrival: Waiting): void {
    if (this.queue.spoken(arrival)) this.begin(arrival)
    else this.wake()
  }

  /** Begins handshakes whose turn it is. Returns ms until the next turn; `undefined`: no connection is in line. */
  turns(): number | undefined {
    const now = this.now()
    for (let begun = 0; begun < Limits.tlsHandshakesAtOnce; begun++) {
      const next = this.queue.next(now)
      if (next === undefined) break
      this.madeRoom(next.leaves)
      this.begin(next.begins)
    }
    return this.queue.waitMs(now)
  }

  private begin(arrival: Waiting): void {
    const { conn, hello, ip, isKnown } = arrival
    arrival.isRunning = true
    arrival.since = this.now()
    this.waiting.delete(arrival)
    this.waiting.add(arrival)
    if (isKnown && !this.context.suspects.has(ip)) return this.encrypt(arrival, conn)
    arrival.stream = new HandshakeStream(conn, this.context.turns, hello.bytes + Limits.tlsClientFlightBytes, () => {
      this.refused(arrival, flightFault(Limits.tlsClientFlightBytes))
      conn.resetAndDestroy()
    })
    this.encrypt(arrival, arrival.stream)
  }

  /** Starts TLS. Not by a `tls.Server`: its events do not say which of its connections failed. */
  private encrypt(arrival: Waiting, over: Net.Socket | HandshakeStream): void {
    const tls = new NodeTls.TLSSocket(over, this.context.server)
    // What a server would listen for: errors of TLS that do not end the connection by themselves.
    tls.on("_tlsError", (error: Error) => tls.destroy(error))
    const fails = (error: Error) => {
      // A peer that only hung up proves nothing, and port scans would fill the log.
      const isGone = "code" in error && error.code === "ECONNRESET"
      if (!isGone) this.failed(arrival, DisconnectReason.local("bad-frame", acceptError(error)))
    }
    tls.on("error", fails)
    // Half-open connections are allowed, so nothing else notices a peer that hangs up here: it would keep its place until the time is over.
    const hangsUp = () => tls.destroy()
    tls.once("end", hangsUp)
    tls.once("secure", () => {
      tls.off("end", hangsUp)
      arrival.stream?.secured()
      this.secured(arrival, tls)
      if (!tls.destroyed) tls.off("error", fails)
    })
  }

  private withoutTls(arrival: Waiting, first: number | undefined): void {
    const { conn, local, remote } = arrival
    this.left(arrival)
    const allowed = first === plainByte && this.context.acceptPlain
    if (allowed && this.context.pins.judge(remote.ip, plain) === undefined) {
      return this.deliver(new TcpEnd(conn), remote, local, plain)
    }
    if (!allowed) {
      const reason = DisconnectReason.local("protocol", TransportText.noTlsArrived)
      this.outcome.failed(remote, { reason })
    }
    conn.end(noTlsAlert)
    conn.resume() // further bytes are discarded
    conn.setTimeout(Limits.lingerMs, () => conn.destroy())
  }

  private secured(arrival: Waiting, tls: NodeTls.TLSSocket): void {
    if (!this.waiting.has(arrival)) return void tls.destroy()
    const { fault, secured } = inspect(tls)
    if (fault !== undefined) {
      this.refused(arrival, fault)
      return void tls.destroy()
    }
    this.left(arrival)
    if (this.context.pins.judge(arrival.ip, secured, arrival.isKnown) !== undefined) return void tls.destroy()
    const end = new TlsEnd(tls, arrival.conn, arrival.stream)
    this.context.watch(end)
    this.deliver(end, arrival.remote, arrival.local, secured)
  }

  /** The peer shows what no peer needs to show. */
  private refused(arrival: Waiting, fault: string): void {
    this.context.suspects.add(arrival.ip)
    this.failed(arrival, DisconnectReason.local("protocol", fault), Offence.make("malformed", fault))
  }

  private deliver(end: TcpEnd, remote: PeerAddress, local: PeerAddress, secured: Secured): void {
    this.outcome.offer(new TcpListener.Arrival(end, remote, local, secured))
  }

  /** Ends connections that take too long. */
  look(): void {
    const { handshakeMs } = this.context
    for (const arrival of this.waiting.values()) {
      if (arrival.since + handshakeMs > this.now()) return
      const what = arrival.isRunning ? "TLS handshake not done" : "no whole ClientHello"
      this.failed(arrival, DisconnectReason.local("hello-timeout", `${what} within ${handshakeMs} ms`))
      arrival.conn.resetAndDestroy()
    }
  }

  close(): void {
    for (const { conn } of this.waiting.values()) conn.destroy()
  }
}

export type { Handshakes }

/** Handles connections until the scope closes. */
export const make = (context: Context, outcome: Outcome): Effect.Effect<Handshakes, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const woken = yield* Queue.sliding<void>(1)
    const handshakes = new Handshakes(
      context,
      outcome,
      monotonicOf(clock),
      () => Queue.offerUnsafe(woken, undefined)
    )
    const turns = Effect.suspend(() => {
      const ms = handshakes.turns()
      return ms === undefined ? Effect.void : Effect.andThen(
        Effect.sleep(Math.max(1, ms)),
        Effect.sync(() => {
          Queue.offerUnsafe(woken, undefined)
        })
      )
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Queue.take(woken), turns)))
    yield* Stream.fromSchedule(Schedule.spaced(Limits.tlsLookMs)).pipe(
      Stream.runForEach(() => Effect.sync(() => handshakes.look())),
      Effect.forkScoped
    )
    return handshakes
  })
