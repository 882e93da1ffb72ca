/** What hostile programs do once a TLS handshake is done, and what only looks like it. */
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Option, Queue, Schedule } from "effect"
import * as NodeTls from "node:tls"
import * as Limits from "../../../src/domain/Limits.ts"
import { PeerSocket, recordFlood } from "../../../src/services/PeerSocket.ts"
import { certificateChain } from "../../harness/certificateChain.ts"
import * as KeyUpdates from "../../harness/keyUpdates.ts"
import { at, dial, line, outcome, readAll, text } from "../../harness/peerSocketHarness.ts"
import { certificate, client, listening, live, once, relay } from "../../harness/tlsHostile.ts"

/** More than all buffers between two ends hold. */
const bulk = new Uint8Array(16 * 1024 * 1024)

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
      const begun = yield* Deferred.make<KeyUpdates.KeyUpdates>()
      const conn = KeyUpdates.connect(
        { host: "127.0.0.1", port: address.port, localAddress: "127.0.0.2" },
        {},
        (updates) => Deferred.doneUnsafe(begun, Effect.succeed(updates))
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => conn.destroy()))
      const { next } = yield* Deferred.await(begun)
      // Twice what a look lets pass: however two looks divide it, one has enough.
      const flood = Effect.sync(() => {
        for (let bytes = 0; bytes <= 2 * Limits.tlsOverheadBytes && !conn.destroyed;) {
          const updates = next(200)
          bytes += updates.length
          conn.write(updates)
        }
      })
      yield* Effect.forkScoped(Effect.repeat(flood, Schedule.spaced(Limits.tlsLookMs)))
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
