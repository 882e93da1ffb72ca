/** Reads of `ChainStoreSql`: ranges of one chain, and lookups by hash and by transaction id. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import type { ChainStoreError, Span, TransactionPlace } from "../../services/ChainStore.ts"
import { isHash } from "./AppendRules.ts"
import * as ChainTables from "./ChainTables.ts"
import * as HashIndex from "./HashIndex.ts"
import type { LazyIndex, StoreContext } from "./StoreContext.ts"
import { placesOf } from "./StoredBlocks.ts"
import * as StoredRows from "./StoredRows.ts"

/**
 * Runs `read` so that its result comes from one chain. It waits for a rewind under way. If one began meanwhile, the result (or
 * apparent gap) may mix two chains, and is read again.
 */
const ofOneChain = <A, E>(context: StoreContext, read: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    while (true) {
      if (context.rewinding) yield* context.writing.withPermit(Effect.void)
      const { rewinds } = context
      const found = yield* Effect.result(read)
      if (rewinds === context.rewinds) return yield* Effect.fromResult(found)
    }
  })

/** `read` in steps of so many rows, one per turn of the event loop, up to the chain's end when it begins. */
export const inSteps = <A, E>(
  from: number,
  to: () => number,
  read: (from: number, to: number) => Effect.Effect<ReadonlyArray<A>, E>,
  rows: number = Limits.storeTurnRows
) =>
  Effect.gen(function*() {
    const end = to()
    const all: Array<A> = []
    for (let at = from; at < end; at += rows) {
      for (const a of yield* read(at, Math.min(end, at + rows))) all.push(a)
      if (at + rows < end) yield* Effect.yieldNow
    }
    return all
  })

/** First height and end of a range to read at once. */
const range = ({ tip }: StoreContext, from: number, count: number) => {
  const first = Math.max(0, from)
  return [first, Math.min(first + Math.min(count, Limits.storeReadRows), tip.height + 1)] as const
}

export const blocks = (context: StoreContext, from: number, count: number, maxBytes: number) =>
  context.boundary(ofOneChain(
    context,
    Effect.gen(function*() {
      const [first, end] = range(context, from, count)
      if (end <= first) return []
      const to = first + ChainTables.within(yield* context.chain.sizes(first, end), maxBytes)
      return yield* StoredRows.column(
        context.where,
        StoredRows.bytes,
        yield* context.chain.blocks(first, to),
        first,
        to
      )
    })
  ))

export const headers = (context: StoreContext, from: number, count: number) =>
  context.boundary(ofOneChain(
    context,
    Effect.gen(function*() {
      const [first, end] = range(context, from, count)
      if (end <= first) return []
      return yield* StoredRows.headers(context.where, context.chain, first, end)
    })
  ))

const hashesIn = (context: StoreContext, tables: ChainTables.ChainTables, from: number, to: number) =>
  Effect.flatMap(tables.hashes(from, to), (rows) => StoredRows.column(context.where, StoredRows.hash, rows, from, to))

export const hashes = (context: StoreContext, from: number, count: number) => {
  const first = Math.max(0, from)
  return context.boundary(ofOneChain(
    context,
    inSteps(
      first,
      () => Math.min(first + count, context.tip.height + 1),
      (low, high) => Effect.map(hashesIn(context, context.chain, low, high), (found) => found.map(ChainTables.hex))
    )
  ))
}

export const branchHashes = (context: StoreContext, from: number, count: number) =>
  context.boundary(Effect.suspend(() => {
    const { branch } = context
    if (branch === undefined) return Effect.succeed([])
    const first = Math.max(from, branch.fork + 1)
    const end = Math.min(from + Math.max(0, count), branch.tip.height + 1)
    if (end <= first) return Effect.succeed([])
    return Effect.map(hashesIn(context, context.branchTables, first, end), (found) => found.map(ChainTables.hex))
  }))

/** The index, first filled by `fill` if incomplete. */
const filled = <E>(
  index: LazyIndex,
  fill: (entries: HashIndex.HashIndex) => Effect.Effect<unknown, E>
): Effect.Effect<HashIndex.HashIndex, E> =>
  index.filling.withPermit(Effect.suspend(() => {
    if (index.entries !== undefined && index.complete) return Effect.succeed(index.entries)
    const entries = HashIndex.make()
    index.entries = entries
    return Effect.map(fill(entries), () => {
      index.complete = true
      return entries
    })
  }))

const nothing: ReadonlyArray<never> = []

export const heightOf = (context: StoreContext, hash: string) =>
  context.boundary(Effect.gen(function*() {
    if (!isHash(hash)) return -1
    const fill = (entries: HashIndex.HashIndex) =>
      inSteps(0, () =>
        context.tip.height + 1, (from, to) =>
        Effect.map(hashesIn(context, context.chain, from, to), (found) => {
          for (const [i, bytes] of found.entries()) {
            HashIndex.addBytes(entries, bytes, from + i)
          }
          return nothing
        }))
    const entries = yield* filled(context.hashIndex, (entries) =>
      ofOneChain(context, fill(entries)))
    for (const height of HashIndex.candidates(entries, hash)) {
      const [row] = yield* context.chain.hashes(height, height + 1)
      if (row?.hash instanceof Uint8Array && ChainTables.hex(row.hash) === hash) {
        return height
      }
    }
    return -1
  }))

/** Heights at which wanted transactions may be, ascending, each with the candidate ids. */
const candidateHeights = (
  entries: HashIndex.HashIndex,
  wanted: ReadonlySet<string>,
  last: number
): ReadonlyArray<readonly [number, ReadonlySet<string>]> => {
  const heights = new Map<number, Set<string>>()
  for (const txid of wanted) {
    for (const height of isHash(txid) ? HashIndex.candidates(entries, txid) : []) {
      if (height > last) continue
      const there = heights.get(height)
      if (there === undefined) heights.set(height, new Set([txid]))
      else there.add(txid)
    }
  }
  return [...heights].toSorted(([a], [b]) => a - b)
}

type Found = (block: Uint8Array, places: ReadonlyArray<TransactionPlace>) => void

/** Removes what it finds from `wanted`. */
const findIn = (
  { hasher, where }: StoreContext,
  tables: ChainTables.ChainTables,
  heights: ReadonlyArray<readonly [number, ReadonlySet<string>]>,
  wanted: Set<string>,
  found: Found
): Effect.Effect<void, ChainStoreError | SqlError.SqlError> =>
  Effect.gen(function*() {
    for (const [height, there] of heights) {
      const still = new Set([...there].filter((txid) => wanted.has(txid)))
      const [row] = still.size === 0 ? [] : yield* tables.hashes(height, height + 1)
      const [ids] = row === undefined ? [] : yield* StoredRows.txids(where, hasher, tables, height, height + 1)
      const places = ids === undefined ? [] : placesOf(ids, still)
      const [block] = places.length === 0 ? [] : yield* tables.blocks(height, height + 1)
      if (!(block?.bytes instanceof Uint8Array)) continue
      for (const { txid } of places) wanted.delete(txid)
      found(block.bytes, places)
      yield* Effect.yieldNow
    }
  })

/** Adds the transaction ids of a range to the index. */
const addIds = (
  context: StoreContext,
  tables: ChainTables.ChainTables,
  entries: HashIndex.HashIndex,
  from: number,
  to: number
) =>
  Effect.gen(function*() {
    const { hasher, where } = context
    const found = yield* StoredRows.txids(where, hasher, tables, from, to)
    for (const [i, txids] of found.entries()) {
      for (const txid of txids) HashIndex.addBytes(entries, txid, from + i)
    }
    return nothing
  })

export const findTransactions = (context: StoreContext, txids: ReadonlySet<string>, { on, upTo }: Span, found: Found) =>
  context.boundary(Effect.gen(function*() {
    const wanted = new Set(txids)
    const { branch, branchTables, branchTxidIndex, chain } = context
    const fill = (entries: HashIndex.HashIndex) =>
      inSteps(
        0,
        () => context.tip.height + 1,
        (from, to) => addIds(context, chain, entries, from, to),
        Limits.txidBlocksPerTurn
      )
    const entries = yield* filled(context.txidIndex, (entries) => ofOneChain(context, fill(entries)))
    const last = on === "chain" || branch === undefined ? upTo : Math.min(branch.fork, upTo)
    yield* findIn(context, chain, candidateHeights(entries, wanted, last), wanted, found)
    if (wanted.size === 0 || on === "chain" || branch === undefined) return
    const ofBranch = yield* filled(
      branchTxidIndex,
      (entries) =>
        inSteps(
          branch.fork + 1,
          () => branch.tip.height + 1,
          (from, to) => addIds(context, branchTables, entries, from, to),
          Limits.txidBlocksPerTurn
        )
    )
    yield* findIn(context, branchTables, candidateHeights(ofBranch, wanted, upTo), wanted, found)
  }))
