/**
 * Opens and accepts byte streams between peer addresses. Knows nothing of frames, roles or a peer's identity beyond the IP.
 *
 * **Shapes.** A `Socket.Socket` is a recipe: a connection exists only while the scope of its `reader` is open, and closing that scope ends
 * it. Bytes arrive in order; batch and chunk boundaries mean nothing. Chunks from `pull` belong to the reader. Bytes given to a writer must
 * not be changed afterwards: they may be sent after the write is done.
 *
 * **Units.** Times in ms, ports 0…65535. Addresses are canonical: an IPv4 peer is IPv4 even on a dual-stack listener.
 *
 * **Errors.** Everything that ends a connection is a `SocketError`. `reader` raises `SocketOpenError`, of kind `Timeout` when the dial
 * timed out. `pull` raises `SocketCloseError` 1000 for the peer's FIN, 1006 when our own scope closed, or `SocketReadError` for a reset. A
 * write raises `SocketWriteError`. System errors keep their code: see `errorCode`.
 *
 * **Half-close.** Releasing the writer's scope sends FIN after everything written; reading continues. After the peer's FIN (1000), writing
 * may continue. Closing the reader's scope closes at once: what was written is still sent, but unread received bytes turn the close into a
 * reset, which can destroy what the peer has not read yet. To deliver a final message: write, release the writer, read until 1000 or a
 * timeout, then close.
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
 * What this service's socket writers offer beyond Effect's. `writeNow` hands the chunks over during the call; the returned effect only
 * waits until more may be written, and is an `Exit` if that is already so. It saves a fiber per write, 2 µs of CPU. A 16-byte round trip
 * over loopback takes 15.5 µs of CPU at both ends together; without this, its two writes would add 4 µs.
 */
export interface SynchronousWriter extends Socket.Writer {
  readonly writeNow: (chunks: ReadonlyArray<Uint8Array>) => Effect.Effect<void, Socket.SocketError>
  /** Whether everything handed over has left this process, so that its memory may be reused. */
  readonly flushed: () => boolean
}

/** As `SynchronousWriter`, for reading: saves suspending a fiber per batch, 1.5 µs of CPU. */
export interface SynchronousReader extends Socket.Reader {
  /**
   * Hands every batch to `sink` in the turn in which it arrives, in order, until the connection ends; then fails as `pull` would. Do not
   * use `pull` meanwhile. If the sink throws, this dies with that defect.
   */
  readonly drainTo: (sink: (batch: ReadonlyArray<Uint8Array>) => void) => Effect.Effect<never, Socket.SocketError>
  /** While held, no batch is handed to the sink and the peer's window closes; a batch already under way is still delivered. */
  readonly hold: (held: boolean) => void
}

/** Whether a writer is this service's. Others work too, a little slower. */
export const isSynchronous = (writer: Socket.Writer): writer is SynchronousWriter => "writeNow" in writer

/** Whether a reader can hand over batches as they arrive. Others are pulled, a little slower. */
export const isSynchronousReader = (reader: Socket.Reader): reader is SynchronousReader => "drainTo" in reader

/** Unencrypted bytes: any host on the path can read and change them. */
export interface Plain {
  readonly _tag: "Plain"
}

/** A TLS connection. Its certificates prove possession of a key only; the layers above know which host holds which key. */
export interface Tls {
  readonly _tag: "Tls"
  /** Such as `TLSv1.3`. */
  readonly version: string
  /** The negotiated protocol (ALPN): `timemesh/1` between two timemesh nodes, `undefined` with a node of the TIME network. */
  readonly protocol: string | undefined
  /** SHA-256 of the peer's public key (SPKI, DER), 64 hex digits; `undefined` if it showed no certificate. */
  readonly key: string | undefined
}

export type Secured = Plain | Tls

export const plain: Plain = { _tag: "Plain" }

/** The wire of such a connection: over TLS, a peer that negotiated no protocol is a TIME network peer. */
export const wireOf = (secured: Secured | undefined): WireName =>
  secured?._tag === "Tls" && secured.protocol === undefined ? "time" : "native"

/** `plain`, or the TLS version, such as `TLSv1.3`. */
export const transportOf = (secured: Secured | undefined): string => secured?._tag === "Tls" ? secured.version : "plain"

/** Error code that ends a TLS connection whose records carry almost no data (`Limits.tlsOverheadBytes`): no honest peer does that. */
export const recordFlood = "TLS records without data"

export interface DialOptions {
  /** Local address to dial from; must belong to this host. The source port is always ephemeral. */
  readonly from?: PeerIp | undefined
  /** Dial timeout (kind `Timeout`). Default `Limits.dialMs`. */
  readonly timeoutMs?: number | undefined
  /** The host is configured, or was well connected before: less is spent on protection from it. Default false. */
  readonly isKnown?: boolean | undefined
}

/** A connection not yet made: nothing happens until `socket.reader` is acquired; each acquisition dials anew. */
export interface Dialled {
  readonly socket: Socket.Socket
  /** Our end of the latest connection (IP and ephemeral port); the acceptor sees the same. `None` before the first. */
  readonly local: Effect.Effect<Option.Option<PeerAddress>>
  /** How the latest connection is secured. `None` before the first. */
  readonly secured: Effect.Effect<Option.Option<Secured>>
}

/** One accepted connection. It ends when its handler ends, at the latest. Its `reader` can be acquired once. */
export interface Accepted {
  readonly socket: Socket.Socket
  /** The peer's address. The port is ephemeral, not the one it listens on. */
  readonly remote: PeerAddress
  /** Our address that the peer dialled. */
  readonly local: PeerAddress
  readonly secured: Secured
  /**
   * Calls back once: with true when enough bytes have arrived, with false when no more will. The bytes are not consumed: the reader gets
   * them. `isEnough` is called at each arrival with all chunks so far, and should need only a few KiB. Use it once, before `socket`; other
   * implementations' sockets may lack it.
   */
  readonly onceSpoken?: OnceSpoken
}

/** See `Accepted`. */
export type OnceSpoken = (
  f: (hasSpoken: boolean) => void,
  isEnough: (chunks: ReadonlyArray<Uint8Array>) => boolean
) => void

/** How an inbound connection is admitted. `known`: the peer is configured, or was well connected before. `refused`: it is not admitted. */
export type Entry = "known" | "stranger" | "refused"

/** An admitted connection that ended before its handler saw it. */
export interface FailedArrival {
  readonly reason: DisconnectReason
  /** The offence it proves, if no honest peer would behave so. */
  readonly offence?: Offence | undefined
}

/** Admission control in front of a listener's handlers. */
export interface Door {
  /** Called once per connection, before anything is spent on it. A refused connection is reset; known peers never wait for strangers. */
  readonly admits: (from: PeerIp) => Entry
  /** Called for connections that ended before their handler saw them, except those that only opened and closed. */
  readonly failed: (from: PeerAddress, failed: FailedArrival) => void
}

/**
 * Where a connection may wait before it has a handler: without a fiber, so that thousands cost little. True if it waits; then exactly one
 * callback is called. `enter` passes it to its handler, in a turn of the handler's own; `leave` ends it.
 */
export type Anteroom = (accepted: Accepted, enter: () => void, leave: () => void) => boolean

export interface Listener {
  /** The bound address, with the real port if port 0 was requested. */
  readonly address: PeerAddress
  /**
   * Runs `handler` in its own fiber per connection, for ever; interrupting this interrupts them all. Connections that arrived earlier wait
   * for it. One `run` at a time: a second gets the new connections from then on. A handler that fails or dies ends its own connection only;
   * it must close its own scope. `door`: by default every connection is admitted as a stranger's. `anteroom`: by default no connection
   * waits.
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
   * Binds `at`; port 0 picks a free one, `::` takes IPv6 and IPv4. Fails with `SocketServerOpenError` (codes `EADDRINUSE`, `EADDRNOTAVAIL`,
   * `EAFNOSUPPORT` where there is no IPv6 …). Closing the scope stops listening and drops connections without a handler; those with one
   * live on until `run` is interrupted. `onAcceptError` is called when the system cannot accept connections, once a second while file
   * descriptors are exhausted; the listener keeps listening.
   */
  readonly listen: (
    at: PeerAddress,
    onAcceptError?: (error: Error) => void
  ) => Effect.Effect<Listener, SocketServer.SocketServerError, Scope.Scope>
  /**
   * The current addresses of this host's interfaces, including loopback and link-local ones; `undefined` if the system does not say.
   */
  readonly addresses: () => ReadonlyArray<PeerIp> | undefined
  /** Maximum files and sockets that this process may have open; `undefined` or absent if unknown. */
  readonly openFiles?: () => number | undefined
  /** As `PeerPins.forget`; absent where connections show no keys. */
  readonly forgetKey?: ((ip: PeerIp) => boolean) | undefined
  /** As `PeerPins.report`; absent where connections show no keys. */
  readonly keyReport?: ((ip: PeerIp) => PinReport | undefined) | undefined
}>()("timemesh/services/PeerSocket") {}

/** The system's code of a failure, such as `ECONNREFUSED`, `ECONNRESET`, `EADDRINUSE`; `undefined` if it has no code. */
export const errorCode = (error: Socket.SocketError | SocketServer.SocketServerError): string | undefined => {
  const cause: unknown = "cause" in error.reason ? error.reason.cause : undefined
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
}
