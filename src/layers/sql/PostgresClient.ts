/**
 * Effect's `SqlClient` on a PostgreSQL server, by `@effect/sql-pg`: an optional dependency that only a program that imports this file
 * needs. Commits are as durable as the server's `synchronous_commit` makes them (on, by default).
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { Layer, Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"

/** Where the server is: a `url` (`postgresql://user@host:port/database`), or a unix socket's `host` directory and the rest. */
export interface PostgresOptions {
  readonly url?: Redacted.Redacted | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly database?: string | undefined
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted | undefined
}

/** Connects; fails with `SqlError` when that fails. Later failures of connections are failures of statements. */
export const layer = (options: PostgresOptions): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layer({ ...options, applicationName: "timemesh", maxConnections: Limits.storeConnections })
