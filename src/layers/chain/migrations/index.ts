/** Every migration of the chain's tables, by number. They are never edited once released; new ones are added. */
import { Migrator } from "effect/sql"
import { chain } from "./0001_chain.ts"
import { indexAndBranch } from "./0002_index_and_branch.ts"
import { largeBlocksAlone } from "./0003_large_blocks_alone.ts"

/** Migrator's own table. With it or `chain_meta` a database is ours. */
export const table = "chain_migrations"

/** Number of the newest migration: what `chain_meta` must say. */
export const schema = "3"

export const run = Migrator.make({})({
  table,
  loader: Migrator.fromRecord({
    "0001_chain": chain,
    "0002_index_and_branch": indexAndBranch,
    "0003_large_blocks_alone": largeBlocksAlone
  })
})
