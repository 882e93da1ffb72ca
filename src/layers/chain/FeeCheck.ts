/**
 * Checks the fee rule for otherwise valid blocks before they are stored: finds the outputs that their transactions spend
 * in earlier blocks, and asks `Fees`. Blocks of two transactions, which most are, cost nothing.
 */
import { Effect } from "effect"
import * as Block from "../../domain/chain/Block.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Fees from "../../domain/chain/Fees.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { OutPoint } from "../../domain/chain/Transaction.ts"
import type * as U64 from "../../domain/chain/U64.ts"
import type { ChainStore, ChainStoreError, Span, StoredBlock, TransactionPlace } from "../../services/ChainStore.ts"
import { plainTransactions, txidsOf } from "./StoredBlocks.ts"
import { TxidTurns } from "./TxidTurns.ts"

/** `ChainStore.findTransactions`, limited to the blocks before those being checked. */
export type Find<E> = (
  txids: ReadonlySet<string>,
  found: (block: Uint8Array, places: ReadonlyArray<TransactionPlace>) => void
) => Effect.Effect<void, E>

export interface WrongFees {
  /** Index of the block among those given. */
  readonly index: number
  readonly fault: Fees.FeeFault
}

/** Output values by transaction id, in output order. */
type Values = Map<string, ReadonlyArray<U64.U64>>

const addValues = (values: Values, bytes: Uint8Array, places: ReadonlyArray<TransactionPlace>): void => {
  const block = Block.decode(bytes)
  if (Block.isMalformed(block)) return
  for (const { index, txid } of places) {
    values.set(txid, block.transactions[index]?.outputs.map(({ value }) => value) ?? [])
  }
}

/** The transactions of blocks checked in the same batch, before the current one. */
class Earlier {
  readonly #hasher: Hasher
  readonly #places = new Map<string, TransactionPlace & { readonly block: StoredBlock }>()

  constructor(hasher: Hasher) {
    this.#hasher = hasher
  }

  /** Adds the transactions of the next block; returns their number. Of equal ids the first counts. */
  add(block: StoredBlock): number {
    const txids = txidsOf(this.#hasher, block)
    for (const [index, bytes] of txids.entries()) {
      const txid = Hash.toHex(bytes)
      if (!this.#places.has(txid)) this.#places.set(txid, { txid, index, block })
    }
    return txids.length
  }

  /** Adds the values that it has, and returns the ids that it lacks. */
  take(txids: ReadonlySet<string>, values: Values): ReadonlySet<string> {
    const blocks = new Map<StoredBlock, Array<TransactionPlace>>()
    const missing = new Set<string>()
    for (const txid of txids) {
      const place = this.#places.get(txid)
      if (place === undefined) missing.add(txid)
      else blocks.set(place.block, [...(blocks.get(place.block) ?? []), place])
    }
    for (const [{ bytes }, places] of blocks) addValues(values, bytes, places)
    return missing
  }
}

const checkOne = <E>(
  params: ChainParams,
  find: Find<E>,
  earlier: Earlier,
  bytes: Uint8Array
): Effect.Effect<Fees.FeeFault | undefined, E> =>
  Effect.gen(function*() {
    const block = Block.decode(bytes)
    if (Block.isMalformed(block)) return undefined
    const values: Values = new Map()
    const missing = earlier.take(new Set(Fees.spentBy(block).map(({ txid }) => Hash.toHex(txid))), values)
    if (missing.size > 0) yield* find(missing, (found, places) => addValues(values, found, places))
    const valueOf = ({ txid, vout }: OutPoint) => values.get(Hash.toHex(txid))?.[vout]
    return Fees.check(params, block, valueOf)
  })

const isPlain = ({ txids }: StoredBlock): boolean => txids === undefined || txids.length <= plainTransactions

/** The first of the consecutive blocks that breaks the fee rule. The rest of the process runs after every `Limits.txidsPerTurn` transactions. */
export const firstWrong = <E>(
  params: ChainParams,
  hasher: Hasher,
  find: Find<E>,
  blocks: ReadonlyArray<StoredBlock>
): Effect.Effect<WrongFees | undefined, E> =>
  Effect.gen(function*() {
    const earlier = new Earlier(hasher)
    const last = blocks.findLastIndex((block) => !isPlain(block))
    const turns = new TxidTurns()
    for (const [index, block] of blocks.slice(0, last + 1).entries()) {
      const fault = isPlain(block) ? undefined : yield* checkOne(params, find, earlier, block.bytes)
      if (fault !== undefined) return { index, fault }
      if (turns.ends(earlier.add(block))) yield* Effect.yieldNow
    }
    return undefined
  })

/** Searches a store's blocks below those being checked. */
export const findIn =
  (store: Pick<ChainStore["Service"], "findTransactions">, within: Span): Find<ChainStoreError> => (txids, found) =>
    store.findTransactions(txids, within, found)
