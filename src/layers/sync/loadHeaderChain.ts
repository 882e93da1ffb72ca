/** Builds the header chain of the stored blocks. */
import { Effect } from "effect"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import { HeaderChain } from "../../domain/chain/HeaderChain.ts"
import * as Synthetic from "../../domain/chain/Synthetic.ts"
import * as Limits from "../../domain/Limits.ts"
import type { ChainStore } from "../../services/ChainStore.ts"

/**
 * The header chain up to the store's tip. `seed`: of its hash index. A header's rules need the treasury of its parent, which is
 * read only for blocks at which a branch may leave our chain: all of them while history is not `settled`.
 */
export const loadHeaderChain = Effect.fnUntraced(function*(
  store: ChainStore["Service"],
  params: ChainParams,
  seed: number,
  settled: boolean
) {
  const headers = new HeaderChain(Synthetic.genesisParent(params), seed)
  const tip = yield* store.tip
  const exactFrom = settled ? Math.max(1, tip.height - 2 * params.maxReorg) : 1
  while (headers.height < tip.height) {
    const from = headers.height + 1
    const exact = from >= exactFrom
    const hashes = yield* store.hashes(from, Math.min(Limits.storeReadRows, exact ? Infinity : exactFrom - from))
    const treasuries = exact ? yield* store.headers(from, hashes.length) : []
    for (const [i, hash] of hashes.entries()) {
      const header = treasuries[i]
      headers.append(Hash.fromHexUnsafe(hash), header === undefined ? 0 : BlockHeader.treasuryOf(header))
    }
    if (hashes.length === 0) break
  }
  return headers
})
