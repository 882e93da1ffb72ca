/** Keeps only large blocks in the index, with header and ids in one column. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The index gives headers and transaction ids of large blocks, which may be megabytes each, without reading them. One column holds
 * both, since a header states its length. An entry for every block, as in schema 2, cost a tenth of sync.
 *
 * The index can be recomputed, so its tables are recreated. The chain's is filled when the database is opened
 * (`OpenDatabase.ts`); a branch beside the chain is dropped, since peers have it.
 */
export const largeBlocksAlone = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const bytes = sql.onDialectOrElse({ pg: () => sql.literal("BYTEA"), orElse: () => sql.literal("BLOB") })
  for (const name of ["chain_index", "branch_index"]) {
    yield* sql`DROP TABLE ${sql(name)}`
    yield* sql`CREATE TABLE ${sql(name)} (height INTEGER PRIMARY KEY, entry ${bytes} NOT NULL)`
  }
  yield* sql`DELETE FROM branch_header`
  yield* sql`DELETE FROM branch_block`
  yield* sql`DELETE FROM chain_meta WHERE key = 'indexed'`
  yield* sql`UPDATE chain_meta SET value = '3' WHERE key = 'schema' AND value = '2'`
})
