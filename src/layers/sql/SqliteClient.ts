/**
 * Effect's `SqlClient` on a SQLite file: write-ahead log, every commit synced to disk.
 *
 * **Routing**: a statement that begins with SELECT, outside a transaction, runs at once on the main thread on a read-only
 * connection. It sees the last commit and never waits for a write. Everything else, including all of a transaction, runs on the
 * database's own thread, one at a time. **Errors**: `SqlError` whose reason's `cause` is a `SqliteFailure` with SQLite's
 * extended result code; `SqlFailure.ts` says what it means for a store. **Streams** are read whole before the first row: page
 * large results by key.
 */
import { Effect, Layer, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlError } from "effect/sql"
import { SqlClient, Statement } from "effect/sql"
import type { Connection } from "effect/sql/SqlConnection"
import type { Row } from "./SqliteHandle.ts"
import * as SqliteHandle from "./SqliteHandle.ts"
import type { SqliteOptions } from "./SqliteOptions.ts"
import * as SqliteThread from "./SqliteThread.ts"

type Run = (sql: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError>

const connectionOf = (run: Run): Connection => {
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
    executeStream: (sql, params, transform) => Stream.fromArrayEffect(execute(sql, params, transform))
  }
}

const isRead = (sql: string) => /^\s*select\b/i.test(sql)

const make = Effect.fnUntraced(function*(options: SqliteOptions) {
  const access = yield* SqliteThread.Access
  const thread = yield* access.write(options)
  const reader = yield* access.read(options)
  const read: Run = (sql, params) =>
    Effect.try({
      try: () => reader.run(sql, params),
      catch: (error) => SqliteThread.sqlError(SqliteHandle.faultOf(error), "execute")
    })

  const { borrower, isTransaction, onCommitFailure, transactionAcquirer } = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connectionOf(thread.run)),
    semaphore: yield* Semaphore.make(1),
    isTransaction: thread.inTransaction
  })
  const outside = connectionOf((sql, params) =>
    isRead(sql) ? read(sql, params) : borrower(() => thread.run(sql, params))
  )

  return yield* SqlClient.make({
    acquirer: Effect.succeed(outside),
    borrower: (use) => use(outside),
    transactionAcquirer,
    isTransaction,
    onCommitFailure,
    driver: "node-sqlite",
    compiler: Statement.makeCompilerSqlite(),
    beginTransaction: "BEGIN IMMEDIATE",
    prepareTransactionControls: true,
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})

/** Opens the file, or creates it. **Errors**: `SqlError` if it cannot be opened or is not a database. */
export const layer = (options: SqliteOptions): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))
