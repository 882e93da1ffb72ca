/** A peer that hangs up in the middle of the TLS handshake leaves at once, and is not held against its address. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import { makeCertificate } from "../../../src/layers/socket/makeCertificate.ts"
import * as TlsSocket from "../../../src/layers/socket/TlsSocket.ts"
import * as PinsMemory from "../../../src/layers/store/PinsMemory.ts"
import { NodeCertificate } from "../../../src/services/NodeCertificate.ts"
import { type Entry, PeerSocket } from "../../../src/services/PeerSocket.ts"
import { at } from "../../harness/peerSocketHarness.ts"

const pem = await makeCertificate()
const layer = TlsSocket.layer({ acceptPlain: false, handshakeMs: 600_000 }).pipe(
  Layer.provide([Layer.succeed(NodeCertificate, pem), PinsMemory.layer()])
)

/** What a TLS client sends first. */
const clientHello = Effect.callback<Buffer>((resume) => {
  const server = Net.createServer((conn) => {
    conn.on("error", () => {})
    conn.once("data", (chunk) => {
      conn.destroy()
      server.close()
      resume(Effect.succeed(chunk))
    })
  })
  server.listen(0, "127.0.0.1", () => {
    const bound = server.address()
    const port = typeof bound === "object" && bound !== null ? bound.port : 0
    NodeTls.connect({ host: "127.0.0.1", port, servername: "timecoin.local" }).on("error", () => {})
  })
})

for (const entry of ["stranger", "known"] satisfies ReadonlyArray<Entry>) {
  it.live(
    `a ${entry} that hangs up after its ClientHello is closed at once`,
    () =>
      Effect.gen(function*() {
        const failures: Array<unknown> = []
        const listener = yield* (yield* PeerSocket).listen(at("127.0.0.1", 0))
        const door = { admits: () => entry, failed: (_: unknown, failure: unknown) => void failures.push(failure) }
        yield* Effect.forkScoped(listener.run(() => Effect.never, door))
        const hello = yield* clientHello
        const closed = yield* Deferred.make<void>()
        const conn = Net.connect({ host: "127.0.0.1", port: listener.address.port })
        conn.on("error", () => {})
        conn.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
        conn.resume()
        conn.end(hello)
        // Within the test's own time, not the ten minutes that a handshake may take here.
        yield* Deferred.await(closed)
        assert.deepStrictEqual(failures, [])
      }).pipe(Effect.provide(layer)),
    30_000
  )
}
