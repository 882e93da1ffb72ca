/**
 * timemesh over TLS, as on testnet and mainnet: one certificate for each process, pins for each node. All peers count as known ones, as they do
 * on every connection after their first good one: see `HandshakeStream`.
 */
import { Effect, Layer } from "effect"
import { makeCertificate } from "../../src/layers/socket/makeCertificate.ts"
import * as TlsSocket from "../../src/layers/socket/TlsSocket.ts"
import * as PinsMemory from "../../src/layers/store/PinsMemory.ts"
import { NodeCertificate } from "../../src/services/NodeCertificate.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"
import * as KnownPeers from "../../src/testing/KnownPeers.ts"
import * as TestNode from "../../src/testing/TestNode.ts"
import { dialTls } from "./bareTls.ts"
import { over } from "./timemesh.ts"

const certificate = await makeCertificate()
const sockets = TlsSocket.layer({ acceptPlain: false }).pipe(
  Layer.provide([Layer.succeed(NodeCertificate, certificate), PinsMemory.layer()])
)

const node: typeof TestNode.onTcp = (options) =>
  Effect.gen(function*() {
    const own = yield* Effect.provide(PeerSocket, yield* Layer.build(Layer.fresh(sockets)))
    return yield* TestNode.start(KnownPeers.among(own), { ...options, listen: { ip: options.ip, port: 0 } })
  })

export const implementation = over({ node, dial: dialTls(certificate) })
