/** The index holds large blocks alone, header and ids in one column. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The index gives headers and ids of transactions (one after the other: a header says its length) of large blocks, which may be
 * megabytes each, without reading them. An entry for every block, as schema 2 had, cost a tenth of sync.
 *
 * What the index holds can be computed again, so its tables are made anew: the chain's is filled when the database is opened
 * (`OpenDatabase.ts`), and a branch beside the chain is dropped, since peers have it.
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
