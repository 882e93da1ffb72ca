/**
 * Effect's `SqlClient` on a PostgreSQL server, using `@effect/sql-pg`: an optional dependency, needed only by programs that import this
 * file. Commits are as durable as the server's `synchronous_commit` makes them (on, by default).
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Layer, type Redacted } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"

/** Server location: a `url` (`postgresql://user@host:port/database`), or a unix socket's `host` directory and the rest. */
export interface PostgresOptions {
  readonly url?: Redacted.Redacted | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly database?: string | undefined
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted | undefined
}

/** Connects. **Errors**: `SqlError` if connecting fails; a later connection failure makes the statement fail. */
export const layer = (options: PostgresOptions): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layer({ ...options, applicationName: "timemesh", maxConnections: Limits.storeConnections })

/** "timemesh" as two numbers: the advisory lock of a database's writer. */
const writerLock = [0x74_69_6d_65, 0x6d_65_73_68] as const

const busy = new SqlError.SqlError({
  reason: new SqlError.LockTimeoutError({
    cause: new Error("another timemesh node writes to this database; stop it, or choose another database"),
    operation: "pg_try_advisory_lock"
  })
})

/**
 * A client that is the database's only writer of this kind while its scope is open: another one fails with `SqlError`; readers take no
 * lock. The lock lives on a connection of its own. A server that drops that connection lets another writer in; appends of both
 * are checked against what is stored.
 */
export const writer = (options: PostgresOptions): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const own = yield* sql.reserve
      const [row] = yield* own.execute("SELECT pg_try_advisory_lock($1, $2) AS taken", writerLock, undefined)
      if (row?.taken !== true) return yield* busy
      return sql
    })
  ).pipe(Layer.provide(layer(options)))
