/** Synthetic chains as stored blocks, for the tests of sync. */
import { Effect } from "effect"
import * as ChainParams from "../../src/domain/chain/ChainParams.ts"
import type { Hasher } from "../../src/domain/chain/Hasher.ts"
import type { Parent } from "../../src/domain/chain/HeaderRules.ts"
import * as HeaderRules from "../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../src/domain/chain/Synthetic.ts"
import * as HasherLive from "../../src/layers/chain/HasherLive.ts"
import { genesisOf, toStored } from "../../src/layers/chain/StoredBlocks.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"

export const devnet = ChainParams.devnet

/** ms since 1970: when a test with a chain begins, so that devnet's blocks up to height 20,000,000 are due. */
export const startOfTime = (devnet.genesisTime + 20_000_000) * 1_000

/** Height 0 as stores keep it. */
export const genesis = genesisOf

const parentOf = (params: ChainParams.ChainParams): Parent => Synthetic.genesisParent(params)

/** Blocks 1…`count`, or `count` more on top of `on`. Chains of different leaders differ from their first block on. */
export const make = (
  count: number,
  leader = "10.9.9.9",
  on: ReadonlyArray<StoredBlock & { readonly parent?: Parent }> = []
): Effect.Effect<Array<StoredBlock & { readonly parent: Parent }>> =>
  Effect.map(HasherLive.make, (hasher: Hasher) => {
    const blocks: Array<StoredBlock & { readonly parent: Parent }> = []
    let parent = on.at(-1)?.parent ?? parentOf(devnet)
    for (let i = 0; i < count; i++) {
      const made = Synthetic.onTop(
        devnet,
        hasher,
        parent,
        ChainParams.dueAt(devnet, parent.height + 1),
        { leader, address: "TIME0test" }
      )
      parent = HeaderRules.parentOf(made.block.header, made.hash)
      blocks.push({ ...toStored(made), parent })
    }
    return blocks
  })
