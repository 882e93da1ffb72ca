/**
 * One SQLite connection of `node:sqlite`, as plain synchronous functions: the same on the main thread (reading) and on the
 * database's own thread (writing).
 */
import { accessSync, closeSync, constants, fsyncSync, lstatSync, openSync, renameSync, rmSync, statSync } from "node:fs"
import type { Stats } from "node:fs"
import { dirname, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { SQLInputValue, StatementSync } from "node:sqlite"
import * as Limits from "../../domain/Limits.ts"
import * as Problem from "../../domain/Problem.ts"
import { systemCode, systemProblem, systemReason } from "../store/systemError.ts"
import type { SqliteOptions } from "./SqliteOptions.ts"

/** An error of SQLite or of the file system below it. Plain data: it crosses the thread boundary. */
export interface SqliteFault {
  readonly message: string
  /** SQLite's extended result code; 0 when there is none. */
  readonly errno: number
}

export type Row = Readonly<Record<string, unknown>>

/** SQLite's result code for "the database disk image is malformed". */
const corrupt = 11
/** "file is not a database". */
const notADatabase = 26
/** "unable to open database file". */
const cannotOpen = 14
/** "database or disk is full": of the disk that is written to. */
export const full = 13
/** "attempt to write a readonly database". */
const readOnly = 8

/** SQLite's code for a file system error. */
const errnoOf = (code: string): number =>
  code === "ENOSPC" || code === "EDQUOT" ? full : code === "EROFS" ? readOnly : cannotOpen

export const faultOf = (error: unknown): SqliteFault => {
  if (typeof error === "object" && error !== null && "errcode" in error && typeof error.errcode === "number") {
    return { message: error instanceof Error ? error.message : String(error), errno: error.errcode }
  }
  const code = systemCode(error)
  return { message: Problem.text(systemProblem(error)), errno: code === undefined ? 0 : errnoOf(code) }
}

const fault = (errcode: number, message: string) => Object.assign(new Error(message), { errcode })

const syncPath = (path: string) => {
  const fd = openSync(path, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Creates an empty database under another name and moves it into place, so that a file of that name is never partly written. An
 * empty file, or one that lost its header, is therefore damaged and not mistaken for a new one.
 */
const create = (filename: string) => {
  const aside = `${filename}.new`
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${aside}${suffix}`, { force: true })
  const database = new DatabaseSync(aside)
  try {
    database.exec(`PRAGMA page_size = ${Limits.storePageBytes}; PRAGMA journal_mode = WAL`)
  } finally {
    database.close()
  }
  syncPath(aside)
  renameSync(aside, filename)
  syncPath(dirname(filename))
}

/** SQLite refuses a truncated file entirely, except to commands that may repair it. */
const tolerate = (database: DatabaseSync, tolerant: boolean) => {
  if (tolerant) database.exec("PRAGMA writable_schema = ON")
  return database
}

/**
 * `undefined`: there is no such file. Other users may be able to write to the directory: SQLite would follow a link to a file
 * that is not ours, or to a database that another node has locked under another name.
 */
const plainStats = (file: string): Stats | undefined => {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (stats !== undefined && !stats.isFile()) {
    const kind = stats.isSymbolicLink() ? "a symbolic link" : stats.isDirectory() ? "a directory" : "a special file"
    throw fault(cannotOpen, `${file} is ${kind}, not a regular file; move it away`)
  }
  return stats
}

/** SQLite silently opens an unwritable file for reading only. */
const requireAccess = (file: string) => {
  try {
    accessSync(file, constants.R_OK | constants.W_OK)
  } catch (error) {
    throw fault(readOnly, systemReason(error))
  }
}

/** Proves write access by a write that is rolled back. `BEGIN IMMEDIATE` alone does not: SQLite allows it on a read-only file too. */
const requireWriteLock = (database: DatabaseSync) => {
  const version = Number(Object.values(database.prepare("PRAGMA user_version").get() ?? {})[0] ?? 0)
  database.exec("BEGIN IMMEDIATE")
  try {
    database.exec(`PRAGMA user_version = ${version}`)
  } finally {
    database.exec("ROLLBACK")
  }
}

const openWriter = ({ busyMs = Limits.storeBusyMs, filename, maxPages, tolerant = false }: SqliteOptions) => {
  const found = plainStats(filename)
  const log = plainStats(`${filename}-wal`)
  plainStats(`${filename}-shm`)
  if (found === undefined) {
    if (log !== undefined) throw fault(corrupt, `${filename} is missing, but its ${filename}-wal is there`)
    create(filename)
  } else if (found.size === 0) {
    throw fault(notADatabase, "the file is empty")
  }
  requireAccess(filename)
  const database = new DatabaseSync(filename, { timeout: busyMs, defensive: !tolerant })
  try {
    tolerate(database, tolerant)
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${Limits.storeLogBytes}`
    )
    if (!tolerant) requireWriteLock(database)
    if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${Math.floor(maxPages)}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

const openReader = ({ busyMs = Limits.storeReadBusyMs, filename, tolerant = false }: SqliteOptions) =>
  tolerate(
    new DatabaseSync(filename, {
      readOnly: true,
      timeout: Math.min(busyMs, Limits.storeReadBusyMs),
      defensive: !tolerant
    }),
    tolerant
  )

/**
 * Fails once the database, or its log, is no longer the file that was opened. A process keeps writing to a file that was deleted or replaced under
 * it, and all of that is lost at the next start.
 */
const requireSameFiles = (filename: string): () => void => {
  const inodeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.ino
  const opened = new Map([filename, `${filename}-wal`].map((file) => [file, inodeOf(file)]))
  return () => {
    for (const [file, inode] of opened) {
      const now = inodeOf(file)
      if (inode === undefined) opened.set(file, now)
      else if (now !== inode) {
        const what = now === undefined ? "was deleted" : "was replaced"
        throw fault(
          cannotOpen,
          `${file} ${what} while in use, and nothing more is stored; put it back, or restart the node`
        )
      }
    }
  }
}

/** A connection. `run` and the other functions throw SQLite's errors, which `faultOf` reads. */
export interface SqliteHandle {
  readonly run: (sql: string, params: ReadonlyArray<unknown>) => ReadonlyArray<Row>
  readonly inTransaction: () => boolean
  readonly close: () => void
}

/** Opens for writing (creating the file if needed), or opens a second connection for reading only. */
export const open = (given: SqliteOptions, mode: "write" | "read"): SqliteHandle => {
  // Absolute, because SQLite takes a name that begins with `file:` for a URI.
  const options = { ...given, filename: resolve(given.filename) }
  const database = mode === "write"
    ? openWriter(options)
    : openReader(options)
  const requireFiles = mode === "write" ? requireSameFiles(options.filename) : () => {}
  const prepared = new Map<string, { readonly statement: StatementSync; readonly reads: boolean }>()

  const prepare = (sql: string) => {
    const kept = prepared.get(sql)
    if (kept !== undefined) return kept
    const statement = database.prepare(sql)
    const made = { statement, reads: statement.columns().length > 0 }
    const oldest = prepared.size >= Limits.storeStatements ? prepared.keys().next() : undefined
    if (oldest?.done === false) prepared.delete(oldest.value)
    prepared.set(sql, made)
    return made
  }

  return {
    run: (sql, params) => {
      // A full disk ends the transaction by itself; its ROLLBACK may already be on the way here.
      if (sql === "ROLLBACK" && !database.isTransaction) return []
      if (!database.isTransaction) requireFiles()
      const { reads, statement } = prepare(sql)
      const input = params as Array<SQLInputValue>
      if (reads) return statement.all(...input)
      statement.run(...input)
      return []
    },
    inTransaction: () => database.isTransaction,
    close: () => database.close()
  }
}
