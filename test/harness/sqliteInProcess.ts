/** A `SqlClient` on SQLite in memory, without a thread: every statement runs when it is asked for, so that a test can be synchronous. */
import { Effect, Layer, Semaphore } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlError } from "effect/sql"
import { SqlClient, Statement } from "effect/sql"
import type { Connection } from "effect/sql/SqlConnection"
import type { DatabaseSync, SQLInputValue } from "node:sqlite"
import * as SqliteHandle from "../../src/layers/sql/SqliteHandle.ts"
import * as SqliteThread from "../../src/layers/sql/SqliteThread.ts"

type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

const connectionOf = (database: DatabaseSync): Connection => {
  const run = (sql: string, params: ReadonlyArray<unknown>): Effect.Effect<Rows, SqlError.SqlError> =>
    Effect.try({
      try: () => database.prepare(sql).all(...params as Array<SQLInputValue>),
      catch: (error) => SqliteThread.sqlError(SqliteHandle.faultOf(error), "execute")
    })
  const execute: Connection["execute"] = (sql, params, transform) =>
    transform === undefined ? run(sql, params) : Effect.map(run(sql, params), transform)
  const values = (sql: string, params: ReadonlyArray<unknown>) =>
    Effect.map(run(sql, params), (rows) => rows.map((row) => Object.values(row)))
  return {
    execute,
    executeRaw: run,
    executeValues: values,
    executeValuesUnprepared: values,
    executeUnprepared: execute,
    executeStream: () => {
      throw new Error("not for streams")
    }
  }
}

const make = (database: DatabaseSync) =>
  Effect.gen(function*() {
    const connection = connectionOf(database)
    const { borrower, isTransaction, onCommitFailure, transactionAcquirer } = SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: yield* Semaphore.make(1),
      isTransaction: () => database.isTransaction
    })
    return yield* SqlClient.make({
      acquirer: Effect.succeed(connection),
      borrower,
      transactionAcquirer,
      isTransaction,
      onCommitFailure,
      driver: "node-sqlite",
      compiler: Statement.makeCompilerSqlite(),
      beginTransaction: "BEGIN IMMEDIATE",
      spanAttributes: []
    })
  })

export const layer = (database: DatabaseSync): Layer.Layer<SqlClient.SqlClient> =>
  Layer.effect(SqlClient.SqlClient, make(database)).pipe(Layer.provide(Reactivity.layer))
