/** Builds the header chain of what is stored. */
import { Effect } from "effect"
import * as Block from "../../domain/chain/Block.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import { HeaderChain } from "../../domain/chain/HeaderChain.ts"
import * as Synthetic from "../../domain/chain/Synthetic.ts"
import * as Limits from "../../domain/Limits.ts"
import type { ChainStore } from "../../services/ChainStore.ts"

/**
 * The header chain that ends at the store's tip. `seed`: of its hash index. A header's rules need the treasury of its parent, which
 * only a decoded block shows: it is read only for the blocks at which a branch may still leave our chain.
 */
export const loadHeaderChain = Effect.fnUntraced(function*(
  store: ChainStore["Service"],
  params: ChainParams,
  seed: number
) {
  const headers = new HeaderChain(Synthetic.genesisParent(params), seed)
  const tip = yield* store.tip
  const exactFrom = Math.max(1, tip.height - 2 * params.maxReorg)
  while (headers.height < tip.height) {
    const from = headers.height + 1
    if (from < exactFrom) {
      const hashes = yield* store.hashes(from, Math.min(Limits.storeReadRows, exactFrom - from))
      for (const hash of hashes) headers.append(Hash.fromHexUnsafe(hash), 0)
      if (hashes.length === 0) break
      continue
    }
    const hashes = yield* store.hashes(from, 2 * params.maxReorg + 1)
    const blocks = yield* store.blocks(from, hashes.length, Limits.storeScanBytes)
    for (const [i, bytes] of blocks.entries()) {
      const block = Block.decode(bytes)
      headers.append(Hash.fromHexUnsafe(hashes[i] ?? ""), Block.isMalformed(block) ? 0 : block.header.treasuryBalance)
    }
    if (blocks.length === 0) break
  }
  return headers
})
