/**
 * One node, composed: give it a `NodeSetup`, a `PeerSocket` (TCP, or a host of the in-memory network) and a `PeerStore`.
 *
 * Every call makes a node of its own; two nodes in one process share nothing. The node lives as long as the layer's
 * scope: closing it tells every peer `shutdown`, and within `Limits.closeMs` no socket, timer or fiber is left. Under a
 * `TestClock`, close while the clock moves (links with latency need time to carry the last word).
 */
import { Layer } from "effect"
import type { SocketServer } from "effect/socket"
import type { ConnectionManager } from "../services/ConnectionManager.ts"
import { NodeConfig, type NodeSetup } from "../services/NodeConfig.ts"
import type { NodeEvents } from "../services/NodeEvents.ts"
import type { PeerSocket } from "../services/PeerSocket.ts"
import type { PeerState } from "../services/PeerState.ts"
import type { PeerStore } from "../services/PeerStore.ts"
import * as EntropyLive from "./EntropyLive.ts"
import * as NodeEventsLive from "./NodeEventsLive.ts"
import * as ConnectionManagerLive from "./peer/ConnectionManagerLive.ts"
import * as PeerStateLive from "./peer/PeerStateLive.ts"
import * as PeerTable from "./peer/PeerTable.ts"

export type Node = ConnectionManager | PeerState | NodeEvents | NodeConfig

/**
 * Fails with `SocketServerError` when the listen address cannot be bound. `around` is built with the node's events in
 * reach before anything happens, so that a log or a metric misses nothing.
 */
export const layer = <R = never>(
  setup: NodeSetup,
  around: Layer.Layer<never, never, NodeEvents | NodeConfig | R> = Layer.empty
): Layer.Layer<Node, SocketServer.SocketServerError, PeerSocket | PeerStore | R> => {
  const base = Layer.mergeAll(NodeEventsLive.layer(), Layer.succeed(NodeConfig, setup))
  const inner = Layer.mergeAll(PeerTable.layer(), EntropyLive.layer()).pipe(Layer.provideMerge(around))
  return Layer.mergeAll(ConnectionManagerLive.layer(), PeerStateLive.layer()).pipe(
    Layer.provide(inner),
    Layer.provideMerge(base)
  )
}
