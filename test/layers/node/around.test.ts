/** What is built around a node: its types as documented, and that it misses nothing. */
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Context, Data, Effect, Layer } from "effect"
import type { SocketServer } from "effect/socket"
import { ChainNode, MemoryNetwork, Network, Node, NodeConfig, NodeEvents, NodeLog, PeerIp } from "../../../src/index.ts"
import type { ChainStore, PeerSocket, PeerStore, Sync } from "../../../src/index.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"

const setup: NodeConfig.NodeSetup = {
  network: Network.networks.devnet,
  listen: { ip: PeerIp.fromStringUnsafe("10.0.0.1"), port: 24200 },
  advertise: undefined,
  peers: [],
  software: "test",
  tuning: NodeConfig.defaultTuning
}

class Metric extends Context.Service<Metric, { readonly count: (name: string) => void }>()("test/Metric") {}
class NoMetric extends Data.TaggedError("NoMetric") {}

const counting = Layer.effectDiscard(Effect.gen(function*() {
  const events = yield* NodeEvents.NodeEvents
  const { count } = yield* Metric
  yield* events.listen((event) => count(event._tag))
}))

const failing = Layer.effectDiscard(
  Effect.gen(function*() {
    yield* NodeConfig.NodeConfig
    return yield* new NoMetric()
  })
)

type Sockets = PeerSocket.PeerSocket | PeerStore.PeerStore
type Failure<L> = L extends Layer.Layer<infer _A, infer E, infer _R> ? E : never

describe("what is built around a node", () => {
  it("is inferred: a log, a layer with a need of its own, one that fails, none", () => {
    const logged = Node.layer(setup, NodeLog.layer)
    expectTypeOf(logged).toEqualTypeOf<Layer.Layer<Node.Node, Failure<typeof logged>, Sockets>>()
    expectTypeOf<SocketServer.SocketServerError>().toExtend<Failure<typeof logged>>()
    expectTypeOf(Node.layer(setup)).toEqualTypeOf<typeof logged>()
    expectTypeOf(Node.layer(setup, counting)).toEqualTypeOf<
      Layer.Layer<Node.Node, Failure<typeof logged>, Sockets | Metric>
    >()
    expectTypeOf(Node.layer(setup, failing)).toEqualTypeOf<
      Layer.Layer<Node.Node, Failure<typeof logged> | NoMetric, Sockets>
    >()
    const chained = ChainNode.layer(setup, NodeLog.layer)
    expectTypeOf(chained).toEqualTypeOf<
      Layer.Layer<Node.Node | Sync.Sync, Failure<typeof chained>, Sockets | ChainStore.ChainStore>
    >()
  })

  it.effect("hears the node's first event, and is closed after its last", () =>
    Effect.gen(function*() {
      const heard: Array<string> = []
      const closing = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => heard.push("closed"))))
      yield* Effect.scoped(Layer.build(
        Node.layer(setup, Layer.merge(counting, closing)).pipe(
          Layer.provide([
            MemoryNetwork.layerHost(PeerIp.fromStringUnsafe("10.0.0.1")).pipe(
              Layer.provide(MemoryNetwork.MemoryNetwork.layer)
            ),
            PeerStoreMemory.layer(),
            Layer.succeed(Metric, { count: (name) => heard.push(name) })
          ])
        )
      ))
      assert.strictEqual(heard[0], "Listening")
      assert.strictEqual(heard.at(-1), "closed")
    }))
})
