/** The TIME wire over real TLS, with an end that knows nothing of this project but its certificate and its codec. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import * as NodeTls from "node:tls"
import { networks } from "../../../../src/domain/Network.ts"
import * as TimeHandshake from "../../../../src/domain/pair/TimeHandshake.ts"
import * as PeerAddress from "../../../../src/domain/peer/PeerAddress.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import type { TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import { TimeReader } from "../../../../src/domain/wire/time/TimeReader.ts"
import { makeCertificate } from "../../../../src/layers/socket/makeCertificate.ts"
import * as TlsSocket from "../../../../src/layers/socket/TlsSocket.ts"
import * as PinsMemory from "../../../../src/layers/store/PinsMemory.ts"
import { NodeCertificate } from "../../../../src/services/NodeCertificate.ts"
import { PeerSocket } from "../../../../src/services/PeerSocket.ts"
import { Await, TestNode } from "../../../../src/testing/index.ts"
import { ip } from "../../../harness/mesh.ts"

const sockets = (acceptPlain = false) =>
  TlsSocket.layer({ acceptPlain }).pipe(
    Layer.provide([Layer.effect(NodeCertificate, Effect.promise(makeCertificate)), PinsMemory.layer()])
  )

const node = (at: string, peers: ReadonlyArray<PeerAddress.PeerAddress> = []) =>
  Effect.gen(function*() {
    const own = yield* Layer.build(Layer.fresh(sockets()))
    return yield* Effect.provide(
      Effect.flatMap(PeerSocket, (sockets) =>
        TestNode.start(sockets, { ip: ip(at), listen: { ip: ip(at), port: 0 }, network: networks.testnet, peers })),
      own
    )
  })

/** Reads messages until the one with that name. */
const reading = (conn: NodeTls.TLSSocket, tag: TimeMessage["_tag"], done: Deferred.Deferred<ReadonlyArray<string>>) => {
  const reader = new TimeReader()
  const heard: Array<string> = []
  conn.on("error", () => {})
  conn.on("data", (chunk) => {
    reader.push(chunk)
    while (reader.read(8 * 1024 * 1024) === "message") {
      const { _tag } = reader.message()
      heard.push(_tag)
      if (_tag === tag) Deferred.doneUnsafe(done, Effect.succeed(heard))
    }
  })
}

const say = (conn: NodeTls.TLSSocket, message: TimeMessage | undefined) => {
  if (message !== undefined) conn.write(TimeEncoder.encode(message) ?? "")
}

describe("the TIME wire over TLS", () => {
  it.live(
    "a client that offers no protocol is one of the TIME network",
    () =>
      Effect.gen(function*() {
        const ours = yield* node("127.0.0.11")
        const done = yield* Deferred.make<ReadonlyArray<string>>()
        const conn = NodeTls.connect({
          host: ours.ip,
          port: ours.address.port,
          localAddress: "127.0.0.12",
          servername: "timecoin.local",
          rejectUnauthorized: false
        } as NodeTls.ConnectionOptions)
        yield* Effect.addFinalizer(() => Effect.sync(() => conn.destroy()))
        reading(conn, "GetChainTip", done)
        conn.on("secureConnect", () => say(conn, TimeHandshake.own("testnet")))
        const heard = yield* Deferred.await(done)
        assert.deepStrictEqual(heard.slice(0, 2), ["Ack", "Handshake"])
        assert.include(heard, "GenesisHashResponse")
        const [record] = yield* ours.state.connected
        assert.strictEqual(record?.connection?.wire, "time")
        assert.strictEqual(record?.ip, ip("127.0.0.12"))
      }),
    30_000
  )

  it.live(
    "a server that selects no protocol is one too, on the connection that was dialled",
    () =>
      Effect.gen(function*() {
        const { certificate: cert, privateKey: key } = yield* Effect.promise(makeCertificate)
        const done = yield* Deferred.make<ReadonlyArray<string>>()
        let accepted = 0
        const names: Array<unknown> = []
        const server = NodeTls.createServer({ cert, key }, (conn) => {
          accepted += 1
          names.push(conn.servername)
          reading(conn, "GetChainTip", done)
          say(conn, { _tag: "Ack", of: "Handshake" })
          say(conn, TimeHandshake.own("testnet"))
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
        const port = yield* Effect.callback<number>((resume) => {
          server.listen(0, "127.0.0.13", () => {
            const bound = server.address()
            resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : 0))
          })
        })
        const ours = yield* node("127.0.0.14", [PeerAddress.make(ip("127.0.0.13"), port)])
        const heard = yield* Deferred.await(done)
        assert.strictEqual(heard[0], "Handshake")
        yield* Await.until("the software of the peer", [ours], () => ours.of("Up").length === 1)
        assert.strictEqual(accepted, 1, "without a second dial")
        assert.deepStrictEqual(names, ["timecoin.local"])
        const [record] = yield* ours.state.connected
        assert.strictEqual(record?.connection?.wire, "time")
      }),
    30_000
  )

  it.live(
    "between two nodes of ours it is not spoken",
    () =>
      Effect.gen(function*() {
        const a = yield* node("127.0.0.15")
        const b = yield* node("127.0.0.16", [a.address])
        yield* Await.connected([a, b])
        const [record] = yield* a.state.connected
        assert.strictEqual(record?.connection?.wire, "native")
      }),
    30_000
  )
})
