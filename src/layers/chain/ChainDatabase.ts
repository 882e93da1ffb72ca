/** A chain's SQLite file: where it is, what it is opened with, and which network's chain it holds. */
import { Effect } from "effect"
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

const networkOf = (sql: SqlClient.SqlClient) =>
  Effect.map(ChainTables.meta(sql).all, (rows) => {
    const name = rows.find(({ key }) => key === "network")?.value
    return networkNames.find((known) => known === name)
  })

/** What `question` finds in the file, which must exist: opening creates a missing one. The store is not opened. */
const ask = <A, E>(filename: string, question: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) =>
  Effect.flatMap(SqlClient.SqlClient, question).pipe(Effect.provide(SqliteClient.layer({ filename, tolerant: true })))

/** The network the file says its chain belongs to. `undefined`: it does not say, or cannot be read. The file must exist. */
export const networkIn = (filename: string): Effect.Effect<NetworkName | undefined> =>
  Effect.orElseSucceed(ask(filename, networkOf), () => undefined)

/** What a chain's file holds. */
export interface Head {
  readonly network: NetworkName | undefined
  /** `undefined`: it has no block. */
  readonly tip: { readonly height: number; readonly hash: string } | undefined
}

const nothing: Head = { network: undefined, tip: undefined }

/** Network and tip of a file that no node uses; each `undefined` where it cannot be read. */
export const headIn = (filename: string): Effect.Effect<Head> =>
  Effect.orElseSucceed(
    ask(filename, (sql) =>
      Effect.gen(function*() {
        const network = yield* Effect.orElseSucceed(networkOf(sql), () => undefined)
        const [tip] = yield* Effect.orElseSucceed(ChainTables.tipOf(sql, "chain"), () => [])
        return {
          network,
          tip: tip === undefined ? undefined : { height: tip.height, hash: ChainTables.hex(tip.hash) }
        }
      })),
    () => nothing
  )
