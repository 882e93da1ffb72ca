/** Transaction ids of many blocks, `Limits.txidsPerTurn` per turn of the event loop: those of a batch of 2,000 blocks take 20 ms. */
import { Effect } from "effect"
import type * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"
import { txidsOf } from "./StoredBlocks.ts"
import { TxidTurns } from "./TxidTurns.ts"

/** The ids of each block, in order. */
export const idsInTurns = (
  hasher: Hasher,
  blocks: ReadonlyArray<StoredBlock>
): Effect.Effect<ReadonlyArray<ReadonlyArray<Hash.Hash>>> =>
  Effect.gen(function*() {
    const all: Array<ReadonlyArray<Hash.Hash>> = []
    const turns = new TxidTurns()
    for (const block of blocks) {
      const ids = txidsOf(hasher, block)
      all.push(ids)
      if (turns.ends(ids.length)) yield* Effect.yieldNow
    }
    return all
  })
