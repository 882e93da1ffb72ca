/**
 * One node, composed: give it a `NodeSetup`, a `PeerSocket` (TCP, or a host of the in-memory network) and a `PeerStore`.
 *
 * Every call makes a node of its own; two nodes in one process share nothing. The node lives as long as the layer's
 * scope: closing it tells every peer `shutdown`, and within `Limits.closeMs` no socket, timer or fiber is left. Under a
 * `TestClock`, close while the clock moves (links with latency need time to carry the last word).
 */
import { Layer } from "effect"
import type { SocketServer } from "effect/socket"
import type { ChainStore, ChainStoreError } from "../../services/ChainStore.ts"
import type { ConnectionManager } from "../../services/ConnectionManager.ts"
import type { LocalChain } from "../../services/LocalChain.ts"
import { NodeConfig, type NodeSetup } from "../../services/NodeConfig.ts"
import type { NodeEvents } from "../../services/NodeEvents.ts"
import type { PeerMessages } from "../../services/PeerMessages.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import type { PeerState } from "../../services/PeerState.ts"
import type { PeerStore } from "../../services/PeerStore.ts"
import type { Sync } from "../../services/Sync.ts"
import * as ConnectionManagerLive from "../peer/ConnectionManagerLive.ts"
import * as PeerStateLive from "../peer/PeerStateLive.ts"
import * as PeerTable from "../peer/PeerTable.ts"
import * as SyncLive from "../sync/SyncLive.ts"
import * as NodeFibers from "../time/NodeFibers.ts"
import * as Timers from "../time/Timers.ts"
import * as EntropyLive from "./EntropyLive.ts"
import * as LocalChainLive from "./LocalChainLive.ts"
import * as NodeEventsLive from "./NodeEventsLive.ts"

export type Node = ConnectionManager | PeerState | NodeEvents | NodeConfig | PeerMessages | LocalChain

const compose = <R, E, C>(
  setup: NodeSetup,
  around: Layer.Layer<never, never, NodeEvents | NodeConfig | R>,
  localChain: Layer.Layer<LocalChain, E, NodeConfig | C>
) => {
  const base = Layer.merge(NodeEventsLive.layer(), localChain).pipe(
    Layer.provideMerge(Layer.succeed(NodeConfig, setup))
  )
  const time = Timers.layer().pipe(Layer.provideMerge(NodeFibers.layer()))
  const inner = Layer.mergeAll(PeerTable.layer(), EntropyLive.layer()).pipe(
    Layer.provideMerge(time),
    Layer.provideMerge(around)
  )
  const peers = Layer.mergeAll(ConnectionManagerLive.layer(), PeerStateLive.layer())
  return { base, inner, peers }
}

/**
 * A node without a chain. Fails with `SocketServerError` when the listen address cannot be bound. `around` is built with the
 * node's events in reach before anything happens, so that a log or a metric misses nothing.
 */
export const layer = <R = never>(
  setup: NodeSetup,
  around: Layer.Layer<never, never, NodeEvents | NodeConfig | R> = Layer.empty
): Layer.Layer<Node, SocketServer.SocketServerError, PeerSocket | PeerStore | R> => {
  const { base, inner, peers } = compose(setup, around, LocalChainLive.layer())
  return peers.pipe(Layer.provide(inner), Layer.provideMerge(base))
}

/**
 * A node that keeps its network's chain in the `ChainStore`, follows the best of its peers' and serves it. Fails also when
 * the store cannot be read.
 */
export const layerWithChain = <R = never>(
  setup: NodeSetup,
  around: Layer.Layer<never, never, NodeEvents | NodeConfig | R> = Layer.empty
): Layer.Layer<
  Node | Sync,
  SocketServer.SocketServerError | ChainStoreError,
  PeerSocket | PeerStore | ChainStore | R
> => {
  const { base, inner, peers } = compose(setup, around, LocalChainLive.layerStored())
  return SyncLive.layer().pipe(Layer.provideMerge(peers), Layer.provide(inner), Layer.provideMerge(base))
}
