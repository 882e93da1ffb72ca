/** What hostile programs do before a TLS handshake is done: each ends with a reason, and a peer that connects meanwhile notices nothing. */
import { assert, describe } from "@effect/vitest"
import { Effect, Queue } from "effect"
import * as NodeTls from "node:tls"
import * as Limits from "../../../src/domain/Limits.ts"
import { certificateChain } from "../../harness/certificateChain.ts"
import { at, dial, outcome } from "../../harness/peerSocketHarness.ts"
import { client, listening, live, once, raw, relay, shown } from "../../harness/tlsHostile.ts"

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
