/**
 * `PeerSocket` over TLS 1.3 or 1.2, by `node:tls`. Both ends present a certificate, and only its key is checked (`Secured.key`). This node's is
 * `NodeCertificate`; the peer's is judged by `PeerPins` before anything else from the peer is read.
 *
 * **Dialling** ends when TLS is done: its timeout covers both TCP and TLS. The server name is the TIME network's. ALPN offers `timemesh/1`; a
 * peer that selects nothing is not a native one. **Accepting**: the first byte decides. 22 is TLS, 0 a plain connection where those are
 * allowed; anything else is closed. Handshakes are bounded in number and time; a handler gets a connection after its handshake.
 */
import { Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import { constants } from "node:crypto"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as Limits from "../../domain/Limits.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { WireName } from "../../domain/peer/PeerRecord.ts"
import { Suspects } from "../../domain/protection/Suspects.ts"
import { NodeCertificate } from "../../services/NodeCertificate.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import type { Dialled, DialOptions, Listener, Secured } from "../../services/PeerSocket.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import { within } from "../time/patience.ts"
import { Acceptor } from "./Acceptor.ts"
import { HandshakeStream } from "./HandshakeStream.ts"
import * as HostAddresses from "./HostAddresses.ts"
import { serverName } from "./makeCertificate.ts"
import * as OpenFiles from "./OpenFiles.ts"
import { openError, openTimeout, systemError } from "./socketErrors.ts"
import { socketFromEnd } from "./socketFromEnd.ts"
import * as TcpListener from "./TcpListener.ts"
import * as TlsEnd from "./TlsEnd.ts"
import * as TlsHandshakes from "./TlsHandshakes.ts"
import { TlsTurns } from "./TlsTurns.ts"
import { dialError, flightFault, inspect, protocol } from "./tlsWords.ts"

/** What this layer needs from its node. */
interface Context extends TlsHandshakes.Context {
  readonly secureContext: NodeTls.SecureContext
  readonly offers: { readonly ALPNProtocols?: Array<string> }
}

const optionsOf = ({ offers, secureContext }: Context): NodeTls.ConnectionOptions => ({
  secureContext,
  servername: serverName,
  ...offers,
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined
})

const prepared = <S extends Net.Socket>(conn: S): S => {
  conn.setNoDelay(true)
  conn.setKeepAlive(true, Limits.keepAliveDelayMs)
  return conn
}

const dialNatively = (context: Context, toward: Net.TcpNetConnectOpts): TlsEnd.TlsEnd =>
  new TlsEnd.TlsEnd(prepared(NodeTls.connect({ ...optionsOf(context), ...toward })))

const dialStranger = (context: Context, toward: Net.TcpNetConnectOpts): TlsEnd.TlsEnd => {
  const raw = prepared(Net.connect(toward))
  const stream = new HandshakeStream(raw, context.turns, Limits.tlsServerFlightBytes, () => {
    raw.destroy(systemError(flightFault(Limits.tlsServerFlightBytes), "refused by this node"))
  })
  const conn = NodeTls.connect({ ...optionsOf(context), socket: stream })
  conn.once("secureConnect", () => stream.secured())
  return new TlsEnd.TlsEnd(conn, raw, stream)
}

const connected = ({ conn }: TlsEnd.TlsEnd): Effect.Effect<void, Socket.SocketError> =>
  Effect.callback((resume) => {
    const onSecure = () => {
      conn.off("error", onError)
      resume(Effect.void)
    }
    const onError = (cause: Error) => resume(Effect.fail(openError(dialError(cause))))
    conn.once("secureConnect", onSecure)
    conn.once("error", onError)
  })

/** How the connection is secured. Fails if the peer's key has changed, or `inspect` finds a fault. */
const judged = (
  { pins, suspects }: Context,
  to: PeerAddress,
  isKnown: boolean,
  conn: NodeTls.TLSSocket
): Effect.Effect<Secured, Socket.SocketError> =>
  Effect.suspend(() => {
    const { fault, secured } = inspect(conn)
    if (fault !== undefined) suspects.add(to.ip)
    const refusal = fault ?? pins.judge(to.ip, secured, isKnown)
    return refusal === undefined
      ? Effect.succeed(secured)
      : Effect.fail(openError(systemError(refusal, "refused by this node")))
  })

const dial =
  (context: Context) =>
  (to: PeerAddress, { from, isKnown = false, timeoutMs = Limits.dialMs }: DialOptions = {}): Effect.Effect<Dialled> =>
    Effect.sync(() => {
      let local: Option.Option<PeerAddress> = Option.none()
      let secured: Option.Option<Secured> = Option.none()
      const socket = socketFromEnd(
        () => {
          const toward: Net.TcpNetConnectOpts = {
            ...(from === undefined ? {} : { localAddress: `${from}` }),
            host: to.ip,
            port: to.port,
            allowHalfOpen: true
          }
          return isKnown && !context.suspects.has(to.ip) ? dialNatively(context, toward) : dialStranger(context, toward)
        },
        (end) =>
          Effect.gen(function*() {
            const { conn, raw = conn } = end
            yield* within(connected(end), timeoutMs, () => openTimeout(timeoutMs))
            secured = Option.some(yield* judged(context, to, isKnown, conn))
            local = TcpListener.addressOf(raw.localAddress, raw.localPort)
            context.watch(end)
            end.start()
          })
      )
      return { socket, local: Effect.sync(() => local), secured: Effect.sync(() => secured) }
    })

const listen = (context: Context) =>
  Effect.fnUntraced(
    function*(
      at: PeerAddress,
      onAcceptError: (error: Error) => void = () => {}
    ): Effect.fn.Return<Listener, SocketServer.SocketServerError, Scope.Scope> {
      const acceptor = new Acceptor<TcpListener.Arrival>(({ end }) => end.close())
      const handshakes = yield* TlsHandshakes.make(context, {
        offer: (arrival) => acceptor.offer(arrival),
        failed: (from, failed) => acceptor.failed(from, failed)
      })
      const address = yield* TcpListener.listen(
        at,
        onAcceptError,
        {
          admits: (from) => acceptor.admits(from),
          arrived: (conn, remote, local, isKnown) => handshakes.arrived(conn, remote, local, isKnown)
        },
        () => {
          handshakes.close()
          acceptor.close()
        }
      )
      return { address, run: (handler, door, anteroom) => acceptor.run(handler, door, anteroom) }
    }
  )

/** Required of both ends: a key that signs by ECDSA P-256 or Ed25519, and proves its presence on every connection anew. */
const secure = {
  minVersion: "TLSv1.2",
  sigalgs: "ecdsa_secp256r1_sha256:ed25519",
  // No session is resumed: it would present an earlier connection's certificate, for any host that kept the session. TLS 1.2 never renegotiates.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION
} as const

/** Key exchange, the preferred first. The post-quantum one needs OpenSSL 3.5. */
const groups = `${Number.parseFloat(process.versions.openssl) >= 3.5 ? "X25519MLKEM768:" : ""}X25519:P-256:P-384`

/** As `tls.createServer` has it: our order of ciphers counts, and TLS 1.2 refuses a session of another server without ending in an error. */
const asServer = {
  // Of the groups that OpenSSL knows, those that cost a millisecond or less. In one list: a client's key share of any of them will do.
  ecdhCurve: groups,
  secureOptions: secure.secureOptions | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  sessionIdContext: "timemesh"
}

export interface TlsSocketOptions {
  /** Whether a peer without a pinned key may connect without TLS. */
  readonly acceptPlain: boolean
  /** ms. Limits the ClientHello of an inbound connection, and again its handshake. */
  readonly handshakeMs?: number
  /** `time`: like the TIME network's daemon, negotiates no protocol, requests no certificate, and presents none when it dials. */
  readonly wire?: WireName
}

export const layer = (
  { acceptPlain, handshakeMs = Limits.tlsHandshakeMs, wire = "native" }: TlsSocketOptions
): Layer.Layer<PeerSocket, never, NodeCertificate | PeerPins> =>
  Layer.effect(
    PeerSocket,
    Effect.gen(function*() {
      const { certificate: cert, privateKey: key } = yield* NodeCertificate
      const offers = wire === "native" ? { ALPNProtocols: [protocol] } : {}
      const shown = wire === "native" ? { cert, key } : {}
      const context: Context = {
        secureContext: NodeTls.createSecureContext({ ...shown, ...secure }),
        offers,
        server: {
          isServer: true,
          secureContext: NodeTls.createSecureContext({ cert, key, ...secure, ...asServer }),
          ...offers,
          requestCert: wire === "native",
          rejectUnauthorized: false
        },
        pins: yield* PeerPins,
        acceptPlain,
        handshakeMs,
        suspects: new Suspects(),
        turns: new TlsTurns(),
        watch: yield* TlsEnd.watch
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
