/**
 * Opens and accepts byte streams between peer addresses; knows nothing of frames, roles or peers' identity beyond the IP.
 *
 * **Shapes.** A `Socket.Socket` is a recipe: a connection exists only while the scope of its `reader` is open, and closing
 * that scope ends it. Bytes arrive in order; where one batch or chunk ends means nothing. Chunks that `pull` hands out
 * belong to the reader. Bytes given to a writer must not be changed any more: they may be sent after the write is done.
 *
 * **Units.** Times in ms, ports 0…65535. Addresses are canonical: an IPv4 peer is IPv4 even on a dual-stack listener.
 *
 * **Errors.** Everything that ends a connection is a `SocketError`, raised by `reader` (`SocketOpenError`; kind `Timeout`
 * when the dial time passed), by `pull` (`SocketCloseError` 1000 for the peer's FIN, 1006 when the own scope closed,
 * `SocketReadError` for a reset), or by a write (`SocketWriteError`). System errors keep their code: see `errorCode`.
 *
 * **Half-close.** Releasing the writer's scope sends FIN after everything written; reading continues. After the peer's FIN
 * (1000) one may go on writing. Closing the reader's scope closes at once: what is written by then is still sent, but
 * bytes that came and were not read make it a reset, which can destroy what the peer has not read yet. To hand over last
 * words: write, release the writer, read on until 1000 or a time has passed, then close.
 *
 * **Concurrency.** One fiber pulls, any number write. An interrupted pull loses nothing. An interrupted write is still sent.
 */
import { Context } from "effect"
import type { Effect, Option, Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import type { DisconnectReason } from "../domain/DisconnectReason.ts"
import type { PeerAddress } from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { WireName } from "../domain/peer/PeerRecord.ts"
import type { PinReport } from "../domain/peer/Pins.ts"
import type { Offence } from "../domain/protection/Offence.ts"

/**
 * What the writers of this service's sockets can do beyond effect's: `writeNow` hands the chunks over in the call itself;
 * the effect it gives only waits until more may be written, and is an `Exit` when that is already so. It spares a fiber per
 * write, 2 µs of CPU: of a round trip of 16 bytes over loopback, 15.5 µs of CPU at both ends together, two writes cost 4 µs more without.
 */
export interface SynchronousWriter extends Socket.Writer {
  readonly writeNow: (chunks: ReadonlyArray<Uint8Array>) => Effect.Effect<void, Socket.SocketError>
  /** Whether everything handed over has left this process: from then on its memory may be used again. */
  readonly flushed: () => boolean
}

/** As `SynchronousWriter`, for reading: it spares a fiber's suspension per batch, 1.5 µs of CPU. */
export interface SynchronousReader extends Socket.Reader {
  /**
   * Hands every batch to `sink` in the turn in which it arrives, in order, until the connection ends; then fails as `pull`
   * would. `pull` is not used meanwhile. A sink that throws makes it die with that.
   */
  readonly drainTo: (sink: (batch: ReadonlyArray<Uint8Array>) => void) => Effect.Effect<never, Socket.SocketError>
  /** While held, no batch is handed to the sink and the peer's window closes; a batch under way still comes. */
  readonly hold: (held: boolean) => void
}

/** Whether a writer is one of ours. Others work as well, a little slower. */
export const isSynchronous = (writer: Socket.Writer): writer is SynchronousWriter => "writeNow" in writer

/** Whether a reader can hand over batches as they arrive. Others are pulled, a little slower. */
export const isSynchronousReader = (reader: Socket.Reader): reader is SynchronousReader => "drainTo" in reader

/** Bytes in the clear: anyone on the way reads and changes them. */
export interface Plain {
  readonly _tag: "Plain"
}

/** A TLS connection. Its certificates prove a key and nothing else: which host holds which key is for the layers above to know. */
export interface Tls {
  readonly _tag: "Tls"
  /** As `TLSv1.3`. */
  readonly version: string
  /** What was agreed on (ALPN): `timemesh/1` between two of us, `undefined` with a node of the TIME network. */
  readonly protocol: string | undefined
  /** SHA-256 of the peer's public key (SPKI, DER), 64 hex digits; `undefined`: it showed no certificate. */
  readonly key: string | undefined
}

export type Secured = Plain | Tls

export const plain: Plain = { _tag: "Plain" }

/** The wire of such a connection: over TLS, a peer that agrees on no protocol is one of the TIME network. */
export const wireOf = (secured: Secured | undefined): WireName =>
  secured?._tag === "Tls" && secured.protocol === undefined ? "time" : "native"

/** `plain`, or the version of TLS, as `TLSv1.3`. */
export const transportOf = (secured: Secured | undefined): string => secured?._tag === "Tls" ? secured.version : "plain"

/** Code of the error that ends a TLS connection whose records carry next to no data (`Limits.tlsOverheadBytes`): no honest peer does that. */
export const recordFlood = "TLS records without data"

export interface DialOptions {
  /** Local address to dial from; it must be of this host. The source port is always ephemeral. */
  readonly from?: PeerIp | undefined
  /** Time until the dial fails with kind `Timeout`. Default `Limits.dialMs`. */
  readonly timeoutMs?: number | undefined
}

/** A connection to be: nothing happens until `socket.reader` is acquired; each acquisition dials anew. */
export interface Dialled {
  readonly socket: Socket.Socket
  /** Our end of the latest connection (IP and ephemeral port); the acceptor sees the same. `None` before the first. */
  readonly local: Effect.Effect<Option.Option<PeerAddress>>
  /** How the latest connection is secured. `None` before the first. */
  readonly secured: Effect.Effect<Option.Option<Secured>>
}

/** One accepted connection. It ends with its handler at the latest. Its `reader` can be acquired once. */
export interface Accepted {
  readonly socket: Socket.Socket
  /** Where the peer dialled from. Its port is not the one it listens on. */
  readonly remote: PeerAddress
  /** The address of ours that the peer dialled. */
  readonly local: PeerAddress
  readonly secured: Secured
  /**
   * Calls back once: with true when the bytes that have come are enough, with false when no more will come. They are not taken: the reader gets them.
   * `isEnough` is asked at each arrival with all chunks so far, and should be content with some KiB. Before `socket` is used, and once; sockets of others
   * may lack it.
   */
  readonly onceSpoken?: OnceSpoken
}

/** See `Accepted`. */
export type OnceSpoken = (
  f: (hasSpoken: boolean) => void,
  isEnough: (chunks: ReadonlyArray<Uint8Array>) => boolean
) => void

/** How a connection comes in. `known`: the peer is configured, or was well connected before. `refused`: not at all. */
export type Entry = "known" | "stranger" | "refused"

/** An admitted connection that ended before its handler heard of it. */
export interface FailedArrival {
  readonly reason: DisconnectReason
  /** What it proves against the peer, where no honest one does that. */
  readonly offence?: Offence | undefined
}

/** What stands before a listener's handlers. */
export interface Door {
  /** Asked once for each connection, before anything is spent on it. One that is refused is reset; known peers wait for no stranger. */
  readonly admits: (from: PeerIp) => Entry
  /** Hears of connections that ended before their handler. One that only opens and closes is not among them. */
  readonly failed: (from: PeerAddress, failed: FailedArrival) => void
}

/**
 * Where a connection may wait before it has a handler: without a fiber, so that thousands cost little. True: it waits, and one of the two is called once;
 * `enter` gives it to its handler, in a turn of the handler's own, and `leave` ends it.
 */
export type Anteroom = (accepted: Accepted, enter: () => void, leave: () => void) => boolean

export interface Listener {
  /** The bound address; tells the port when port 0 was asked for. */
  readonly address: PeerAddress
  /**
   * Runs `handler` in its own fiber per connection, for ever; interrupting it interrupts them all. Connections that came
   * before wait for it. One `run` at a time: a second gets the new connections from then on. A handler that fails or dies
   * ends its own connection only; it must close its own scope. `door`: by default all may come in, as strangers. `anteroom`: by default none waits.
   */
  readonly run: <E, R>(
    handler: (accepted: Accepted) => Effect.Effect<unknown, E, R>,
    door?: Door,
    anteroom?: Anteroom
  ) => Effect.Effect<never, never, R>
}

export class PeerSocket extends Context.Service<PeerSocket, {
  /** Describes a connection to `to`. */
  readonly dial: (to: PeerAddress, options?: DialOptions) => Effect.Effect<Dialled>
  /**
   * Binds `at`; port 0 picks a free one, `::` takes IPv6 and IPv4. Fails with `SocketServerOpenError` (codes `EADDRINUSE`,
   * `EADDRNOTAVAIL`, `EAFNOSUPPORT` where there is no IPv6 …). Closing the scope stops listening and drops connections
   * that no handler has; those with a handler live on until `run` is interrupted. `onAcceptError` is called
   * when the system cannot give us connections, once a second while it has no file descriptors for them; the listener keeps listening.
   */
  readonly listen: (
    at: PeerAddress,
    onAcceptError?: (error: Error) => void
  ) => Effect.Effect<Listener, SocketServer.SocketServerError, Scope.Scope>
  /**
   * The addresses that this host's interfaces have at the moment, loopback and link-local ones included; `undefined` when the system does not
   * say.
   */
  readonly addresses: () => ReadonlyArray<PeerIp> | undefined
  /** Files and sockets that this process may have open; `undefined`, or absent: not known. */
  readonly openFiles?: () => number | undefined
  /** As `PeerPins.forget`; absent where connections show no keys. */
  readonly forgetKey?: ((ip: PeerIp) => boolean) | undefined
  /** As `PeerPins.report`; absent where connections show no keys. */
  readonly keyReport?: ((ip: PeerIp) => PinReport | undefined) | undefined
}>()("timemesh/services/PeerSocket") {}

/** The system's code of a failure, such as `ECONNREFUSED`, `ECONNRESET`, `EADDRINUSE`; `undefined` if it has none. */
export const errorCode = (error: Socket.SocketError | SocketServer.SocketServerError): string | undefined => {
  const cause: unknown = "cause" in error.reason ? error.reason.cause : undefined
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
}
