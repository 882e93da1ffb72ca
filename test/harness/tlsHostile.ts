/** A listener of `TlsSocket` on real TCP, and clients that do with TLS what no peer does. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Queue } from "effect"
import type { Scope } from "effect"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import { makeCertificate } from "../../src/layers/socket/makeCertificate.ts"
import * as TlsSocket from "../../src/layers/socket/TlsSocket.ts"
import { NodeCertificate } from "../../src/services/NodeCertificate.ts"
import { PeerPins } from "../../src/services/PeerPins.ts"
import { type FailedArrival, PeerSocket } from "../../src/services/PeerSocket.ts"
import { long } from "./long.ts"
import { at, ip, line, outcome, text } from "./peerSocketHarness.ts"

export const certificate = await makeCertificate()
/** Of which no peer is pinned: these tests are of TLS, and all peers are 127.0.0.x. */
const pins = Layer.succeed(PeerPins, { judge: () => undefined, report: () => undefined, forget: () => false })
const layer = TlsSocket.layer({ acceptPlain: false }).pipe(
  Layer.provide([Layer.succeed(NodeCertificate, certificate), pins])
)

/** An echo server; the fate of each connection that came to it: how its reading ended. */
export const listening = (isKnown: (from: string) => boolean = () => false) =>
  Effect.gen(function*() {
    const sockets = yield* PeerSocket
    const failures = yield* Queue.unbounded<FailedArrival>()
    const ends = yield* Queue.unbounded<string>()
    const listener = yield* sockets.listen(at("127.0.0.1", 0))
    const echo = listener.run(
      ({ socket }) =>
        Effect.scoped(Effect.gen(function*() {
          const { pull } = yield* socket.reader
          const { write } = yield* socket.writer
          return yield* Effect.forever(Effect.flatMap(pull, (batch) => write(text(batch))))
        })).pipe(Effect.exit, Effect.flatMap((exit) => Queue.offer(ends, outcome(exit)))),
      {
        admits: (from) => isKnown(from) ? "known" : "stranger",
        failed: (_, failed) => Queue.offerUnsafe(failures, failed)
      }
    )
    yield* Effect.forkScoped(echo, { startImmediately: true })
    const own = yield* Effect.service(PeerSocket)
    const assertServes = Effect.scoped(Effect.gen(function*() {
      const dialled = yield* own.dial(listener.address, { from: ip("127.0.0.9") })
      const near = yield* line(dialled.socket)
      yield* near.write("alive")
      assert.strictEqual(text(yield* near.pull), "alive")
      yield* near.close
      yield* Queue.take(ends)
    }))
    return { address: listener.address, failure: Queue.take(failures), failures, ends, assertServes }
  })

/** A client of Node's own TLS from 127.0.0.2, that shows no certificate. */
export const client = (port: number, options: NodeTls.ConnectionOptions & { readonly localAddress?: string } = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const to: NodeTls.ConnectionOptions & Net.TcpNetConnectOpts = {
        localAddress: "127.0.0.2",
        servername: "timecoin.local",
        rejectUnauthorized: false,
        ...options,
        host: "127.0.0.1",
        port
      }
      return NodeTls.connect(to).on("error", () => {})
    }),
    (conn) => Effect.sync(() => conn.destroy())
  )

export const once = (conn: Net.Socket, event: string) =>
  Effect.callback<void>((resume) => {
    conn.once(event, () => resume(Effect.void))
  })

/** Plain TCP that says these bytes first. */
export const raw = (port: number, bytes: Uint8Array | string, from = "127.0.0.2") =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const conn = Net.connect({ host: "127.0.0.1", port, localAddress: from }, () => {
        conn.write(bytes)
        resume(Effect.succeed(conn))
      })
      conn.on("error", () => {})
      conn.resume()
    }),
    (conn) => Effect.sync(() => conn.destroy())
  )

/** Passes bytes on to the port, and what comes back; `change` may change a chunk of the client's. */
export const relay = (
  port: number,
  change: (chunk: Buffer, both: readonly [Net.Socket, Net.Socket]) => Buffer | undefined
) =>
  Effect.acquireRelease(
    Effect.callback<readonly [number, Net.Server]>((resume) => {
      const server = Net.createServer((near) => {
        const far = Net.connect({ host: "127.0.0.1", port, localAddress: "127.0.0.2" })
        for (const conn of [near, far]) conn.on("error", () => {})
        near.on("data", (chunk) => {
          const changed = change(chunk, [near, far])
          if (changed !== undefined) far.write(changed)
        })
        far.pipe(near)
        far.on("close", () => near.destroy())
      })
      server.listen(0, "127.0.0.1", () => {
        const bound = server.address()
        resume(Effect.succeed([typeof bound === "object" && bound !== null ? bound.port : 0, server]))
      })
    }),
    ([, server]) => Effect.sync(() => server.close())
  )

export const live = (name: string, effect: Effect.Effect<void, unknown, PeerSocket | Scope.Scope>, isLong = false) =>
  it.live(name, () => effect.pipe(Effect.scoped, Effect.provide(layer)), { timeout: 60_000, ...(isLong ? long : {}) })

export const shown = (
  { offence, reason }: FailedArrival
) => [DisconnectReason.label(reason), reason.detail, offence?.kind]
