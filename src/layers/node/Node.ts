/**
 * A node without a chain: give it a `NodeSetup`, a `PeerSocket` (TCP, or a host of the in-memory network) and a `PeerStore`. For a node that
 * keeps its network's chain use `ChainNode`; this module loads none of its code.
 *
 * Every call makes a separate node; two nodes in one process share nothing. The node lives as long as the layer's scope. Closing the scope
 * sends every peer the reason `shutdown`; within `Limits.closeMs` all sockets, timers and fibers are gone. Under a `TestClock`, keep the clock
 * moving while the node closes: links with latency need time to carry the final Reject.
 */
import { Layer } from "effect"
import type { SocketServer } from "effect/socket"
import type { ConnectionManager } from "../../services/ConnectionManager.ts"
import type { NodeConfig, NodeSetup, NodeSetupError } from "../../services/NodeConfig.ts"
import type { NodeEvents } from "../../services/NodeEvents.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import type { PeerState } from "../../services/PeerState.ts"
import type { PeerStore } from "../../services/PeerStore.ts"
import * as LocalChainLive from "./LocalChainLive.ts"
import { compose } from "./NodeParts.ts"

/** The services of a running node. */
export type Node = ConnectionManager | PeerState | NodeEvents | NodeConfig

/**
 * Fails with `SocketServerError` when the listen address cannot be bound, with `NodeSetupError`, and with the errors of `around`.
 *
 * `around` is built before the node, with access to its events and set-up, and closed after it. So a log or a metric misses no event:
 * `Node.layer(setup, NodeLog.layer)`.
 */
export const layer = <E = never, R = never>(
  setup: NodeSetup,
  around: Layer.Layer<never, E, R> = Layer.empty
): Layer.Layer<
  Node,
  NodeSetupError | SocketServer.SocketServerError | E,
  PeerSocket | PeerStore | Exclude<R, NodeEvents | NodeConfig>
> => {
  const { events, inner, peers } = compose(setup, around, LocalChainLive.layer())
  return peers.pipe(Layer.provide(inner), Layer.provideMerge(events))
}
