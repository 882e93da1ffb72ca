/**
 * `ChainStore` on any `SqlClient`: SQLite embedded, or a PostgreSQL server. One process per database; a second one's appends
 * are checked against what is stored, so that they fail rather than mix.
 */
import { Effect, Layer, Semaphore } from "effect"
import type { SqlError } from "effect/sql"
import { SqlClient } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import { ChainStore } from "../../services/ChainStore.ts"
import type { ChainStoreError, StoredBlock, Tip } from "../../services/ChainStore.ts"
import type { SqliteOptions } from "../sql/SqliteClient.ts"
import * as SqliteClient from "../sql/SqliteClient.ts"
import { batchesOf, checkBlocks, checkFirst, isHash } from "./AppendRules.ts"
import * as ChainTables from "./ChainTables.ts"
import * as HashIndex from "./HashIndex.ts"
import type { ChainOptions } from "./OpenDatabase.ts"
import * as Opening from "./OpenDatabase.ts"
import { atBoundary, damaged, fromSql } from "./StoreErrors.ts"

export type { ChainOptions } from "./OpenDatabase.ts"

/** How many of these sizes stay within `maxBytes`; the first always counts. */
const within = (sizes: ReadonlyArray<{ readonly size: number }>, maxBytes: number) => {
  let total = 0
  for (const [i, { size }] of sizes.entries()) {
    total += size
    if (i > 0 && total > maxBytes) return i
  }
  return sizes.length
}

interface State {
  tip: Tip
  /** Rewinds begun, so that a read in several steps knows whether it saw one chain. */
  rewinds: number
  rewinding: boolean
  /** Made when first asked for; appends fill it from then on. */
  index: { readonly hashes: HashIndex.HashIndex; complete: boolean } | undefined
}

const make = Effect.fnUntraced(function*(options: ChainOptions) {
  const sql = yield* SqlClient.SqlClient
  const tables = ChainTables.make(sql)
  const { where } = options
  const boundary = atBoundary(where)
  const writing = yield* Semaphore.make(1)
  const indexing = yield* Semaphore.make(1)

  const state: State = {
    tip: yield* boundary(Opening.open(sql, tables, options)),
    rewinds: 0,
    rewinding: false,
    index: undefined
  }

  // Whoever else writes to a server's database waits for this row, then finds another tip.
  const lock = sql.onDialectOrElse({
    pg: () => Effect.asVoid(sql`SELECT value FROM chain_meta WHERE key = 'network' FOR UPDATE`),
    orElse: () => Effect.void
  })

  const change = (after: number, batches: ReadonlyArray<ReadonlyArray<StoredBlock>>) =>
    Effect.gen(function*() {
      yield* lock
      const [last] = yield* tables.tip
      if (last === undefined) return yield* damaged(where, "the genesis block is missing")
      const stored = { height: last.height, hash: ChainTables.hex(last.hash) }
      const rewinding = after < stored.height
      const at = rewinding ? (yield* tables.hashes(after, after + 1))[0]?.hash : last.hash
      const refused = checkFirst(after, stored, at && ChainTables.hex(at), batches[0]?.[0])
      if (refused !== undefined) return yield* refused
      if (rewinding) { for (const statement of tables.removeFrom(after + 1)) yield* statement }
      for (const batch of batches) {
        for (const statement of tables.insert(batch)) yield* statement
      }
      const block = batches.at(-1)?.at(-1)
      if (block !== undefined) return { height: block.height, hash: block.hash }
      return at === undefined ? stored : { height: after, hash: ChainTables.hex(at) }
    })

  /** One transaction. What is remembered changes with the commit, and not without it. */
  const commit = (after: number, batches: ReadonlyArray<ReadonlyArray<StoredBlock>>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        state.rewinding = after < state.tip.height
        if (state.rewinding) state.rewinds += 1
        return sql.withTransaction(restore(change(after, batches)))
      }).pipe(
        Effect.map((next) => {
          state.tip = next
          if (state.index !== undefined) {
            for (const block of batches.flat()) HashIndex.add(state.index.hashes, block.hash, block.height)
          }
          return next
        }),
        Effect.ensuring(Effect.sync(() => {
          state.rewinding = false
        }))
      )
    )

  const append = (after: number, blocks: ReadonlyArray<StoredBlock>) =>
    writing.withPermit(boundary(Effect.gen(function*() {
      const refused = checkBlocks(after, blocks)
      if (refused !== undefined) return yield* refused
      const batches = batchesOf(blocks)
      if (after !== state.tip.height || batches.length <= 1) return yield* commit(after, batches)
      let next = state.tip
      for (const batch of batches) next = yield* commit(next.height, [batch])
      return next
    })))

  /** `read` in steps of `Limits.storeReadRows`, all of one chain: begun again when a rewind began meanwhile. */
  const inSteps = <A>(
    from: number,
    to: () => number,
    read: (from: number, to: number) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>
  ) =>
    Effect.gen(function*() {
      while (true) {
        if (state.rewinding) yield* writing.withPermit(Effect.void)
        const [rewinds, end] = [state.rewinds, to()]
        const all: Array<A> = []
        for (let at = from; at < end && rewinds === state.rewinds; at += Limits.storeReadRows) {
          for (const a of yield* read(at, Math.min(end, at + Limits.storeReadRows))) all.push(a)
          if (at + Limits.storeReadRows < end) yield* Effect.yieldNow
        }
        if (rewinds === state.rewinds) return all
      }
    })

  const fill = Effect.gen(function*() {
    const made = { hashes: HashIndex.make(), complete: false }
    state.index = made
    yield* inSteps(0, () => state.tip.height + 1, (from, to) =>
      Effect.map(tables.hashes(from, to), (rows) => {
        for (const [i, { hash }] of rows.entries()) {
          const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength)
          HashIndex.addWords(made.hashes, view.getUint32(0), view.getUint32(4), from + i)
        }
        return []
      }))
    made.complete = true
    return made.hashes
  })

  const indexed = indexing.withPermit(
    Effect.suspend(() => state.index?.complete ? Effect.succeed(state.index.hashes) : fill)
  )

  const heightOf = (hash: string) =>
    boundary(Effect.gen(function*() {
      if (!isHash(hash)) return -1
      for (const height of HashIndex.candidates(yield* indexed, hash)) {
        const [row] = yield* tables.hashes(height, height + 1)
        if (row !== undefined && ChainTables.hex(row.hash) === hash) return height
      }
      return -1
    }))

  return ChainStore.of({
    tip: Effect.sync(() => state.tip),
    append,
    blocks: (from, count, maxBytes) =>
      boundary(Effect.gen(function*() {
        const first = Math.max(0, from)
        const end = Math.min(first + Math.min(count, Limits.storeReadRows), state.tip.height + 1)
        if (end <= first) return []
        const fit = within(yield* tables.sizes(first, end), maxBytes)
        const rows = yield* tables.blocks(first, first + fit)
        return rows.map(({ bytes }) => bytes)
      })),
    hashes: (from, count) =>
      boundary(
        inSteps(Math.max(0, from), () =>
          Math.min(Math.max(0, from) + count, state.tip.height + 1), (low, high) =>
          Effect.map(tables.hashes(low, high), (rows) => rows.map(({ hash }) => ChainTables.hex(hash))))
      ),
    heightOf
  })
})

/** On the `SqlClient` in context; `where` names it in errors. */
export const layer = (options: ChainOptions): Layer.Layer<ChainStore, ChainStoreError, SqlClient.SqlClient> =>
  Layer.effect(ChainStore, make(options))

/** On a client of its own, whose failure to open is the store's: `layerOn(PostgresClient.layer(…), …)`. */
export const layerOn = (
  client: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>,
  options: ChainOptions
): Layer.Layer<ChainStore, ChainStoreError> =>
  Layer.provide(
    layer(options),
    client.pipe(Layer.catch((error) => Layer.effect(SqlClient.SqlClient, Effect.fail(fromSql(options.where)(error)))))
  )

/** On a SQLite file, which is made if it does not exist. Closed with the layer's scope. */
export const layerSqlite = (
  options: Omit<ChainOptions, "where"> & SqliteOptions
): Layer.Layer<ChainStore, ChainStoreError> =>
  layerOn(SqliteClient.layer(options), { ...options, where: options.filename })
