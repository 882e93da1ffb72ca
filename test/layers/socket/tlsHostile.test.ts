/** What hostile programs do before a TLS handshake is done: each ends with a reason, and a peer that connects meanwhile notices nothing. */
import { assert, describe } from "@effect/vitest"
import { Effect, Queue } from "effect"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as Limits from "../../../src/domain/Limits.ts"
import { certificateChain } from "../../harness/certificateChain.ts"
import { at, dial, line, outcome, text } from "../../harness/peerSocketHarness.ts"
import { certificate, client, listening, live, once, raw, relay, shown } from "../../harness/tlsHostile.ts"

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

  for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
    live(
      `${version}: a stranger's long chain, or large certificate, is refused before any of it is verified`,
      Effect.gen(function*() {
        const { address, assertServes, failure } = yield* listening()
        for (const made of [certificateChain(20), certificateChain(1, 200)]) {
          const { certificates, key } = yield* Effect.promise(() => made)
          yield* client(address.port, { cert: certificates, key, maxVersion: version })
          assert.deepStrictEqual(shown(yield* failure), [
            "protocol",
            `TLS handshake exceeds limit ${Limits.tlsClientFlightBytes} bytes`,
            "malformed"
          ])
        }
        yield* assertServes
      })
    )
  }

  live(
    "a known peer's certificate is refused by its size, and from then on the peer has a stranger's limit",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening(() => true)
      const { certificates, key } = yield* Effect.promise(() => certificateChain(1, 200))
      const details: Array<string | undefined> = []
      for (let i = 0; i < 2; i++) {
        yield* client(address.port, { cert: certificates, key })
        details.push((yield* failure).reason.detail)
      }
      assert.match(String(details[0]), /^certificate of \d+ bytes exceeds limit 1024$/)
      assert.strictEqual(details[1], `TLS handshake exceeds limit ${Limits.tlsClientFlightBytes} bytes`)
      yield* assertServes
    })
  )

  live(
    "data in the same chunk as the end of the handshake does not count",
    Effect.gen(function*() {
      const { address, ends } = yield* listening()
      const held: Array<Buffer> = []
      let chunks = 0
      const [port] = yield* relay(address.port, (chunk) => {
        chunks += 1
        if (chunks === 1) return chunk
        held.push(chunk)
        return Buffer.concat(held).length < 3 * Limits.tlsClientFlightBytes ? undefined : Buffer.concat(held.splice(0))
      })
      const near = yield* line((yield* dial(at("127.0.0.1", port))).socket)
      const said = "x".repeat(3 * Limits.tlsClientFlightBytes)
      yield* near.write(said)
      let heard = ""
      while (heard.length < said.length) heard += text(yield* near.pull)
      assert.strictEqual(heard, said)
      assert.strictEqual(yield* Queue.size(ends), 0)
    })
  )

  live(
    "a client is asked for another key share, and comes in",
    Effect.gen(function*() {
      const { address } = yield* listening()
      const { certificate: cert, privateKey: key } = certificate
      const conn = yield* client(address.port, { cert, key, ecdhCurve: "P-521:X25519" })
      yield* once(conn, "secureConnect")
      conn.write("x")
      yield* once(conn, "data")
      assert.strictEqual(conn.getProtocol(), "TLSv1.3")
    })
  )

  live(
    "a client with slow key exchanges only is refused",
    Effect.gen(function*() {
      const { address, assertServes, failure } = yield* listening()
      yield* client(address.port, { ecdhCurve: "ffdhe3072:P-521" })
      const [label, detail] = shown(yield* failure)
      assert.strictEqual(label, "bad-frame")
      assert.match(String(detail), /^TLS handshake failed \(no suitable/)
      yield* assertServes
    })
  )

  for (
    const [isKnown, length, refusal] of [
      [true, 3, "shows a chain of certificates"],
      [false, 20, `TLS handshake exceeds limit ${Limits.tlsServerFlightBytes} bytes`]
    ] as const
  ) {
    live(
      `a server that shows a chain of ${length} is not connected with, a known one ${isKnown}`,
      Effect.gen(function*() {
        const { certificates, key } = yield* Effect.promise(() => certificateChain(length))
        const server = NodeTls.createServer({ cert: certificates, key })
        server.on("tlsClientError", () => {})
        yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
        const port = yield* Effect.callback<number>((resume) => {
          server.listen(0, "127.0.0.1", () => {
            const bound = server.address()
            resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : 0))
          })
        })
        const { socket } = yield* dial(at("127.0.0.1", port), { isKnown })
        const exit = yield* Effect.exit(Effect.scoped(socket.reader))
        assert.strictEqual(outcome(exit), `SocketOpenError ${refusal}`)
      })
    )
  }

  for (
    const [name, said, refusal] of [
      ["never answers", [], "SocketOpenError Timeout"],
      ["answers by an alert", [21, 3, 3, 0, 2, 2, 40], "TLS handshake failed ("],
      ["begins a record that is too long", [22, 3, 3, 0xff, 0xff], "TLS handshake failed ("],
      ["sends empty records", Array.from({ length: 200 }, () => [22, 3, 3, 0, 0]).flat(), "TLS handshake failed ("],
      ["closes at once", undefined, "ECONNRESET"]
    ] as const
  ) {
    live(
      `a server that ${name} is given up`,
      Effect.gen(function*() {
        const server = Net.createServer((conn) => {
          conn.on("error", () => {})
          conn.once("data", () => said === undefined ? conn.end() : conn.write(Uint8Array.from(said)))
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
        const port = yield* Effect.callback<number>((resume) => {
          server.listen(0, "127.0.0.1", () => {
            const bound = server.address()
            resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : 0))
          })
        })
        // Only the first of these waits for it.
        const { socket } = yield* dial(at("127.0.0.1", port), said?.length === 0 ? { timeoutMs: 100 } : {})
        const exit = yield* Effect.exit(Effect.scoped(socket.reader))
        assert.include(outcome(exit), refusal)
      })
    )
  }
})
