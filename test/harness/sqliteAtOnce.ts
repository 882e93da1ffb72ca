/**
 * SQLite files without the database's own thread: each statement runs when it is asked for. A thread starts a Node environment of its own,
 * which costs more than most tests do with it; what only a thread shows (its messages, what runs beside it) is tested with one.
 */
import { Effect } from "effect"
import * as SqliteHandle from "../../src/layers/sql/SqliteHandle.ts"
import type { SqliteOptions } from "../../src/layers/sql/SqliteOptions.ts"
import * as SqliteThread from "../../src/layers/sql/SqliteThread.ts"

const opened = (options: SqliteOptions, mode: "read" | "write") =>
  Effect.acquireRelease(
    Effect.try({
      try: () => SqliteHandle.open(options, mode),
      catch: (error) => SqliteThread.sqlError(SqliteHandle.faultOf(error), "connect")
    }),
    (handle) => Effect.sync(handle.close)
  )

const access: SqliteThread.SqliteAccess = {
  write: (options) =>
    Effect.map(opened(options, "write"), (handle) => ({
      run: (sql, params) =>
        Effect.try({
          try: () => handle.run(sql, params),
          catch: (error) => SqliteThread.sqlError(SqliteHandle.faultOf(error), "execute")
        }),
      inTransaction: handle.inTransaction
    })),
  read: (options) => opened(options, "read")
}

/** Databases that the effect opens have no thread. */
export const sqliteAtOnce = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, SqliteThread.Access, access)
