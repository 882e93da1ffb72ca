/** `ChainStore` in memory: for tests and simulations. Nothing is left of it when its layer closes. */
import { Effect, Layer } from "effect"
import { ChainStore } from "../../services/ChainStore.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"
import { checkBlocks, checkFirst } from "./AppendRules.ts"

const make = (genesis: StoredBlock) => {
  const chain = [genesis]
  const heights = new Map([[genesis.hash, genesis.height]])
  const tip = () => {
    const last = chain.at(-1) ?? genesis
    return { height: last.height, hash: last.hash }
  }
  return ChainStore.of({
    tip: Effect.sync(tip),
    append: (after, blocks) =>
      Effect.suspend(() => {
        const refused = checkBlocks(after, blocks) ?? checkFirst(after, tip(), chain[after]?.hash, blocks[0])
        if (refused !== undefined) return Effect.fail(refused)
        for (const { hash } of chain.splice(after + 1)) heights.delete(hash)
        for (const block of blocks) {
          chain.push(block)
          heights.set(block.hash, block.height)
        }
        return Effect.succeed(tip())
      }),
    blocks: (from, count, maxBytes) =>
      Effect.sync(() => {
        const found: Array<Uint8Array> = []
        let total = 0
        for (const { bytes } of chain.slice(Math.max(0, from), Math.max(0, from) + count)) {
          total += bytes.length
          if (found.length > 0 && total > maxBytes) break
          found.push(bytes)
        }
        return found
      }),
    hashes: (from, count) =>
      Effect.sync(() => chain.slice(Math.max(0, from), Math.max(0, from) + count).map(({ hash }) => hash)),
    heightOf: (hash) => Effect.sync(() => heights.get(hash) ?? -1)
  })
}

/** `genesis` is height 0. */
export const layer = ({ genesis }: { readonly genesis: StoredBlock }): Layer.Layer<ChainStore> =>
  Layer.sync(ChainStore, () => make(genesis))
