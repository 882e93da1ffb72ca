/** `PeerSocket` over TCP, by `node:net`. */
import { Effect, Layer, Option, Result, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import { closeSync, openSync } from "node:fs"
import * as Net from "node:net"
import { devNull } from "node:os"
import * as Limits from "../../domain/Limits.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { Accepted, Dialled, DialOptions, Listener } from "../../services/PeerSocket.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import { systemCode, systemReason } from "../store/systemError.ts"
import { within } from "../time/patience.ts"
import { Acceptor } from "./Acceptor.ts"
import * as HostAddresses from "./HostAddresses.ts"
import { listenError, openError, openTimeout, systemError } from "./socketErrors.ts"
import { socketFromEnd } from "./socketFromEnd.ts"
import { TcpEnd } from "./TcpEnd.ts"

/** Half-open is allowed so that one may still write after the peer's FIN. */
const options = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: Limits.keepAliveDelayMs
} as const

/** What Node reports, a link-local address without its zone; `None` when the socket is already gone. */
const addressOf = (ip: string | undefined, port: number | undefined): Option.Option<PeerAddress> =>
  ip === undefined || port === undefined
    ? Option.none()
    : Option.map(Result.getSuccess(PeerIp.fromString(ip.replace(/%.*$/, ""))), (ip) => ({ ip, port }))

const connected = (conn: Net.Socket): Effect.Effect<void, Socket.SocketError> =>
  Effect.callback((resume) => {
    const onConnect = () => {
      conn.off("error", onError)
      resume(Effect.void)
    }
    const onError = (cause: Error) => resume(Effect.fail(openError(cause)))
    conn.once("connect", onConnect)
    conn.once("error", onError)
  })

const dial = (to: PeerAddress, { from, timeoutMs = Limits.dialMs }: DialOptions = {}): Effect.Effect<Dialled> =>
  Effect.sync(() => {
    let local: Option.Option<PeerAddress> = Option.none()
    const socket = socketFromEnd(
      () => {
        const localAddress = from === undefined ? {} : { localAddress: from }
        return new TcpEnd(Net.connect({ ...options, ...localAddress, host: to.ip, port: to.port }))
      },
      (end) =>
        Effect.map(
          within(connected(end.conn), timeoutMs, () => openTimeout(timeoutMs)),
          () => {
            local = addressOf(end.conn.localAddress, end.conn.localPort)
            end.start()
          }
        )
    )
    return { socket, local: Effect.sync(() => local) }
  })

const accept = (end: TcpEnd): Socket.Socket =>
  socketFromEnd(
    () => end,
    (end) => Effect.suspend(() => end.start() ? Effect.void : Effect.fail(openError(end.cause())))
  )

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
 * The error, if no file descriptor is left. Node does not report that an accept failed for want of one: the connection is
 * closed, and the peer reads an end of stream.
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

const listen = Effect.fnUntraced(
  function*(
    at: PeerAddress,
    onAcceptError: (error: Error) => void = () => {}
  ): Effect.fn.Return<Listener, SocketServer.SocketServerError, Scope.Scope> {
    const acceptor = new Acceptor<{ readonly end: TcpEnd } & Accepted>(({ end }) => end.close())
    const server = Net.createServer({ ...options, pauseOnConnect: true }, (conn) => {
      const end = new TcpEnd(conn)
      const remote = addressOf(conn.remoteAddress, conn.remotePort)
      const local = addressOf(conn.localAddress, conn.localPort)
      if (Option.isNone(remote) || Option.isNone(local)) end.close() // reset before it was accepted
      else acceptor.offer({ end, socket: accept(end), remote: remote.value, local: local.value })
    })
    // After binding these are accept's (EMFILE …): the listener goes on.
    server.on("error", (error) => {
      if (server.listening) onAcceptError(error)
    })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        acceptor.close()
        server.close() // frees the port at once; waits for nobody
      })
    )
    const address = yield* bind(at, server)
    yield* Stream.fromSchedule(Schedule.spaced(Limits.descriptorsMs)).pipe(
      Stream.runForEach(() => Effect.sync(() => Option.map(withoutDescriptor(), onAcceptError))),
      Effect.forkScoped
    )
    return { address, run: (handler) => acceptor.run(handler) }
  }
)

/** `PeerSocket` of this machine. */
export const layer: Layer.Layer<PeerSocket> = Layer.succeed(PeerSocket, { dial, listen, addresses: HostAddresses.read })
