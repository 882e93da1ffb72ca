/** The chain's tables. Heights are the keys, so both tables grow at the end and a row costs the same at any size. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Hashes are stored apart from the blocks, so that reading all of them reads a tenth of the bytes. Each block row also has the
 * hash of its parent, so the two tables check each other. Hashes have no index: they are random, and
 * keeping one on disk would cost many times the rest (`HashIndex.ts`).
 */
export const chain = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE chain_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)`
  yield* sql.onDialectOrElse({
    pg: () => sql`CREATE TABLE chain_header (height INTEGER PRIMARY KEY, hash BYTEA NOT NULL)`,
    orElse: () => sql`CREATE TABLE chain_header (height INTEGER PRIMARY KEY, hash BLOB NOT NULL)`
  })
  yield* sql.onDialectOrElse({
    // Blocks do not compress: EXTERNAL spares the server the attempt.
    pg: () =>
      Effect.andThen(
        sql`CREATE TABLE chain_block (height INTEGER PRIMARY KEY, previous BYTEA NOT NULL, bytes BYTEA NOT NULL)`,
        sql`ALTER TABLE chain_block ALTER COLUMN bytes SET STORAGE EXTERNAL`
      ),
    orElse: () =>
      sql`CREATE TABLE chain_block (height INTEGER PRIMARY KEY, previous BLOB NOT NULL, bytes BLOB NOT NULL)`
  })
})
