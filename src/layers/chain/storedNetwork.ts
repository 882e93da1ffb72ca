/** Whose chain a SQLite file says it holds, without opening it as one. */
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import { networkNames } from "../../domain/Network.ts"
import type { NetworkName } from "../../domain/Network.ts"
import * as SqliteClient from "../sql/SqliteClient.ts"
import * as ChainTables from "./ChainTables.ts"

/** `undefined`: it does not say, or cannot be read. The file must exist: it would be made. */
export const storedNetwork = (filename: string): Effect.Effect<NetworkName | undefined> =>
  Effect.gen(function*() {
    const rows = yield* ChainTables.make(yield* SqlClient.SqlClient).meta
    const name = rows.find(({ key }) => key === "network")?.value
    return networkNames.find((known) => known === name)
  }).pipe(
    Effect.provide(SqliteClient.layer({ filename, tolerant: true })),
    Effect.result,
    Effect.map((result) => Result.isSuccess(result) ? result.success : undefined)
  )
