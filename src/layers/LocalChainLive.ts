/** `LocalChain` in memory, at the network's genesis until somebody says otherwise. */
import { Effect, Layer } from "effect"
import { LocalChain } from "../services/LocalChain.ts"
import { NodeConfig } from "../services/NodeConfig.ts"

/** A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<LocalChain, never, NodeConfig> =>
  Layer.effect(
    LocalChain,
    Effect.map(NodeConfig, ({ network }) => {
      let tip = { height: 0, hash: network.genesis }
      let bits = 0
      return LocalChain.of({
        tip: () => tip,
        setTip: (next) => {
          tip = next
        },
        capabilities: () => bits,
        addCapability: (bit) => {
          bits |= bit
        }
      })
    })
  )
