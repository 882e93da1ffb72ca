import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Option } from "effect"
import type { Scope } from "effect"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import { makeCertificate, type Pem } from "../../../src/layers/socket/makeCertificate.ts"
import * as TlsSocket from "../../../src/layers/socket/TlsSocket.ts"
import * as PinsMemory from "../../../src/layers/store/PinsMemory.ts"
import { NodeCertificate } from "../../../src/services/NodeCertificate.ts"
import { PeerPins } from "../../../src/services/PeerPins.ts"
import { type Accepted, PeerSocket } from "../../../src/services/PeerSocket.ts"
import * as KnownPeers from "../../../src/testing/KnownPeers.ts"
import { long } from "../../harness/long.ts"
import { contract } from "../../harness/peerSocketContract.ts"
import { at, dial, ip, outcome, pair, readAll, serve, text } from "../../harness/peerSocketHarness.ts"

const certificates = await Promise.all([makeCertificate(), makeCertificate()])

const socketsOf = (pem: Pem, options = { acceptPlain: false }) =>
  TlsSocket.layer(options).pipe(
    Layer.provide(Layer.succeed(NodeCertificate, pem))
  )

const layerOf = (pem = certificates[0], options = { acceptPlain: false }) =>
  socketsOf(pem, options).pipe(Layer.provide(PinsMemory.layer()))

const live = (
  name: string,
  effect: Effect.Effect<void, unknown, PeerSocket | Scope.Scope>,
  layer: Layer.Layer<PeerSocket> = layerOf(),
  isLong = false
) => it.live(name, () => effect.pipe(Effect.provide(layer)), { timeout: 30_000, ...(isLong ? long : {}) })

describe("TlsSocket", () => {
  for (const [name, effect] of Object.entries(contract)) {
    // Waits for `Limits.lingerTlsMs` in real time.
    live(name, effect, layerOf(), name === "a blocked writer fails when its own scope closes")
  }
})

/** Peers that were well connected before: their connections are read natively, see `HandshakeStream`. */
const amongKnown = Layer.effect(PeerSocket, Effect.map(PeerSocket, KnownPeers.among)).pipe(Layer.provide(layerOf()))

describe("TlsSocket, among known peers", () => {
  for (const [name, effect] of Object.entries(contract)) {
    if (name !== "a blocked writer fails when its own scope closes") live(name, effect, amongKnown)
  }
})

/** What who speaks no TLS gets. */
const alert = "15030300020232"

/** A plain client without any of our code: what it reads to the end, as hex. */
const raw = (port: number, bytes: Uint8Array) =>
  Effect.callback<string>((resume) => {
    const conn = Net.connect({ host: "127.0.0.1", port })
    const read: Array<Buffer> = []
    conn.on("data", (chunk) => read.push(chunk))
    conn.on("error", () => {})
    conn.on("close", () => resume(Effect.succeed(Buffer.concat(read).toString("hex"))))
    conn.write(bytes)
    return Effect.sync(() => conn.destroy())
  })

/** A server that answers as the TIME network's nodes do: TLS, no ALPN. */
const foreignServer = (options: NodeTls.TlsOptions) =>
  Effect.acquireRelease(
    Effect.callback<readonly [NodeTls.Server, number]>((resume) => {
      const server = NodeTls.createServer(options, (conn) => conn.write("hello"))
      server.on("tlsClientError", () => {})
      server.listen(0, "127.0.0.1", () => {
        const bound = server.address()
        resume(Effect.succeed([server, typeof bound === "object" && bound !== null ? bound.port : 0]))
      })
    }),
    ([server]) => Effect.sync(() => server.close())
  )

describe("TlsSocket, beyond the contract", () => {
  live(
    "both ends know the other's key, TLS 1.3 and the native protocol",
    Effect.gen(function*() {
      const { far, near } = yield* pair()
      const secured = Option.getOrThrow(yield* near.secured)
      assert.deepStrictEqual(far.secured, secured) // one certificate at both ends
      assert.deepInclude(secured, { _tag: "Tls", version: "TLSv1.3", protocol: "timemesh/1" })
      if (secured._tag === "Tls") assert.match(secured.key ?? "", /^[0-9a-f]{64}$/)
    })
  )

  live(
    "the name asked for is timecoin.local; TLS 1.2 does; who selects no protocol is told of",
    Effect.gen(function*() {
      const asked = yield* Deferred.make<string>()
      const [server, port] = yield* foreignServer({
        cert: certificates[1].certificate,
        key: certificates[1].privateKey,
        maxVersion: "TLSv1.2"
      })
      server.once("secureConnection", (conn) => {
        Effect.runFork(Deferred.succeed(asked, String(Reflect.get(conn, "servername"))))
      })
      const dialled = yield* dial(at("127.0.0.1", port))
      const { pull } = yield* dialled.socket.reader
      assert.strictEqual(text(yield* pull), "hello")
      assert.strictEqual(yield* Deferred.await(asked), "timecoin.local")
      const secured = Option.getOrThrow(yield* dialled.secured)
      assert.deepInclude(secured, { _tag: "Tls", version: "TLSv1.2", protocol: undefined })
    })
  )

  live(
    "a daemon's new certificate is accepted each time: it selects no protocol, and is not pinned",
    Effect.gen(function*() {
      for (const { certificate: cert, privateKey: key } of [...certificates, certificates[0]]) {
        const [, port] = yield* foreignServer({ cert, key })
        const { socket } = yield* dial(at("127.0.0.1", port))
        const { pull } = yield* socket.reader
        assert.strictEqual(text(yield* pull), "hello")
        assert.isUndefined((yield* PeerSocket).keyReport?.(ip("127.0.0.1")))
      }
    })
  )

  live(
    "an endpoint without TLS is named",
    Effect.gen(function*() {
      const [server, port] = yield* Effect.acquireRelease(
        Effect.callback<readonly [Net.Server, number]>((resume) => {
          const server = Net.createServer((conn) => {
            conn.on("error", () => {})
            conn.write(Uint8Array.of(0, 0, 0, 5, 1, 2, 3, 4, 5))
          })
          server.listen(0, "127.0.0.1", () => {
            const bound = server.address()
            resume(Effect.succeed([server, typeof bound === "object" && bound !== null ? bound.port : 0]))
          })
        }),
        ([server]) => Effect.sync(() => server.close())
      )
      assert.isTrue(server.listening)
      const { socket } = yield* dial(at("127.0.0.1", port))
      const exit = yield* Effect.exit(Effect.scoped(socket.reader))
      assert.strictEqual(outcome(exit), "SocketOpenError the endpoint does not speak TLS")
    })
  )

  live(
    "a plain connection gets a TLS alert where none is allowed, and others live on",
    Effect.gen(function*() {
      const { address, far, near } = yield* pair()
      assert.strictEqual(yield* raw(address.port, Uint8Array.of(0, 0, 0, 3, 1, 2, 3)), alert)
      assert.strictEqual(yield* raw(address.port, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")), alert)
      // Begins as TLS does, and is none: TLS answers with an alert.
      assert.match(yield* raw(address.port, Uint8Array.of(0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5)), /^(15|$)/)
      yield* near.write("x")
      assert.strictEqual(text(yield* far.pull), "x")
    })
  )

  live(
    "where plain connections are allowed, the first byte decides, and nothing is lost",
    Effect.gen(function*() {
      const address = yield* serve(({ secured, socket }) =>
        Effect.gen(function*() {
          const { pull } = yield* socket.reader
          const { write } = yield* socket.writer
          yield* write(`${secured._tag}:${text(yield* pull)}`)
        })
      )
      const answer = Buffer.from(yield* raw(address.port, Uint8Array.of(0, 65, 66)), "hex").toString()
      assert.strictEqual(answer, "Plain:\0AB")
      const { socket } = yield* dial(address)
      const { pull } = yield* socket.reader
      yield* (yield* socket.writer).write("C")
      assert.strictEqual(text(yield* pull), "Tls:C")
    }),
    layerOf(certificates[0], { acceptPlain: true })
  )

  it.live(
    "another key at a known address is refused at both ends, and so is a connection without one",
    () =>
      Effect.gen(function*() {
        const pins = yield* Layer.build(PinsMemory.layer())
        const build = (pem: Pem, acceptPlain = false) =>
          Effect.map(
            Layer.build(Layer.provide(socketsOf(pem, { acceptPlain }), Layer.succeedContext(pins))),
            (context) => Effect.provide(context)
          )
        const known = yield* build(certificates[0], true)
        const other = yield* Layer.build(layerOf(certificates[1]))
        const handler = ({ socket }: Accepted) => Effect.andThen(socket.reader, Effect.never)
        const address = yield* known(serve(handler))
        const stranger = yield* Effect.provide(serve(handler), other)
        // Met: from now on 127.0.0.1 is known by the first key.
        yield* known(Effect.flatMap(dial(address), ({ socket }) => socket.reader))
        const reported = known(Effect.map(PeerSocket, (own) => own.keyReport?.(ip("127.0.0.1"))?.state))
        assert.strictEqual(yield* reported, "pinned")
        const refused = yield* known(
          Effect.flatMap(dial(stranger), ({ socket }) => Effect.exit(Effect.scoped(socket.reader)))
        )
        assert.match(
          outcome(refused),
          /127\.0\.0\.1 shows another key than the one it has been known by since .*: timemesh peers trust 127\.0\.0\.1$/
        )
        assert.strictEqual(yield* reported, "other-key")
        // The stranger dials: TLS is done for it before we have judged, and then the connection ends.
        const seen = yield* Effect.provide(
          Effect.flatMap(
            dial(address),
            ({ socket }) => Effect.scoped(Effect.flatMap(socket.reader, ({ pull }) => readAll(pull)))
          ),
          other
        ).pipe(Effect.exit)
        if (Exit.isSuccess(seen)) assert.strictEqual(seen.value[0], "")
        // Without TLS, although plain connections are allowed: not from one that has met us.
        assert.strictEqual(yield* raw(address.port, Uint8Array.of(0, 0, 0, 1)), alert)
        const { judge, report } = yield* Effect.provide(PeerPins, pins)
        assert.strictEqual(report(ip("127.0.0.1"))?.state, "no-key", "so it came last")
        assert.match(judge(ip("127.0.0.1"), { _tag: "Plain" }) ?? "", /connects without the key/)
        // The operator says that the new key is right.
        const trust = (own: PeerSocket["Service"]) => own.forgetKey?.(ip("127.0.0.1"))
        assert.isTrue(yield* known(Effect.map(PeerSocket, trust)))
        assert.isUndefined(yield* reported)
        yield* known(Effect.flatMap(dial(stranger), ({ socket }) => Effect.scoped(socket.reader)))
        assert.strictEqual(yield* reported, "pinned")
        assert.isTrue(yield* known(Effect.map(PeerSocket, trust)))
        assert.isFalse(yield* known(Effect.map(PeerSocket, trust)), "it is known by none now")
      }).pipe(Effect.scoped),
    30_000
  )
})
