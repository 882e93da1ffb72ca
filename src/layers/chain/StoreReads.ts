/** Reads of `ChainStoreSql`: ranges of one chain, and look-ups by hash and by transaction id. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import type { FoundTransaction, Side } from "../../services/ChainStore.ts"
import { isHash } from "./AppendRules.ts"
import * as ChainTables from "./ChainTables.ts"
import * as HashIndex from "./HashIndex.ts"
import type { LazyIndex, StoreContext } from "./StoreContext.ts"
import { placeOf } from "./StoredBlocks.ts"

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

const findIn = (
  tables: ChainTables.ChainTables,
  heights: ReadonlyArray<number>,
  txid: string
): Effect.Effect<FoundTransaction | undefined, SqlError.SqlError> =>
  Effect.gen(function*() {
    for (const height of heights) {
      const [ids] = yield* tables.txids(height, height + 1)
      const index = ids === undefined ? -1 : placeOf(ids.txids, txid)
      const [block] = index < 0 ? [] : yield* tables.blocks(height, height + 1)
      if (block !== undefined) return { block: block.bytes, index }
    }
    return undefined
  })

const addIds =
  (entries: HashIndex.HashIndex) => (rows: ReadonlyArray<{ readonly height: number; readonly txids: Uint8Array }>) => {
    for (const { height, txids } of rows) addAll(entries, txids, height)
    return nothing
  }

export const transaction = (context: StoreContext, txid: string, on: Side) =>
  context.boundary(Effect.gen(function*() {
    if (!isHash(txid)) return undefined
    const { branch, branchTxidIndex: index } = context
    const entries = yield* filled(context.txidIndex, (entries) =>
      inSteps(
        context,
        0,
        () => context.tip.height + 1,
        (from, to) => Effect.map(context.chain.txids(from, to), addIds(entries))
      ))
    const last = on === "chain" || branch === undefined ? Infinity : branch.fork
    const heights = HashIndex.candidates(entries, txid).filter((height) => height <= last).toSorted((a, b) => a - b)
    const found = yield* findIn(context.chain, heights, txid)
    if (found !== undefined || on === "chain" || branch === undefined) return found
    const ofBranch = yield* filled(
      index,
      (entries) => Effect.map(context.branchTables.txids(branch.fork + 1, branch.tip.height + 1), addIds(entries))
    )
    return yield* findIn(context.branchTables, HashIndex.candidates(ofBranch, txid).toSorted((a, b) => a - b), txid)
  }))
