/**
 * A node that keeps its network's chain: a `Node` that also follows the best chain of its peers and serves it. It also needs a `ChainStore`:
 * `ChainStoreSql` or `ChainStoreMemory`. Scope and isolation are those of `Node`.
 */
import { Layer } from "effect"
import type { SocketServer } from "effect/socket"
import type { ChainStore, ChainStoreError } from "../../services/ChainStore.ts"
import type { NodeConfig, NodeSetup, NodeSetupError } from "../../services/NodeConfig.ts"
import type { NodeEvents } from "../../services/NodeEvents.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import type { PeerStore } from "../../services/PeerStore.ts"
import type { Sync } from "../../services/Sync.ts"
import * as SyncLive from "../sync/SyncLive.ts"
import type { Node } from "./Node.ts"
import { compose } from "./NodeParts.ts"
import * as StoredChainLive from "./StoredChainLive.ts"

/** Like `Node.layer`; also fails if the store cannot be read. */
export const layer = <E = never, R = never>(
  setup: NodeSetup,
  around: Layer.Layer<never, E, R> = Layer.empty
): Layer.Layer<
  Node | Sync,
  NodeSetupError | SocketServer.SocketServerError | ChainStoreError | E,
  PeerSocket | PeerStore | ChainStore | Exclude<R, NodeEvents | NodeConfig>
> => {
  const { events, inner, peers } = compose(setup, around, StoredChainLive.layer())
  return SyncLive.layer().pipe(Layer.provideMerge(peers), Layer.provide(inner), Layer.provideMerge(events))
}
