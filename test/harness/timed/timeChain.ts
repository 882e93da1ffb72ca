/** Chains of the TIME network's testnet. */
import type * as Block from "../../../src/domain/chain/Block.ts"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as HeaderRules from "../../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import { knownOf, toStored } from "../../../src/layers/chain/StoredBlocks.ts"
import type { StoredBlock } from "../../../src/services/ChainStore.ts"
import { hasher } from "../hasher.ts"
import { blocksOf, payloads } from "../vectors.ts"

const params = ChainParams.testnet

/** `count` more blocks on top of these (blocks 1, 2, …). Chains of different leaders differ from there on. */
export const grow = (
  on: ReadonlyArray<Block.Block>,
  count: number,
  leader = "10.11.0.2"
): ReadonlyArray<Block.Block> => {
  const last = on.at(-1)
  let parent = last === undefined
    ? Synthetic.genesisParent(params)
    : HeaderRules.parentOf(last.header, knownOf(hasher, last).hash)
  const blocks: Array<Block.Block> = []
  for (let i = 0; i < count; i++) {
    const made = Synthetic.onTop(params, hasher, parent, ChainParams.dueAt(params, parent.height + 1), {
      leader,
      address: "TIME0testaddr"
    })
    parent = HeaderRules.parentOf(made.block.header, made.hash)
    blocks.push(made.block)
  }
  return blocks
}

/** As a node's store begins with. */
export const stored = (blocks: ReadonlyArray<Block.Block>): ReadonlyArray<StoredBlock> =>
  blocks.map((block) => toStored(knownOf(hasher, block)))

/** The 120 blocks of the recordings. */
export const recorded120: ReadonlyArray<Block.Block> = payloads("rec-we-sync-120", "BlocksResponse")
  .flatMap((payload) => payload.length === 8 ? [] : blocksOf(payload))
