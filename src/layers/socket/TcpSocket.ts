/** `PeerSocket` over TCP, by `node:net`. */
import { Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import * as Net from "node:net"
import * as Limits from "../../domain/Limits.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { Dialled, DialOptions, Listener } from "../../services/PeerSocket.ts"
import { PeerSocket, plain } from "../../services/PeerSocket.ts"
import { within } from "../time/patience.ts"
import { Acceptor } from "./Acceptor.ts"
import * as HostAddresses from "./HostAddresses.ts"
import * as OpenFiles from "./OpenFiles.ts"
import { openError, openTimeout } from "./socketErrors.ts"
import { socketFromEnd } from "./socketFromEnd.ts"
import { TcpEnd } from "./TcpEnd.ts"
import * as TcpListener from "./TcpListener.ts"

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
        return new TcpEnd(Net.connect({ ...TcpListener.options, ...localAddress, host: to.ip, port: to.port }))
      },
      (end) =>
        Effect.map(
          within(connected(end.conn), timeoutMs, () => openTimeout(timeoutMs)),
          () => {
            local = TcpListener.addressOf(end.conn.localAddress, end.conn.localPort)
            end.start()
          }
        )
    )
    return { socket, local: Effect.sync(() => local), secured: Effect.sync(() => Option.map(local, () => plain)) }
  })

const listen = Effect.fnUntraced(
  function*(
    at: PeerAddress,
    onAcceptError: (error: Error) => void = () => {}
  ): Effect.fn.Return<Listener, SocketServer.SocketServerError, Scope.Scope> {
    const acceptor = new Acceptor<TcpListener.Arrival>(({ end }) => end.close())
    const address = yield* TcpListener.listen(
      at,
      onAcceptError,
      {
        admits: (from) => acceptor.admits(from),
        arrived: (conn, remote, local) => {
          acceptor.offer(new TcpListener.Arrival(new TcpEnd(conn), remote, local, plain))
        }
      },
      () => acceptor.close()
    )
    return { address, run: (handler, door, anteroom) => acceptor.run(handler, door, anteroom) }
  }
)

/** `PeerSocket` of this host. */
export const layer: Layer.Layer<PeerSocket> = Layer.succeed(PeerSocket, {
  dial,
  listen,
  addresses: HostAddresses.read,
  openFiles: OpenFiles.read
})
