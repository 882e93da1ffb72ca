/** A chain's SQLite file: where it is, what it is opened with, and which network's chain it holds. */
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import { chainParams } from "../../domain/chain/ChainParams.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames } from "../../domain/Network.ts"
import * as SqliteClient from "../sql/SqliteClient.ts"
import * as ChainTables from "./ChainTables.ts"
import { genesisOf } from "./StoredBlocks.ts"

/** The chain of a node, within its data directory. */
export const fileIn = (dataDir: string): string => `${dataDir}/chain.db`

/** What a store of that network's chain is opened with, beside the file. */
export const storeOptions = (network: NetworkName) => ({ network, genesis: genesisOf(chainParams[network]) })

/**
 * The network the file says its chain belongs to, read without opening the store. `undefined`: it does not say, or cannot
 * be read. The file must exist: opening creates a missing one.
 */
export const networkIn = (filename: string): Effect.Effect<NetworkName | undefined> =>
  Effect.gen(function*() {
    const rows = yield* ChainTables.meta(yield* SqlClient.SqlClient).all
    const name = rows.find(({ key }) => key === "network")?.value
    return networkNames.find((known) => known === name)
  }).pipe(
    Effect.provide(SqliteClient.layer({ filename, tolerant: true })),
    Effect.result,
    Effect.map((result) => Result.isSuccess(result) ? result.success : undefined)
  )

/** What a chain's file holds. */
export interface Head {
  readonly network: NetworkName | undefined
  /** `undefined`: it has no block. */
  readonly tip: { readonly height: number; readonly hash: string } | undefined
}

/** Network and tip of a file that no node uses, read without opening the store; both `undefined` where it cannot be read. */
export const headIn = (filename: string): Effect.Effect<Head> =>
  Effect.gen(function*() {
    const network = yield* networkIn(filename)
    const rows = yield* Effect.flatMap(SqlClient.SqlClient, (sql) => ChainTables.tipOf(sql, "chain")).pipe(
      Effect.provide(SqliteClient.layer({ filename, tolerant: true })),
      Effect.orElseSucceed(() => [])
    )
    return { network, tip: rows.map(({ hash, height }) => ({ height, hash: ChainTables.hex(hash) }))[0] }
  })
