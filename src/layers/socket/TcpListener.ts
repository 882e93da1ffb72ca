/** Accepts TCP connections by `node:net`: what plain TCP and TLS sockets have in common. */
import { Effect, Option, Result, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import { closeSync, openSync } from "node:fs"
import * as Net from "node:net"
import { devNull } from "node:os"
import * as Limits from "../../domain/Limits.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { Accepted, Entry, OnceSpoken, Secured } from "../../services/PeerSocket.ts"
import { systemCode, systemReason } from "../store/systemError.ts"
import { listenError, openError, systemError } from "./socketErrors.ts"
import { socketFromEnd } from "./socketFromEnd.ts"
import type { TcpEnd } from "./TcpEnd.ts"

/** Half-open is allowed so that a node can still write after the peer's FIN. */
export const options = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: Limits.keepAliveDelayMs
} as const

/** The address that Node reports, a link-local one without its zone; `None` if the socket is already gone. */
export const addressOf = (ip: string | undefined, port: number | undefined): Option.Option<PeerAddress> =>
  ip === undefined || port === undefined
    ? Option.none()
    : Option.map(Result.getSuccess(PeerIp.fromString(ip.replace(/%.*$/, ""))), (ip) => ({ ip, port }))

const bind = (at: PeerAddress, server: Net.Server) =>
  Effect.callback<PeerAddress, SocketServer.SocketServerError>((resume) => {
    server.once("error", (cause) => resume(Effect.fail(listenError(cause))))
    server.listen({ host: at.ip, port: at.port, backlog: Limits.backlog }, () => {
      const bound = server.address()
      const address = bound === null || typeof bound === "string" ? Option.none() : addressOf(bound.address, bound.port)
      resume(
        Option.isSome(address)
          ? Effect.succeed(address.value)
          : Effect.fail(listenError(systemError("EADDRNOTAVAIL", "no IP address")))
      )
    })
  })

/**
 * The error if no file descriptor is left. Node does not report an accept that failed for this reason: the connection is closed, and the
 * peer reads an end of stream.
 */
const withoutDescriptor = (): Option.Option<Error> => {
  try {
    closeSync(openSync(devNull, "r"))
    return Option.none()
  } catch (error) {
    const code = systemCode(error)
    return code === "EMFILE" || code === "ENFILE"
      ? Option.some(new Error(`${systemReason(error)}, so inbound connections are closed at once`))
      : Option.none()
  }
}

/** How new connections are handled. */
export interface Arrivals {
  /** Whether and how a connection from that IP enters. A refused one is reset, which leaves no state in the kernel. */
  readonly admits: (from: PeerIp.PeerIp) => Entry
  /** A connection whose addresses are both known. It is paused. */
  readonly arrived: (conn: Net.Socket, remote: PeerAddress, local: PeerAddress, isKnown: boolean) => void
}

/** Binds `at` and hands over connections until the scope closes, then runs `onClose`. Returns the bound address. */
export const listen = Effect.fnUntraced(
  function*(
    at: PeerAddress,
    onAcceptError: (error: Error) => void,
    arrivals: Arrivals,
    onClose: () => void
  ): Effect.fn.Return<PeerAddress, SocketServer.SocketServerError, Scope.Scope> {
    const server = Net.createServer({ ...options, pauseOnConnect: true }, (conn) => {
      const remote = addressOf(conn.remoteAddress, conn.remotePort)
      if (Option.isNone(remote)) return void conn.destroy() // reset before it was accepted
      const entry = arrivals.admits(remote.value.ip)
      if (entry === "refused") return void conn.resetAndDestroy()
      const local = addressOf(conn.localAddress, conn.localPort)
      if (Option.isNone(local)) conn.destroy()
      else arrivals.arrived(conn, remote.value, local.value, entry === "known")
    })
    // Errors after binding come from accept (EMFILE …): the listener keeps listening.
    server.on("error", (error) => {
      if (server.listening) onAcceptError(error)
    })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        onClose()
        server.close() // frees the port at once; waits for no connection
      })
    )
    const address = yield* bind(at, server)
    yield* Stream.fromSchedule(Schedule.spaced(Limits.descriptorsMs)).pipe(
      Stream.runForEach(() => Effect.sync(() => Option.map(withoutDescriptor(), onAcceptError))),
      Effect.forkScoped
    )
    return address
  }
)

/** An accepted connection. It costs little until its `socket` is taken, once. */
export class Arrival implements Accepted {
  readonly end: TcpEnd
  readonly remote: PeerAddress
  readonly local: PeerAddress
  readonly secured: Secured

  constructor(end: TcpEnd, remote: PeerAddress, local: PeerAddress, secured: Secured) {
    this.end = end
    this.remote = remote
    this.local = local
    this.secured = secured
  }

  get socket(): Socket.Socket {
    return socketFromEnd(
      () => this.end,
      (end) => Effect.suspend(() => end.begin() ? Effect.void : Effect.fail(openError(end.cause())))
    )
  }

  onceSpoken(...[f, isEnough]: Parameters<OnceSpoken>): void {
    this.end.onceSpoken(f, isEnough)
  }
}
