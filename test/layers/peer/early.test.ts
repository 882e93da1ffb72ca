/** What a peer sends between Up and the moment the node's protocols listen waits for them, bounded. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import { Capability } from "../../../src/domain/pair/Handshake.ts"
import type { SyncMessage } from "../../../src/domain/wire/SyncMessage.ts"
import * as EntropyLive from "../../../src/layers/node/EntropyLive.ts"
import * as NodeEventsLive from "../../../src/layers/node/NodeEventsLive.ts"
import * as ConnectionManagerLive from "../../../src/layers/peer/ConnectionManagerLive.ts"
import * as PeerStateLive from "../../../src/layers/peer/PeerStateLive.ts"
import * as PeerTable from "../../../src/layers/peer/PeerTable.ts"
import { MemoryNetwork } from "../../../src/layers/socket/memory/MemoryNetwork.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import * as NodeFibers from "../../../src/layers/time/NodeFibers.ts"
import * as Timers from "../../../src/layers/time/Timers.ts"
import { LocalChain } from "../../../src/services/LocalChain.ts"
import { defaultTuning, NodeConfig } from "../../../src/services/NodeConfig.ts"
import { PeerMessages } from "../../../src/services/PeerMessages.ts"
import { PeerSocket } from "../../../src/services/PeerSocket.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { ip, port } from "../../harness/mesh.ts"
import { join } from "../../harness/rawPeer.ts"

const node = ip("10.0.0.1")
const peer = ip("10.0.0.2")
const tip = (height: number): SyncMessage => ({ _tag: "Tip", height, hash: new Uint8Array(32) as never })

/** The connection layer of a node with or without a chain; the protocols listen when the test does. */
const start = (capabilities: number) =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    const scope = yield* Scope.make()
    const setup = {
      network: networks.devnet,
      listen: { ip: node, port },
      advertise: undefined,
      peers: [],
      software: "test",
      tuning: defaultTuning
    }
    const chain = { tip: () => ({ height: 0, hash: networks.devnet.genesis }), setTip: () => {}, capabilities }
    const base = Layer.mergeAll(
      Layer.succeed(NodeConfig, setup),
      Layer.succeed(LocalChain, chain as LocalChain["Service"]),
      Layer.succeed(PeerSocket, network.host(node)),
      NodeEventsLive.layer(),
      EntropyLive.layer(),
      PeerStoreMemory.layer()
    )
    const time = Timers.layer().pipe(Layer.provideMerge(NodeFibers.layer()))
    const layer = Layer.mergeAll(ConnectionManagerLive.layer(), PeerStateLive.layer()).pipe(
      Layer.provideMerge(PeerTable.layer()),
      Layer.provideMerge(time),
      Layer.provideMerge(base)
    )
    const context = yield* Layer.buildWithMemoMap(layer, Layer.makeMemoMapUnsafe(), scope)
    yield* Effect.addFinalizer(() =>
      Effect.gen(function*() {
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        while (closing.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      })
    )
    return { network, messages: Context.get(context, PeerMessages), state: Context.get(context, PeerState) }
  })

const listen = (messages: PeerMessages["Service"]) => {
  const heard: Array<string> = []
  return Effect.as(
    messages.listen({
      onUp: () => heard.push("up"),
      onDown: () => heard.push("down"),
      onMessage: (_, message) => heard.push(message._tag === "Tip" ? `tip ${message.height}` : message._tag),
      onProgress: () => {}
    }),
    heard
  )
}

describe("messages before the protocols listen", () => {
  it.effect("wait, in order, behind the Up", () =>
    Effect.gen(function*() {
      const { messages, network } = yield* start(Capability.chain)
      yield* join(network.host(peer), node, [tip(1), tip(2)])
      yield* TestClock.adjust("100 millis")
      const heard = yield* listen(messages)
      assert.deepStrictEqual(heard, ["up", "tip 1", "tip 2"])
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))

  it.effect("thousands are bounded and not lost: the peer's window closes, and it is not blamed for it", () =>
    Effect.gen(function*() {
      const { messages, network, state } = yield* start(Capability.chain)
      const raw = yield* join(network.host(peer), node)
      const count = 20 * Limits.earlyMessages
      yield* Effect.forkScoped(Effect.forEach(
        Array.from({ length: count }, (_, i) => i),
        (i) => Effect.andThen(raw.say(tip(i)), Effect.sleep(5)),
        { discard: true }
      ))
      yield* TestClock.adjust("40 seconds")
      const [before] = yield* state.connected
      assert.isBelow(before?.connection?.messages.received ?? 0, 2 * Limits.earlyMessages)
      // Longer than the dead time: what this node does not read is no silence of the peer's.
      yield* TestClock.adjust("2 minutes")
      const heard = yield* listen(messages)
      // At the rate that a peer's tips have.
      yield* TestClock.adjust(count / Limits.messageRates.announce.perSecond * 1_000)
      assert.deepStrictEqual(heard, ["up", ...Array.from({ length: count }, (_, i) => `tip ${i}`)])
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))

  it.effect("a node without a chain keeps none of them", () =>
    Effect.gen(function*() {
      const { messages, network } = yield* start(0)
      yield* join(network.host(peer), node, [tip(1)])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* listen(messages), ["up"])
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))
})
