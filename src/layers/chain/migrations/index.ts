/** Every migration of the chain's tables, by number. A released migration is never edited; new ones are added. */
import { Migrator } from "effect/sql"
import { chain } from "./0001_chain.ts"
import { indexAndBranch } from "./0002_index_and_branch.ts"
import { largeBlocksAlone } from "./0003_large_blocks_alone.ts"

/** Migrator's own table. A database that has it, or `chain_meta`, is ours. */
export const table = "chain_migrations"

/** Number of the newest migration, which `chain_meta` must state. */
export const schema = "3"

export const run = Migrator.make({})({
  table,
  loader: Migrator.fromRecord({
    "0001_chain": chain,
    "0002_index_and_branch": indexAndBranch,
    "0003_large_blocks_alone": largeBlocksAlone
  })
})
