/** Synthetic chains as stored blocks, for the tests of sync. */
import { Effect } from "effect"
import * as ChainParams from "../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../src/domain/chain/Hash.ts"
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

type Made = StoredBlock & { readonly parent: Parent }

/** By leader and the hash that they are on top of: hashing them again for each of hundreds of tests costs more than many a test. */
const made = new Map<string, Array<Made>>()

/**
 * Blocks 1…`count`, or `count` more on top of `on`. Chains of different leaders differ from their first block on. The blocks are shared by
 * all tests of a process: change a copy.
 */
export const make = (
  count: number,
  leader = "10.9.9.9",
  on: ReadonlyArray<StoredBlock & { readonly parent?: Parent }> = []
): Effect.Effect<Array<Made>> =>
  Effect.map(HasherLive.make, (hasher: Hasher) => {
    const first = on.at(-1)?.parent ?? parentOf(devnet)
    const key = `${leader} ${Hash.toHex(first.hash)}`
    const blocks = made.get(key) ?? []
    made.set(key, blocks)
    while (blocks.length < count) {
      const parent = blocks.at(-1)?.parent ?? first
      const next = Synthetic.onTop(
        devnet,
        hasher,
        parent,
        ChainParams.dueAt(devnet, parent.height + 1),
        { leader, address: "TIME0test" }
      )
      blocks.push({ ...toStored(next), parent: HeaderRules.parentOf(next.block.header, next.hash) })
    }
    return blocks.slice(0, count)
  })
