/**
 * `PeerSocket` over TLS 1.3 or 1.2, by `node:tls`. Both sides show a certificate, and neither looks at more of it than its key
 * (`Secured.key`): this node's is `NodeCertificate`, the peer's is judged by `PeerPins` before anything else is heard of it.
 *
 * **Dialling** is done when TLS is: its time covers both. The name asked for is that of the TIME network; ALPN offers `timemesh/1`, and a peer
 * that selects nothing is not one of ours. **Accepting**: the first byte decides. 22 is TLS, 0 a plain connection where those are
 * allowed; anything else is closed. Handshakes are bounded in number and time, and a handler hears of a connection when its own is done.
 */
import { Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import { createHash } from "node:crypto"
import type * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as Limits from "../../domain/Limits.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import { NodeCertificate } from "../../services/NodeCertificate.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import type { Dialled, DialOptions, Listener, Secured } from "../../services/PeerSocket.ts"
import { PeerSocket, plain } from "../../services/PeerSocket.ts"
import { within } from "../time/patience.ts"
import { Acceptor } from "./Acceptor.ts"
import * as HostAddresses from "./HostAddresses.ts"
import { serverName } from "./makeCertificate.ts"
import * as OpenFiles from "./OpenFiles.ts"
import { openError, openTimeout, systemError } from "./socketErrors.ts"
import { socketFromEnd } from "./socketFromEnd.ts"
import { TcpEnd } from "./TcpEnd.ts"
import * as TcpListener from "./TcpListener.ts"

/** ALPN name of the native wire. */
const protocol = "timemesh/1"

/** The first byte of a TLS stream, and of a native frame before Up, whose length is below 2^24. */
const tlsByte = 0x16
const plainByte = 0x00

/** TLS alert, fatal, decode error: a peer that spoke no TLS reads from it that we do. The daemon of the TIME network answers the same. */
const noTlsAlert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 50)

/** What this layer needs of its node. */
interface Context {
  readonly secureContext: NodeTls.SecureContext
  readonly server: NodeTls.TlsOptions
  readonly pins: PeerPins["Service"]
  readonly acceptPlain: boolean
  readonly handshakeMs: number
}

const keyOf = (conn: NodeTls.TLSSocket): string | undefined => {
  const key = conn.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" })
  return key === undefined ? undefined : createHash("sha256").update(key).digest("hex")
}

const securedOf = (conn: NodeTls.TLSSocket): Secured => {
  const { alpnProtocol } = conn
  return {
    _tag: "Tls",
    version: conn.getProtocol() ?? "?",
    protocol: typeof alpnProtocol === "string" && alpnProtocol !== "" ? alpnProtocol : undefined,
    key: keyOf(conn)
  }
}

/** A failed handshake in words; the system's own codes stay. */
const handshakeError = (error: Error): Error => {
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  if (!code.startsWith("ERR_SSL") && code !== "EPROTO") return error
  const what = /wrong.version.number|packet.length.too.long|http.request/i.test(`${code} ${error.message}`)
    ? "the endpoint does not speak TLS"
    : `TLS handshake failed (${code.replace("ERR_SSL_", "").toLowerCase().replaceAll("_", " ")})`
  return systemError(what, "a node of timemesh with --transport plain does not")
}

const connected = (conn: NodeTls.TLSSocket): Effect.Effect<void, Socket.SocketError> =>
  Effect.callback((resume) => {
    const onSecure = () => {
      conn.off("error", onError)
      resume(Effect.void)
    }
    const onError = (cause: Error) => resume(Effect.fail(openError(handshakeError(cause))))
    conn.once("secureConnect", onSecure)
    conn.once("error", onError)
  })

/** Fails where the peer has another key than before. */
const judged = (context: Context, to: PeerAddress, secured: Secured): Effect.Effect<void, Socket.SocketError> =>
  Effect.suspend(() => {
    const refusal = context.pins.judge(to.ip, secured)
    return refusal === undefined ? Effect.void : Effect.fail(openError(systemError(refusal, "refused by this node")))
  })

/** An end that we dialled. */
class TlsEnd extends TcpEnd {
  declare readonly conn: NodeTls.TLSSocket
}

const dial =
  (context: Context) =>
  (to: PeerAddress, { from, timeoutMs = Limits.dialMs }: DialOptions = {}): Effect.Effect<Dialled> =>
    Effect.sync(() => {
      let local: Option.Option<PeerAddress> = Option.none()
      let secured: Option.Option<Secured> = Option.none()
      const socket = socketFromEnd(
        () => {
          const options: NodeTls.ConnectionOptions & Net.TcpNetConnectOpts = {
            ...(from === undefined ? {} : { localAddress: `${from}` }),
            host: to.ip,
            port: to.port,
            allowHalfOpen: true,
            secureContext: context.secureContext,
            servername: serverName,
            ALPNProtocols: [protocol],
            rejectUnauthorized: false,
            checkServerIdentity: () => undefined
          }
          const conn = NodeTls.connect(options)
          conn.setNoDelay(true)
          conn.setKeepAlive(true, Limits.keepAliveDelayMs)
          return new TlsEnd(conn)
        },
        (end) =>
          Effect.gen(function*() {
            const { conn } = end
            yield* within(connected(conn), timeoutMs, () => openTimeout(timeoutMs))
            const now = securedOf(conn)
            yield* judged(context, to, now)
            secured = Option.some(now)
            local = TcpListener.addressOf(conn.localAddress, conn.localPort)
            end.start()
          })
      )
      return { socket, local: Effect.sync(() => local), secured: Effect.sync(() => secured) }
    })

type Arrival = TcpListener.Arrival

/** Connections of one listener on their way to their handlers: those whose first byte or handshake has not come. */
class Handshakes {
  private readonly waiting = new Set<Net.Socket>()
  private readonly addresses = new WeakMap<object, readonly [remote: PeerAddress, local: PeerAddress]>()
  private readonly server: NodeTls.Server
  private readonly context: Context
  private readonly offer: (arrival: Arrival) => void

  constructor(context: Context, offer: (arrival: Arrival) => void) {
    this.context = context
    this.offer = offer
    // Never listens: it is given connections that begin as TLS does.
    this.server = NodeTls.createServer(context.server)
    this.server.on("secureConnection", (conn) => this.secured(conn))
    this.server.on("tlsClientError", (_, conn) => conn.destroy())
  }

  arrived(conn: Net.Socket, remote: PeerAddress, local: PeerAddress): void {
    conn.on("error", () => {})
    conn.once("close", () => this.waiting.delete(conn))
    const [oldest] = this.waiting
    if (oldest !== undefined && this.waiting.size >= Limits.tlsHandshakes) oldest.destroy()
    this.waiting.add(conn)
    conn.setTimeout(this.context.handshakeMs, () => conn.destroy())
    conn.once("data", (first: Buffer) => {
      conn.pause()
      conn.setTimeout(0)
      conn.unshift(first)
      this.begun(conn, first[0], remote, local)
    })
    conn.resume()
  }

  private begun(conn: Net.Socket, first: number | undefined, remote: PeerAddress, local: PeerAddress): void {
    if (first === tlsByte) {
      this.addresses.set(conn, [remote, local])
      this.server.emit("connection", conn)
      return
    }
    const allowed = first === plainByte && this.context.acceptPlain
    if (!allowed || this.context.pins.judge(remote.ip, plain) !== undefined) {
      conn.end(noTlsAlert)
      conn.resume() // what else it says is not read
      conn.setTimeout(Limits.lingerMs, () => conn.destroy())
      return
    }
    this.waiting.delete(conn)
    this.deliver(conn, remote, local, plain)
  }

  private secured(conn: NodeTls.TLSSocket): void {
    const remote = TcpListener.addressOf(conn.remoteAddress, conn.remotePort)
    const local = TcpListener.addressOf(conn.localAddress, conn.localPort)
    if (Option.isNone(remote) || Option.isNone(local)) return void conn.destroy()
    const secured = securedOf(conn)
    if (this.context.pins.judge(remote.value.ip, secured) !== undefined) return void conn.destroy()
    this.settled(remote.value)
    this.deliver(conn, remote.value, local.value, secured)
  }

  /** The handshake from that address is done: it no longer counts. */
  private settled(remote: PeerAddress): void {
    for (const conn of this.waiting) {
      const [from] = this.addresses.get(conn) ?? []
      if (from?.ip !== remote.ip || from.port !== remote.port) continue
      this.waiting.delete(conn)
      return
    }
  }

  private deliver(conn: Net.Socket, remote: PeerAddress, local: PeerAddress, secured: Secured): void {
    this.offer(new TcpListener.Arrival(new TcpEnd(conn), remote, local, secured))
  }

  close(): void {
    for (const conn of this.waiting) conn.destroy()
  }
}

const listen = (context: Context) =>
  Effect.fnUntraced(
    function*(
      at: PeerAddress,
      onAcceptError: (error: Error) => void = () => {}
    ): Effect.fn.Return<Listener, SocketServer.SocketServerError, Scope.Scope> {
      const acceptor = new Acceptor<Arrival>(({ end }) => end.close())
      const handshakes = new Handshakes(context, (arrival) => acceptor.offer(arrival))
      const address = yield* TcpListener.listen(
        at,
        onAcceptError,
        {
          admits: (from) => acceptor.admits(from),
          arrived: (conn, remote, local) => handshakes.arrived(conn, remote, local)
        },
        () => {
          handshakes.close()
          acceptor.close()
        }
      )
      return { address, run: (handler, door, anteroom) => acceptor.run(handler, door, anteroom) }
    }
  )

const minVersion = "TLSv1.2"

/**
 * @param options.acceptPlain whether a peer that was never known by a key may connect without TLS
 * @param options.handshakeMs time for the first byte of an inbound connection, and again for its handshake
 */
export const layer = (
  { acceptPlain, handshakeMs = Limits.tlsHandshakeMs }: { readonly acceptPlain: boolean; readonly handshakeMs?: number }
): Layer.Layer<PeerSocket, never, NodeCertificate | PeerPins> =>
  Layer.effect(
    PeerSocket,
    Effect.gen(function*() {
      const { certificate: cert, privateKey: key } = yield* NodeCertificate
      const context: Context = {
        secureContext: NodeTls.createSecureContext({ cert, key, minVersion }),
        server: {
          cert,
          key,
          minVersion,
          allowHalfOpen: true,
          requestCert: true,
          rejectUnauthorized: false,
          ALPNProtocols: [protocol],
          handshakeTimeout: handshakeMs
        },
        pins: yield* PeerPins,
        acceptPlain,
        handshakeMs
      }
      return PeerSocket.of({
        dial: dial(context),
        listen: listen(context),
        addresses: HostAddresses.read,
        forgetKey: context.pins.forget,
        keyReport: context.pins.report,
        openFiles: OpenFiles.read
      })
    })
  )
