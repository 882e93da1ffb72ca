/**
 * `ChainStore` on any `SqlClient`: embedded SQLite, or a PostgreSQL server. **Concurrency**: one process per database. Appends of a
 * second process are checked against what is stored, so they fail rather than mix.
 */
import { Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import { SqlClient } from "effect/sql"
import { ChainStore } from "../../services/ChainStore.ts"
import type { ChainStoreError } from "../../services/ChainStore.ts"
import * as SqliteClient from "../sql/SqliteClient.ts"
import type { SqliteOptions } from "../sql/SqliteOptions.ts"
import type { ChainOptions } from "./OpenDatabase.ts"
import * as StoreContext from "./StoreContext.ts"
import { fromSql } from "./StoreErrors.ts"
import * as StoreReads from "./StoreReads.ts"
import * as StoreWrites from "./StoreWrites.ts"

export type { ChainOptions } from "./OpenDatabase.ts"

const make = (options: ChainOptions) =>
  Effect.map(StoreContext.make(options), (context) =>
    ChainStore.of({
      tip: Effect.sync(() => context.tip),
      append: (after, blocks) => StoreWrites.append(context, after, blocks),
      blocks: (from, count, maxBytes) => StoreReads.blocks(context, from, count, maxBytes),
      hashes: (from, count) => StoreReads.hashes(context, from, count),
      headers: (from, count) => StoreReads.headers(context, from, count),
      heightOf: (hash) => StoreReads.heightOf(context, hash),
      findTransactions: (txids, within, found) => StoreReads.findTransactions(context, txids, within, found),
      branch: Effect.sync(() => context.branch),
      stage: (after, blocks) => StoreWrites.stage(context, after, blocks),
      branchHashes: (from, count) => StoreReads.branchHashes(context, from, count),
      adopt: StoreWrites.adopt(context),
      unstage: StoreWrites.unstage(context),
      settled: Effect.sync(() => context.settled),
      settle: StoreWrites.settle(context)
    }))

/** On the `SqlClient` in context; errors name it as `where`. */
export const layer = (options: ChainOptions): Layer.Layer<ChainStore, ChainStoreError, SqlClient.SqlClient> =>
  Layer.effect(ChainStore, make(options))

/** On a client of its own; failure to open it is reported as a store error: `layerOn(PostgresClient.layer(…), …)`. */
export const layerOn = (
  client: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>,
  options: ChainOptions
): Layer.Layer<ChainStore, ChainStoreError> =>
  Layer.provide(
    layer(options),
    client.pipe(Layer.catch((error) => Layer.effect(SqlClient.SqlClient, Effect.fail(fromSql(options.where)(error)))))
  )

/** On a SQLite file, which is created if missing. Closed with the layer's scope. */
export const layerSqlite = (
  options: Omit<ChainOptions, "where"> & SqliteOptions
): Layer.Layer<ChainStore, ChainStoreError> =>
  layerOn(SqliteClient.layer(options), { ...options, where: options.filename })
