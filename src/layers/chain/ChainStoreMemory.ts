/** `ChainStore` in memory, for tests and simulations. Its content is lost when the layer closes. */
import { Effect, Layer } from "effect"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { Hash } from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Limits from "../../domain/Limits.ts"
import { ChainStore } from "../../services/ChainStore.ts"
import type { Branch, ChainStoreError, Span, StoredBlock, Tip, TransactionPlace } from "../../services/ChainStore.ts"
import * as AppendRules from "./AppendRules.ts"
import * as HasherLive from "./HasherLive.ts"
import { placesOf, txidsOf } from "./StoredBlocks.ts"

interface Memory {
  readonly hasher: Hasher
  /** Transaction ids of blocks already searched. */
  readonly txids: WeakMap<StoredBlock, ReadonlyArray<Hash>>
  readonly genesis: StoredBlock
  readonly chain: Array<StoredBlock>
  readonly heights: Map<string, number>
  branch: { readonly fork: number; readonly blocks: Array<StoredBlock> } | undefined
  settled: boolean
}

const tipOf = ({ chain, genesis }: Memory): Tip => {
  const { hash, height } = chain.at(-1) ?? genesis
  return { height, hash }
}

const branchOf = ({ branch }: Memory): Branch | undefined => {
  const last = branch?.blocks.at(-1)
  if (branch === undefined || last === undefined) return undefined
  const bytes = AppendRules.branchBytes(branch.blocks)
  return { fork: branch.fork, tip: { height: last.height, hash: last.hash }, bytes }
}

const range = <A>(all: ReadonlyArray<A>, from: number, count: number) => {
  const first = Math.max(0, from)
  return all.slice(first, first + Math.max(0, count))
}

const replaceAbove = (memory: Memory, after: number, blocks: ReadonlyArray<StoredBlock>): Tip => {
  for (const { hash } of memory.chain.splice(after + 1)) memory.heights.delete(hash)
  for (const block of blocks) {
    memory.chain.push(block)
    memory.heights.set(block.hash, block.height)
  }
  if (memory.branch !== undefined && memory.branch.fork > after) memory.branch = undefined
  if (memory.chain.length === 1) memory.settled = false
  return tipOf(memory)
}

const append = (memory: Memory, after: number, blocks: ReadonlyArray<StoredBlock>) =>
  Effect.suspend((): Effect.Effect<Tip, ChainStoreError> => {
    const refused = AppendRules.checkBlocks(after, blocks) ??
      AppendRules.checkFirst(after, tipOf(memory), memory.chain[after]?.hash, blocks[0])
    return refused === undefined ? Effect.succeed(replaceAbove(memory, after, blocks)) : Effect.fail(refused)
  })

const stage = (memory: Memory, after: number, blocks: ReadonlyArray<StoredBlock>) =>
  Effect.suspend((): Effect.Effect<Branch, ChainStoreError> => {
    const { branch, chain } = memory
    const refused = AppendRules.checkBlocks(after, blocks)
    if (refused !== undefined) return Effect.fail(refused)
    const place = AppendRules.stagePlace(after, blocks[0], {
      chain: chain[after]?.hash,
      branch: branch === undefined
        ? undefined
        : after === branch.fork
        ? chain[after]?.hash
        : branch.blocks[after - branch.fork - 1]?.hash
    })
    if (typeof place === "object") return Effect.fail(place)
    const begun = place === "branch" && branch !== undefined
      ? { fork: branch.fork, blocks: branch.blocks.slice(0, after - branch.fork) }
      : { fork: after, blocks: [] }
    const next = [...begun.blocks, ...blocks]
    const tooLarge = AppendRules.checkBranch(AppendRules.branchBytes(next))
    if (tooLarge !== undefined) return Effect.fail(tooLarge)
    memory.branch = { fork: begun.fork, blocks: next }
    const staged = branchOf(memory)
    return staged === undefined ? Effect.die("nothing was staged") : Effect.succeed(staged)
  })

const adopt = (memory: Memory) =>
  Effect.suspend((): Effect.Effect<Tip, ChainStoreError> => {
    const { branch } = memory
    const refused = AppendRules.checkAdoption(tipOf(memory), branchOf(memory)?.tip)
    if (refused !== undefined || branch === undefined) return Effect.fail(refused ?? AppendRules.noBranch)
    memory.branch = undefined
    return Effect.succeed(replaceAbove(memory, branch.fork, branch.blocks))
  })

const blocksIn = ({ branch, chain }: Memory, { on, upTo }: Span): ReadonlyArray<StoredBlock> =>
  (on === "chain" || branch === undefined ? chain : [...chain.slice(0, branch.fork + 1), ...branch.blocks])
    .slice(0, upTo + 1)

const findTransactions = (
  memory: Memory,
  txids: ReadonlySet<string>,
  within: Span,
  found: (block: Uint8Array, places: ReadonlyArray<TransactionPlace>) => void
): void => {
  const wanted = new Set(txids)
  for (const block of blocksIn(memory, within)) {
    const ids = memory.txids.get(block) ?? txidsOf(memory.hasher, block)
    memory.txids.set(block, ids)
    const places = placesOf(ids, wanted)
    for (const { txid } of places) wanted.delete(txid)
    if (places.length > 0) found(block.bytes, places)
  }
}

const make = (genesis: StoredBlock, hasher: Hasher) => {
  const memory: Memory = {
    hasher,
    txids: new WeakMap(),
    genesis,
    chain: [genesis],
    heights: new Map([[genesis.hash, genesis.height]]),
    branch: undefined,
    settled: false
  }
  return ChainStore.of({
    tip: Effect.sync(() => tipOf(memory)),
    append: (after, blocks) => append(memory, after, blocks),
    blocks: (from, count, maxBytes) =>
      Effect.sync(() => {
        const found: Array<Uint8Array> = []
        let total = 0
        for (const { bytes } of range(memory.chain, from, count)) {
          total += bytes.length
          if (found.length > 0 && total > maxBytes) break
          found.push(bytes)
        }
        return found
      }),
    hashes: (from, count) => Effect.sync(() => range(memory.chain, from, count).map(({ hash }) => hash)),
    headers: (from, count) =>
      Effect.sync(() =>
        range(memory.chain, from, Math.min(count, Limits.storeReadRows)).map(({ bytes }) =>
          BlockHeader.encodedOf(bytes) ?? bytes
        )
      ),
    heightOf: (hash) => Effect.sync(() => memory.heights.get(hash) ?? -1),
    findTransactions: (txids, within, found) => Effect.sync(() => findTransactions(memory, txids, within, found)),
    branch: Effect.sync(() => branchOf(memory)),
    stage: (after, blocks) => stage(memory, after, blocks),
    branchHashes: (from, count) =>
      Effect.sync(() => {
        const { blocks = [], fork = 0 } = memory.branch ?? {}
        return range(blocks, from - fork - 1, count).map(({ hash }) => hash)
      }),
    adopt: adopt(memory),
    unstage: Effect.sync(() => {
      memory.branch = undefined
    }),
    settled: Effect.sync(() => memory.settled),
    settle: Effect.sync(() => {
      memory.settled = true
    })
  })
}

/** `genesis` is the block at height 0. */
export const layer = ({ genesis }: { readonly genesis: StoredBlock }): Layer.Layer<ChainStore> =>
  Layer.effect(ChainStore, Effect.map(HasherLive.make, (hasher) => make(genesis, hasher)))
