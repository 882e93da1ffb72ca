/** `LocalChain` in memory. It is built before the node listens, so that the very first Hello is right. */
import { Effect, Layer } from "effect"
import { Capability } from "../../domain/pair/Handshake.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import { ChainStore, type ChainStoreError } from "../../services/ChainStore.ts"
import { LocalChain } from "../../services/LocalChain.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"

const make = (start: SyncTip, capabilities: number) => {
  let tip = start
  return LocalChain.of({
    tip: () => tip,
    setTip: (next) => {
      tip = next
    },
    capabilities
  })
}

/** Of a node without a chain: at the network's genesis. A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<LocalChain, never, NodeConfig> =>
  Layer.effect(LocalChain, Effect.map(NodeConfig, ({ network }) => make({ height: 0, hash: network.genesis }, 0)))

/** Of a node with a chain: where the store ends. */
export const layerStored = (): Layer.Layer<LocalChain, ChainStoreError, NodeConfig | ChainStore> =>
  Layer.effect(
    LocalChain,
    Effect.gen(function*() {
      const { produces } = yield* NodeConfig
      const tip = yield* Effect.flatMap(ChainStore, (store) => store.tip)
      return make(tip, produces === true ? Capability.chain | Capability.produces : Capability.chain)
    })
  )
