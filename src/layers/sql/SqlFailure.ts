/** What an `SqlError` means for a store, beyond its class: each database reports it only in its own codes. */
import { Predicate } from "effect"
import type { SqlError } from "effect/sql"

/** `full`: no space; the change did not happen. `damaged`: the stored data contradict themselves. `read-only`: cannot be written. */
export type SqlFailure = "full" | "damaged" | "read-only" | "other"

/** SQLite result codes, https://sqlite.org/rescode.html: primary ones in the low byte. */
const sqliteFull = new Set([13])
const sqliteDamaged = new Set([11, 26])
const sqliteReadOnly = 8
/** Extended codes. The shared-memory file could not grow: the disk is full here too. A file shorter than it must be. */
const sqliteShmSize = 4_874
const sqliteShortRead = 522

/** Migrations create all tables before other statements run: a missing table was lost. */
const sqliteError = 1
const missing = /^no such (table|column)/

/** PostgreSQL SQLSTATEs: disk_full; data_corrupted, index_corrupted, undefined_table, undefined_column. */
const postgresFull = new Set(["53100"])
/** read_only_sql_transaction: a standby server. */
const postgresReadOnly = "25006"
const postgresDamaged = new Set(["XX001", "XX002", "42P01", "42703"])

export const sqlFailure = (error: SqlError.SqlError): SqlFailure => {
  const cause = error.reason.cause
  if (Predicate.hasProperty(cause, "errno") && typeof cause.errno === "number") {
    const primary = cause.errno & 0xff
    if (sqliteFull.has(primary) || cause.errno === sqliteShmSize) return "full"
    if (sqliteDamaged.has(primary) || cause.errno === sqliteShortRead) return "damaged"
    if (primary === sqliteReadOnly) return "read-only"
    return primary === sqliteError && missing.test(sqlFailureText(error)) ? "damaged" : "other"
  }
  if (Predicate.hasProperty(cause, "code") && typeof cause.code === "string") {
    if (postgresFull.has(cause.code)) return "full"
    if (postgresDamaged.has(cause.code)) return "damaged"
    if (cause.code === postgresReadOnly) return "read-only"
  }
  return "other"
}

/** The database's own message. */
export const sqlFailureText = (error: SqlError.SqlError): string => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "message") && typeof cause.message === "string" && cause.message !== ""
    ? cause.message
    : error.message
}
