/** A chain's SQLite file: its location, its options, and the network whose chain it holds. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { chainParams } from "../../domain/chain/ChainParams.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames } from "../../domain/Network.ts"
import * as SqliteClient from "../sql/SqliteClient.ts"
import * as ChainTables from "./ChainTables.ts"
import { genesisOf } from "./StoredBlocks.ts"

/** A node's chain file, within its data directory. */
export const fileIn = (dataDir: string): string => `${dataDir}/chain.db`

/** Options for opening a store of that network's chain, besides the file. */
export const storeOptions = (network: NetworkName) => ({ network, genesis: genesisOf(chainParams[network]) })

const networkOf = (sql: SqlClient.SqlClient) =>
  Effect.map(ChainTables.meta(sql).all, (rows) => {
    const name = rows.find(({ key }) => key === "network")?.value
    return networkNames.find((known) => known === name)
  })

/** Asks the file without opening the store. The file must exist: opening would create a missing one. */
const ask = <A, E>(filename: string, question: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) =>
  Effect.flatMap(SqlClient.SqlClient, question).pipe(Effect.provide(SqliteClient.layer({ filename, tolerant: true })))

/** The network that the file names; `undefined` if it names none or cannot be read. The file must exist. */
export const networkIn = (filename: string): Effect.Effect<NetworkName | undefined> =>
  Effect.orElseSucceed(ask(filename, networkOf), () => undefined)

/** Network and tip that a chain file records. */
export interface Head {
  readonly network: NetworkName | undefined
  /** `undefined`: the file has no block. */
  readonly tip: { readonly height: number; readonly hash: string } | undefined
}

const nothing: Head = { network: undefined, tip: undefined }

/** Network and tip of a file that no node uses. Each is `undefined` if it cannot be read. */
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
