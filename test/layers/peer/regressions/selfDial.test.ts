/** Named regressions of a node that dials one of its own addresses without knowing that it is one, and of peers that claim so. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { networks } from "../../../../src/domain/Network.ts"
import type { NodeEvent } from "../../../../src/domain/NodeEvent.ts"
import * as PeerAddress from "../../../../src/domain/peer/PeerAddress.ts"
import * as Node from "../../../../src/layers/node/Node.ts"
import * as TcpSocket from "../../../../src/layers/socket/TcpSocket.ts"
import * as PeerStoreMemory from "../../../../src/layers/store/PeerStoreMemory.ts"
import { ConnectionManager } from "../../../../src/services/ConnectionManager.ts"
import { defaultTuning } from "../../../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../../../src/services/NodeEvents.ts"
import { ip, onMesh } from "../../../harness/mesh.ts"
import { accept, dial, hello } from "../../../harness/rawPeer.ts"

const us = "10.0.0.1"
const peer = "10.0.0.2"

describe("self-dial", () => {
  it.live("over the kernel's sockets: whichever Hello is read first, the node does not connect to itself", () =>
    Effect.gen(function*() {
      const refused = yield* Deferred.make<void>()
      const events: Array<NodeEvent> = []
      const node = Node.layer({
        network: networks.devnet,
        listen: { ip: "any", port: 0 },
        advertise: undefined,
        peers: [],
        software: "test",
        tuning: defaultTuning
      })
      const services = yield* Layer.build(Layer.provide(node, [TcpSocket.layer, PeerStoreMemory.layer()]))
      const manager = Context.get(services, ConnectionManager)
      yield* Context.get(services, NodeEvents).listen((event) => {
        events.push(event)
        const ended = events.filter(({ _tag }) => _tag === "Refused" || _tag === "Up")
        if (ended.length === 2) Deferred.doneUnsafe(refused, Effect.void)
      })
      // The kernel dials 127.0.0.2 from 127.0.0.1: neither is known to be ours.
      yield* manager.connect(PeerAddress.make(ip("127.0.0.2"), manager.address.port))
      yield* Deferred.await(refused)
      // A busy machine's lag is an event as well.
      const others = new Set(["PeerLearned", "Listening", "LoopLag"])
      const told = events.map(({ _tag }) => _tag).filter((tag) => !others.has(tag))
      assert.sameMembers(told, ["Dialling", "OwnAddress", "Refused", "Refused"])
    }).pipe(Effect.scoped))

  it.effect("a nonce of ours comes back although the dial has had its Hello", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const next = yield* accept(network.host(ip(peer)), ip(peer))
        const node = yield* start(us, { peers: [peer] })
        const talk = yield* Effect.forkChild(Effect.gen(function*() {
          const raw = yield* next
          yield* raw.say(hello(ip(us)))
          const { nonce } = yield* raw.until("Hello")
          yield* raw.until("Commit")
          const other = yield* dial(network.host(ip("10.0.0.3")), ip(us))
          yield* other.say(hello(ip(us), { nonce }))
          return yield* other.until("Reject")
        }))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(talk)).reason, "self")
        assert.deepStrictEqual(node.of("Refused", "10.0.0.3").map(({ reason }) => reason.reject), ["self"])
      })))

  it.effect("a peer that says it is us is dialled again", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const next = yield* accept(network.host(ip(peer)), ip(peer))
        const node = yield* start(us, { peers: [peer] })
        const liar = yield* Effect.forkChild(Effect.flatMap(next, (raw) =>
          Effect.andThen(
            raw.say(hello(ip(us))),
            raw.say({ _tag: "Reject", reason: "self", text: "go away", retryAfterMs: 60_000 })
          )))
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(liar)
        assert.deepStrictEqual(node.of("Refused", peer).map(({ reason }) => reason.reject), ["self"])
        yield* TestClock.adjust("90 seconds")
        assert.isAbove(node.of("Dialling", peer).length, 1)
        assert.deepStrictEqual(node.of("OwnAddress"), [])
      })))
})
