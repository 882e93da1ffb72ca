/** Reads of `ChainStoreSql`: ranges of one chain, and look-ups by hash and by transaction id. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import type { Span, TransactionPlace } from "../../services/ChainStore.ts"
import { isHash } from "./AppendRules.ts"
import * as ChainTables from "./ChainTables.ts"
import * as HashIndex from "./HashIndex.ts"
import type { LazyIndex, StoreContext } from "./StoreContext.ts"
import { placesOf } from "./StoredBlocks.ts"

/** `read` in steps of `Limits.storeReadRows`, all of one chain: begun again when a rewind began meanwhile. */
const inSteps = <A>(
  context: StoreContext,
  from: number,
  to: () => number,
  read: (from: number, to: number) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>
) =>
  Effect.gen(function*() {
    while (true) {
      if (context.rewinding) yield* context.writing.withPermit(Effect.void)
      const [rewinds, end] = [context.rewinds, to()]
      const all: Array<A> = []
      for (let at = from; at < end && rewinds === context.rewinds; at += Limits.storeReadRows) {
        for (const a of yield* read(at, Math.min(end, at + Limits.storeReadRows))) all.push(a)
        if (at + Limits.storeReadRows < end) yield* Effect.yieldNow
      }
      if (rewinds === context.rewinds) return all
    }
  })

/** First height and end of a range that is read at once. */
const range = ({ tip }: StoreContext, from: number, count: number) => {
  const first = Math.max(0, from)
  return [first, Math.min(first + Math.min(count, Limits.storeReadRows), tip.height + 1)] as const
}

export const blocks = (context: StoreContext, from: number, count: number, maxBytes: number) =>
  context.boundary(Effect.gen(function*() {
    const [first, end] = range(context, from, count)
    if (end <= first) return []
    const fit = ChainTables.within(yield* context.chain.sizes(first, end), maxBytes)
    const rows = yield* context.chain.blocks(first, first + fit)
    return rows.map(({ bytes }) => bytes)
  }))

export const headers = (context: StoreContext, from: number, count: number) =>
  context.boundary(Effect.gen(function*() {
    const [first, end] = range(context, from, count)
    return end <= first ? [] : (yield* context.chain.headers(first, end)).map(({ header }) => header)
  }))

export const hashes = (context: StoreContext, from: number, count: number) => {
  const first = Math.max(0, from)
  return context.boundary(
    inSteps(
      context,
      first,
      () => Math.min(first + count, context.tip.height + 1),
      (low, high) =>
        Effect.map(context.chain.hashes(low, high), (rows) => rows.map(({ hash }) => ChainTables.hex(hash)))
    )
  )
}

export const branchHashes = (context: StoreContext, from: number, count: number) =>
  context.boundary(
    Effect.map(
      context.branchTables.hashes(from, from + Math.max(0, count)),
      (rows) => rows.map(({ hash }) => ChainTables.hex(hash))
    )
  )

/** The index, filled by `fill` when that was not done yet. */
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

/** 32-byte hashes end to end, all at that height. */
const addAll = (entries: HashIndex.HashIndex, bytes: Uint8Array, height: number) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 32 <= bytes.length; at += 32) {
    HashIndex.addWords(entries, view.getUint32(at), view.getUint32(at + 4), height)
  }
}

const nothing: ReadonlyArray<never> = []

export const heightOf = (context: StoreContext, hash: string) =>
  context.boundary(Effect.gen(function*() {
    if (!isHash(hash)) return -1
    const entries = yield* filled(context.hashIndex, (entries) =>
      inSteps(context, 0, () =>
        context.tip.height + 1, (from, to) =>
        Effect.map(context.chain.hashes(from, to), (rows) => {
          for (const [i, row] of rows.entries()) {
            addAll(entries, row.hash, from + i)
          }
          return nothing
        })))
    for (const height of HashIndex.candidates(entries, hash)) {
      const [row] = yield* context.chain.hashes(height, height + 1)
      if (row !== undefined && ChainTables.hex(row.hash) === hash) {
        return height
      }
    }
    return -1
  }))

/** Heights at which wanted transactions may be, ascending, each with their ids. */
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

/** Takes what it finds out of `wanted`. */
const findIn = (
  tables: ChainTables.ChainTables,
  heights: ReadonlyArray<readonly [number, ReadonlySet<string>]>,
  wanted: Set<string>,
  found: Found
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function*() {
    for (const [height, there] of heights) {
      const still = new Set([...there].filter((txid) => wanted.has(txid)))
      const [ids] = still.size === 0 ? [] : yield* tables.txids(height, height + 1)
      const places = ids === undefined ? [] : placesOf(ids.txids, still)
      const [block] = places.length === 0 ? [] : yield* tables.blocks(height, height + 1)
      if (block === undefined) continue
      for (const { txid } of places) wanted.delete(txid)
      found(block.bytes, places)
      yield* Effect.yieldNow
    }
  })

const addIds =
  (entries: HashIndex.HashIndex) => (rows: ReadonlyArray<{ readonly height: number; readonly txids: Uint8Array }>) => {
    for (const { height, txids } of rows) addAll(entries, txids, height)
    return nothing
  }

export const findTransactions = (context: StoreContext, txids: ReadonlySet<string>, { on, upTo }: Span, found: Found) =>
  context.boundary(Effect.gen(function*() {
    const wanted = new Set(txids)
    const { branch, branchTxidIndex: index } = context
    const entries = yield* filled(context.txidIndex, (entries) =>
      inSteps(
        context,
        0,
        () => context.tip.height + 1,
        (from, to) => Effect.map(context.chain.txids(from, to), addIds(entries))
      ))
    const last = on === "chain" || branch === undefined ? upTo : Math.min(branch.fork, upTo)
    yield* findIn(context.chain, candidateHeights(entries, wanted, last), wanted, found)
    if (wanted.size === 0 || on === "chain" || branch === undefined) return
    const ofBranch = yield* filled(
      index,
      (entries) => Effect.map(context.branchTables.txids(branch.fork + 1, branch.tip.height + 1), addIds(entries))
    )
    yield* findIn(context.branchTables, candidateHeights(ofBranch, wanted, upTo), wanted, found)
  }))
