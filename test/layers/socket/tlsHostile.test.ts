/** What hostile programs do with TLS itself: each ends with a reason, and a peer that connects meanwhile notices nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Option, Queue } from "effect"
import type { Scope } from "effect"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { makeCertificate } from "../../../src/layers/socket/makeCertificate.ts"
import * as TlsSocket from "../../../src/layers/socket/TlsSocket.ts"
import { NodeCertificate } from "../../../src/services/NodeCertificate.ts"
import { PeerPins } from "../../../src/services/PeerPins.ts"
import { type FailedArrival, PeerSocket, recordFlood } from "../../../src/services/PeerSocket.ts"
import { certificateChain } from "../../harness/certificateChain.ts"
import * as KeyUpdates from "../../harness/keyUpdates.ts"
import { long } from "../../harness/long.ts"
import { at, dial, ip, line, outcome, readAll, text } from "../../harness/peerSocketHarness.ts"

const certificate = await makeCertificate()
/** Of which no peer is pinned: these tests are of TLS, and all peers are 127.0.0.x. */
const pins = Layer.succeed(PeerPins, { judge: () => undefined, report: () => undefined, forget: () => false })
const layer = TlsSocket.layer({ acceptPlain: false }).pipe(
  Layer.provide([Layer.succeed(NodeCertificate, certificate), pins])
)

/** An echo server; the fate of each connection that came to it: how its reading ended. */
const listening = (isKnown: (from: string) => boolean = () => false) =>
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
const client = (port: number, options: NodeTls.ConnectionOptions & { readonly localAddress?: string } = {}) =>
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

const once = (conn: Net.Socket, event: string) =>
  Effect.callback<void>((resume) => {
    conn.once(event, () => resume(Effect.void))
  })

/** Plain TCP that says these bytes first. */
const raw = (port: number, bytes: Uint8Array | string, from = "127.0.0.2") =>
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
const relay = (port: number, change: (chunk: Buffer, both: readonly [Net.Socket, Net.Socket]) => Buffer | undefined) =>
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

const live = (name: string, effect: Effect.Effect<void, unknown, PeerSocket | Scope.Scope>, isLong = false) =>
  it.live(name, () => effect.pipe(Effect.scoped, Effect.provide(layer)), { timeout: 60_000, ...(isLong ? long : {}) })

/** More than all buffers between two ends hold. */
const bulk = new Uint8Array(16 * 1024 * 1024)

const shown = ({ offence, reason }: FailedArrival) => [DisconnectReason.label(reason), reason.detail, offence?.kind]

describe("hostile TLS, before its handshake", () => {
  live(
    "a ClientHello a byte at a time costs a socket, and no TLS",
    Effect.gen(function*() {
      const { address, assertServes } = yield* listening()
      const conn = yield* raw(address.port, Uint8Array.of(22))
      for (const byte of [3, 1, 2, 0, 1, 0, 1, 252]) {
        conn.write(Uint8Array.of(byte))
        yield* assertServes
      }
      assert.isFalse(conn.destroyed)
    })
  )

  live(
    "a list of protocols or a name without measure is refused by its length",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening()
      const names = Array.from({ length: 60 }, (_, i) => `${i}`.padStart(200, "x"))
      const conn = yield* client(address.port, { ALPNProtocols: names })
      const [label, detail, offence] = shown(yield* failure)
      assert.deepStrictEqual([label, offence], ["bad-frame", "malformed"])
      assert.match(String(detail), /^ClientHello of 1\d{4} bytes exceeds limit 8192$/)
      if (!conn.destroyed) yield* once(conn, "close")
      yield* assertServes
    })
  )

  live(
    "a name of hundreds of bytes changes nothing",
    Effect.gen(function*() {
      const { address, assertServes } = yield* listening()
      const conn = yield* client(address.port, {
        servername: Array.from({ length: 4 }, () => "x".repeat(60)).join(".")
      })
      yield* once(conn, "secureConnect")
      yield* assertServes
    })
  )

  live(
    "what begins as TLS and is none is refused, and so is what is no TLS at all",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening()
      yield* raw(address.port, Uint8Array.of(22, 3, 1, 0, 5, 2, 0, 0, 1, 0))
      assert.deepStrictEqual(shown(yield* failure), [
        "bad-frame",
        "TLS message of type 2 in place of a ClientHello",
        "malformed"
      ])
      yield* raw(address.port, "GET / HTTP/1.1\r\n\r\n")
      assert.deepStrictEqual(shown(yield* failure), [
        "protocol",
        "speaks no TLS, and this node takes no plain connection",
        undefined
      ])
      yield* assertServes
    })
  )

  live(
    "one IP has a few connections under way, and the oldest gives way",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening()
      const first = yield* raw(address.port, Uint8Array.of(22, 3, 1))
      for (let i = 0; i < Limits.tlsArrivalsPerIp; i++) yield* raw(address.port, Uint8Array.of(22, 3, 1))
      assert.deepStrictEqual(shown(yield* failure), [
        "hello-timeout",
        "made room for a newer connection",
        undefined
      ])
      if (!first.destroyed) yield* once(first, "close")
      yield* assertServes
    })
  )

  live(
    "one that only opens and closes is no failure",
    Effect.gen(function*() {
      const { address, assertServes, failures } = yield* listening()
      const conn = yield* raw(address.port, "")
      conn.end()
      yield* once(conn, "close")
      yield* assertServes
      assert.strictEqual(yield* Queue.size(failures), 0)
    })
  )
})

describe("hostile TLS, in its handshake", () => {
  live(
    "garbage after the ClientHello ends it",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening()
      const [port] = yield* relay(address.port, (chunk) => Buffer.concat([chunk, Buffer.alloc(64, 0x55)]))
      yield* client(port, { localAddress: "127.0.0.1" })
      const [label, detail, offence] = shown(yield* failure)
      assert.deepStrictEqual([label, offence], ["bad-frame", undefined])
      assert.match(String(detail), /^TLS handshake failed \(/)
      yield* assertServes
    })
  )

  live(
    "a version that is too old is named",
    Effect.gen(function*() {
      const { address, failure } = yield* listening()
      yield* client(address.port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })
      assert.deepStrictEqual(shown(yield* failure), [
        "bad-frame",
        "TLS handshake failed (unsupported protocol)",
        undefined
      ])
    })
  )

  live(
    "a chain of certificates is refused, whatever is in it",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening()
      const chain = yield* Effect.promise(() => certificateChain(3))
      yield* client(address.port, { cert: chain.certificates, key: chain.key })
      assert.deepStrictEqual(shown(yield* failure), ["protocol", "shows a chain of certificates", "malformed"])
      yield* assertServes
    })
  )

  live(
    "a certificate of absurd size is refused by its size",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening()
      const large = yield* Effect.promise(() => certificateChain(1, 200))
      yield* client(address.port, { cert: large.certificates, key: large.key })
      const [label, detail, offence] = shown(yield* failure)
      assert.deepStrictEqual([label, offence], ["protocol", "malformed"])
      assert.match(String(detail), /^certificate of \d+ bytes exceeds limit 4096$/)
      yield* assertServes
    })
  )

  live(
    "a server that shows a chain is not connected with",
    Effect.gen(function*() {
      const { certificates, key } = yield* Effect.promise(() => certificateChain(3))
      const server = NodeTls.createServer({ cert: certificates, key })
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const port = yield* Effect.callback<number>((resume) => {
        server.listen(0, "127.0.0.1", () => {
          const bound = server.address()
          resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : 0))
        })
      })
      const { socket } = yield* dial(at("127.0.0.1", port))
      const exit = yield* Effect.exit(Effect.scoped(socket.reader))
      assert.strictEqual(outcome(exit), "SocketOpenError shows a chain of certificates")
    })
  )
})

describe("hostile TLS, after its handshake", () => {
  for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
    live(
      `${version}: no session is resumed, so that each connection shows its own key`,
      Effect.gen(function*() {
        const { address } = yield* listening()
        const session = yield* Deferred.make<Buffer>()
        const first = yield* client(address.port, { maxVersion: version })
        first.on("session", (given) => Deferred.doneUnsafe(session, Effect.succeed(given)))
        yield* once(first, "secureConnect")
        first.write("x")
        yield* once(first, "data")
        const given = yield* Deferred.isDone(session)
        // TLS 1.3 gives a ticket with the handshake or never: by the echo it would be there.
        const again = yield* client(address.port, {
          maxVersion: version,
          ...(given ? { session: yield* Deferred.await(session) } : {})
        })
        yield* once(again, "secureConnect")
        assert.isFalse(again.isSessionReused())
      })
    )
  }

  live(
    "TLS 1.2 starts no second handshake",
    Effect.gen(function*() {
      const { address, assertServes } = yield* listening()
      const conn = yield* client(address.port, { maxVersion: "TLSv1.2" })
      yield* once(conn, "secureConnect")
      const answer = yield* Effect.callback<string>((resume) => {
        conn.once("error", (error) => resume(Effect.succeed(error.message)))
        conn.renegotiate({ rejectUnauthorized: false }, (error) => {
          resume(Effect.succeed(error?.message ?? "it did"))
        })
      })
      assert.match(answer, /no.renegotiation|handshake failure|disconnected/i)
      yield* assertServes
    })
  )

  live(
    "KeyUpdates without data end the connection",
    Effect.gen(function*() {
      const { address, assertServes, ends } = yield* listening()
      const conn = KeyUpdates.connect(
        { host: "127.0.0.1", port: address.port, localAddress: "127.0.0.2" },
        {},
        // Several times the limit, in one piece: the node's own pace decides how long it takes.
        ({ conn, next }) => conn.write(next(4_000))
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => conn.destroy()))
      assert.strictEqual(yield* Queue.take(ends), `SocketReadError ${recordFlood}`)
      yield* assertServes
    })
  )

  live(
    "many small messages, each in a record of its own, are data",
    Effect.gen(function*() {
      const { address } = yield* listening()
      const near = yield* line((yield* dial(address)).socket)
      let heard = ""
      yield* Effect.forkScoped(Effect.forever(Effect.map(near.pull, (batch) => {
        heard += text(batch)
      })))
      const beats = 3
      for (let beat = 0; beat < beats; beat++) {
        for (let i = 0; i < 3_000; i++) yield* near.write("12345678")
        while (heard.length < (beat + 1) * 24_000) yield* Effect.yieldNow
      }
      assert.strictEqual(heard.length, beats * 24_000)
    })
  )

  live(
    "a peer that is not read for several looks is not blamed for what waits in TLS and in the kernel",
    Effect.gen(function*() {
      const sockets = yield* PeerSocket
      const read = yield* Deferred.make<void>()
      const total = yield* Deferred.make<number>()
      const listener = yield* sockets.listen(at("127.0.0.1", 0))
      const slow = listener.run(({ socket }) =>
        Effect.scoped(Effect.gen(function*() {
          const { pull } = yield* socket.reader
          yield* Deferred.await(read)
          let bytes = 0
          while (bytes < bulk.length) bytes += (yield* pull).reduce((sum, chunk) => sum + chunk.length, 0)
          yield* Deferred.succeed(total, bytes)
        })).pipe(Effect.ignore)
      )
      yield* Effect.forkScoped(slow, { startImmediately: true })
      const conn = yield* client(listener.address.port)
      yield* once(conn, "secureConnect")
      conn.write(bulk)
      yield* Effect.sleep(3.5 * Limits.tlsLookMs)
      assert.isFalse(conn.destroyed)
      yield* Deferred.succeed(read, undefined)
      assert.strictEqual(yield* Deferred.await(total), bulk.length)
    }),
    // That nothing happens has no signal: it takes as long as the looks do.
    true
  )

  live(
    "plain bytes in the middle of the stream end it, in words",
    Effect.gen(function*() {
      const { address, assertServes, ends } = yield* listening()
      let chunks = 0
      const [port] = yield* relay(address.port, (chunk) => {
        chunks += 1
        return chunk.includes("attack") || chunks > 3 ? Buffer.from("plain bytes, all of a sudden") : chunk
      })
      const near = yield* line((yield* dial(at("127.0.0.1", port))).socket)
      yield* near.write("x")
      // Read it back: from here on every chunk of ours is replaced.
      assert.strictEqual(text(yield* near.pull), "x")
      chunks = 9
      yield* near.write("y")
      assert.match(yield* Queue.take(ends), /^SocketReadError TLS failed \(/)
      yield* assertServes
    })
  )

  live(
    "a connection cut in the middle of a record ends, and what came whole is read",
    Effect.gen(function*() {
      const { address, assertServes, ends } = yield* listening()
      let isArmed = false
      const [port] = yield* relay(address.port, (chunk, [near, far]) => {
        if (!isArmed) return chunk
        far.end(chunk.subarray(0, chunk.length - 5))
        near.destroy()
        return undefined
      })
      const near = yield* line((yield* dial(at("127.0.0.1", port))).socket)
      yield* near.write("whole")
      assert.strictEqual(text(yield* near.pull), "whole")
      isArmed = true
      yield* near.write("half of this never comes")
      const [rest, how] = yield* readAll(near.pull)
      assert.strictEqual(rest, "")
      assert.match(how, /^(1000|1006|SocketReadError .*)$/)
      assert.match(yield* Queue.take(ends), /^(1000|1006|SocketReadError .*)$/)
      yield* assertServes
    })
  )
})

describe("peers of other kinds of TLS", () => {
  live(
    "a peer of TLS 1.2 comes in and is known by its key",
    Effect.gen(function*() {
      const sockets = yield* PeerSocket
      const seen = yield* Deferred.make<unknown>()
      const listener = yield* sockets.listen(at("127.0.0.1", 0))
      yield* Effect.forkScoped(listener.run(({ secured }) => Deferred.succeed(seen, secured)))
      const { certificate: cert, privateKey: key } = certificate
      yield* client(listener.address.port, { maxVersion: "TLSv1.2", ALPNProtocols: ["timemesh/1"], cert, key })
      const secured = yield* Deferred.await(seen)
      assert.deepInclude(secured, { version: "TLSv1.2", protocol: "timemesh/1" })
      assert.match(String(Reflect.get(Object(secured), "key")), /^[0-9a-f]{64}$/)
    })
  )

  live(
    "a server whose key is RSA is not connected with: keys sign by ECDSA P-256 or Ed25519",
    Effect.gen(function*() {
      const rsa = yield* Effect.promise(() => certificateChain(1, 0, 2_048))
      const server = NodeTls.createServer({ cert: rsa.certificates, key: rsa.key })
      server.on("tlsClientError", () => {})
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const port = yield* Effect.callback<number>((resume) => {
        server.listen(0, "127.0.0.1", () => {
          const bound = server.address()
          resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : 0))
        })
      })
      const { secured, socket } = yield* dial(at("127.0.0.1", port))
      assert.match(
        outcome(yield* Effect.exit(Effect.scoped(socket.reader))),
        /^SocketOpenError TLS handshake failed \(/
      )
      assert.isTrue(Option.isNone(yield* secured))
    })
  )
})
