/** `LocalChain` of a node without a chain: the tip is the network's genesis, without the chain capability. */
import { Effect, Layer } from "effect"
import { LocalChain } from "../../services/LocalChain.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import * as TipInMemory from "./TipInMemory.ts"

/** A function, so that two nodes never share a layer. */
export const layer = (): Layer.Layer<LocalChain, never, NodeConfig> =>
  Layer.effect(
    LocalChain,
    Effect.map(NodeConfig, ({ network }) => TipInMemory.make({ height: 0, hash: network.genesis }, 0))
  )
