/** Blocks that a simulation makes itself, and the checks on what its nodes store. */
import { Effect } from "effect"
import * as Block from "../domain/chain/Block.ts"
import * as BlockHeader from "../domain/chain/BlockHeader.ts"
import { devnet } from "../domain/chain/ChainParams.ts"
import * as Hash from "../domain/chain/Hash.ts"
import type { Hasher } from "../domain/chain/Hasher.ts"
import * as HeaderRules from "../domain/chain/HeaderRules.ts"
import * as Synthetic from "../domain/chain/Synthetic.ts"
import * as HasherLive from "../layers/chain/HasherLive.ts"
import { toStored } from "../layers/chain/StoredBlocks.ts"
import type { ChainStore, StoredBlock } from "../services/ChainStore.ts"

const read = (store: ChainStore["Service"], height: number): Block.Block | undefined => {
  const [bytes] = Effect.runSync(Effect.orDie(store.blocks(height, 1, Number.MAX_SAFE_INTEGER)))
  const block = bytes === undefined ? undefined : Block.decode(bytes)
  return block === undefined || Block.isMalformed(block) ? undefined : block
}

/**
 * A branch that leaves the chain `depth` blocks below its tip and is one block longer. `undefined` if the chain is too short.
 * `now`: seconds since 1970. The hasher must exist already.
 */
export const branch = (
  store: ChainStore["Service"],
  depth: number,
  leader: string,
  now: number
): { readonly after: number; readonly added: ReadonlyArray<StoredBlock> } | undefined => {
  const { height } = Effect.runSync(Effect.orDie(store.tip))
  const after = height - depth
  if (after < 1) return undefined
  const hasher = Effect.runSync(HasherLive.make)
  const fork = read(store, after)
  if (fork === undefined) return undefined
  let parent = HeaderRules.parentOf(fork.header, BlockHeader.hash(hasher, fork.header))
  const added: Array<StoredBlock> = []
  for (let i = after + 1; i <= height + 1; i++) {
    const timestamp = read(store, i)?.header.timestamp ?? now
    const made = Synthetic.onTop(devnet, hasher, parent, timestamp, { leader, address: "TIME0fork" })
    parent = HeaderRules.parentOf(made.block.header, made.hash)
    added.push(toStored(made))
  }
  return { after, added }
}

/** What nodes may store: linked blocks of the simulation's producers, and no reorg deeper than the rules allow. */
export class ChainJudge {
  private readonly hasher: Hasher
  /** Hashes of blocks made by the rules. */
  private readonly known = new Set<string>()

  constructor(hasher: Hasher) {
    this.hasher = hasher
  }

  made(hashes: ReadonlyArray<string>): void {
    for (const hash of hashes) this.known.add(hash)
  }

  /** What is wrong with a change to the disk of the node at `ip`, whose chain had this height before it. */
  wrong(ip: string, after: number, blocks: ReadonlyArray<StoredBlock>, height: number): string | undefined {
    if (height - after > devnet.maxReorg) return `a reorganisation ${height - after} blocks deep`
    for (const [i, stored] of blocks.entries()) {
      if (stored.height !== after + 1 + i) return `block ${stored.height} after block ${after + i}`
      if (this.known.has(stored.hash)) continue
      const block = Block.decode(stored.bytes)
      if (Block.isMalformed(block)) return `block ${stored.height} is malformed`
      const hash = Hash.toHex(BlockHeader.hash(this.hasher, block.header))
      if (hash !== stored.hash) return `block ${stored.height} has hash ${hash}, not ${stored.hash}`
      // The first node to see a block is its producer.
      if (block.header.leader !== ip) return `block ${stored.height} of ${block.header.leader}, which no producer made`
      this.known.add(hash)
    }
    return undefined
  }
}
