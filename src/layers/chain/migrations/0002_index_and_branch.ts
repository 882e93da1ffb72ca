/** Adds an index of headers and transactions, a branch beside the chain, and whether history is settled. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The index gives headers and transaction ids without reading blocks, which may be megabytes each. It is a table of its own:
 * every start reads the hashes alone, and a column behind a block's bytes costs reading them. Ids are stored by
 * height, not indexed by id: ids are random, and keeping an index on disk would cost many times the rest (`HashIndex.ts`).
 *
 * Blocks already stored get their entries when the database is opened (`OpenDatabase.ts`), since that needs decoding. An existing
 * chain counts as settled, as it did at a restart.
 */
export const indexAndBranch = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const bytes = sql.onDialectOrElse({ pg: () => sql.literal("BYTEA"), orElse: () => sql.literal("BLOB") })
  const table = (name: string, columns: ReadonlyArray<string>) => {
    const list = sql.csv(columns.map((column) => sql`${sql(column)} ${bytes} NOT NULL`))
    return sql`CREATE TABLE ${sql(name)} (height INTEGER PRIMARY KEY, ${list})`
  }
  yield* table("chain_index", ["header", "txids"])
  yield* table("branch_header", ["hash"])
  yield* table("branch_block", ["previous", "bytes"])
  yield* table("branch_index", ["header", "txids"])
  yield* sql.onDialectOrElse({
    pg: () => Effect.asVoid(sql`ALTER TABLE branch_block ALTER COLUMN bytes SET STORAGE EXTERNAL`),
    orElse: () => Effect.void
  })
  yield* sql`UPDATE chain_meta SET value = '2' WHERE key = 'schema' AND value = '1'`
  yield* sql`INSERT INTO chain_meta (key, value) SELECT 'settled', 'yes' WHERE EXISTS (SELECT 1 FROM chain_header WHERE height > 0)`
})
