/** `LocalChain` of a node with a chain: the stored tip, read before the node listens, so that the very first Hello is right. */
import { Effect, Layer } from "effect"
import { Capability } from "../../domain/pair/Handshake.ts"
import { ChainStore, type ChainStoreError } from "../../services/ChainStore.ts"
import { LocalChain } from "../../services/LocalChain.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import * as TipInMemory from "./TipInMemory.ts"

/** A function, so that two nodes never share a layer. */
export const layer = (): Layer.Layer<LocalChain, ChainStoreError, NodeConfig | ChainStore> =>
  Layer.effect(
    LocalChain,
    Effect.gen(function*() {
      const { produces } = yield* NodeConfig
      const tip = yield* Effect.flatMap(ChainStore, (store) => store.tip)
      return TipInMemory.make(tip, produces === true ? Capability.chain | Capability.produces : Capability.chain)
    })
  )
