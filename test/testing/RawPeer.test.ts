/** The raw peer as an embedder's test uses it: a node is dialled, dials, and is told nonsense. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { networks } from "../../src/domain/Network.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import * as RawPeer from "../../src/testing/RawPeer.ts"
import * as TestNode from "../../src/testing/TestNode.ts"

const [nodeIp, rawIp] = [PeerIp.fromStringUnsafe("10.0.0.1"), PeerIp.fromStringUnsafe("10.0.0.2")]
const network = networks.devnet

describe("RawPeer", () => {
  it.effect("dials a node and reads why it is refused, then that nothing more comes", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryNetwork
      const node = yield* TestNode.onMemory({ ip: nodeIp })
      const raw = yield* RawPeer.dial(memory.host(rawIp), node.address)
      const talk = yield* Effect.forkChild(Effect.gen(function*() {
        yield* raw.say(RawPeer.hello(network, nodeIp, { genesis: "00".repeat(32) }))
        const { reason } = yield* raw.until("Reject")
        return [reason, yield* Effect.flip(raw.next)] as const
      }))
      yield* TestClock.adjust("10 seconds")
      const [reason, ended] = yield* Fiber.join(talk)
      assert.strictEqual(reason, "incompatible")
      assert.match(ended.message, /^the connection ended: ./)
    }).pipe(Effect.provide(MemoryNetwork.layer)))

  it.effect("is dialled by a node, comes up, and ends it with bytes that are no frame", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryNetwork
      const port = network.port
      const next = yield* RawPeer.accept(memory.host(rawIp), PeerAddress.make(rawIp, port))
      const node = yield* TestNode.onMemory({ ip: nodeIp, peers: [PeerAddress.make(rawIp, port)] })
      const talk = yield* Effect.forkChild(Effect.gen(function*() {
        const raw = yield* next
        yield* raw.say(RawPeer.hello(network, nodeIp))
        yield* raw.until("Commit")
        yield* raw.say({ _tag: "Ack" })
        yield* raw.until("Ping")
        assert.isTrue(node.sockets.has(rawIp))
        yield* raw.bytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0))
        return yield* raw.until("Reject")
      }))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(talk)).reason, "protocol")
      assert.isFalse(node.sockets.has(rawIp))
    }).pipe(Effect.provide(MemoryNetwork.layer)))
})
