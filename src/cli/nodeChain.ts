/** Where a node's chain is stored: in its data directory, or in a PostgreSQL database that other programs may read. */
import { Effect, Layer } from "effect"
import * as ChainDatabase from "../layers/chain/ChainDatabase.ts"
import * as ChainStoreSql from "../layers/chain/ChainStoreSql.ts"
import { unavailable } from "../layers/chain/StoreErrors.ts"
import type { DaemonConfig } from "../layers/config/DaemonConfig.ts"
import type { ChainStore, ChainStoreError } from "../services/ChainStore.ts"

/** Loaded on demand: most nodes use no server, and its client is as large as half of the rest. */
const client = (where: string) =>
  Effect.tryPromise({
    try: () => import("../layers/sql/PostgresClient.ts"),
    catch: (error) =>
      unavailable(where, error, {
        what: "PostgreSQL's client is not installed",
        fix: "run: npm install @effect/sql-pg"
      })
  })

/** The node is the database's only writer; fails if there is another. */
export const layer = (
  { chainDatabase, dataDir, node }: Pick<DaemonConfig, "chainDatabase" | "dataDir" | "node">
): Layer.Layer<ChainStore, ChainStoreError> => {
  const options = ChainDatabase.storeOptions(node.network.name)
  if (chainDatabase === undefined) {
    return ChainStoreSql.layerSqlite({ filename: ChainDatabase.fileIn(dataDir), ...options })
  }
  const { name: where, url } = chainDatabase
  return Layer.unwrap(
    Effect.map(client(where), ({ writer }) => ChainStoreSql.layerOn(writer({ url }), { ...options, where }))
  )
}
