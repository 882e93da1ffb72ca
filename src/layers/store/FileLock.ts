/**
 * A lock between processes: an exclusive SQLite transaction on a file, never committed. The operating system releases it when the
 * process ends, however it ends.
 *
 * Only a write lock counts. On a read-only file, SQLite silently takes a shared lock, and two processes
 * would both start; so the lock counts only once a write in that transaction has succeeded.
 */
import { Data, Effect, Option, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import * as fs from "node:fs/promises"
import * as nodePath from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Limits from "../../domain/Limits.ts"
import * as Problem from "../../domain/Problem.ts"
import * as PlainFile from "./PlainFiles.ts"
import { systemFix, systemReason } from "./systemError.ts"

/** The lock was not taken. `busy`: another process holds it. `detail`: a predicate to follow the file's name. */
export class FileLockError extends Data.TaggedError("FileLockError")<{
  readonly file: string
  readonly busy: boolean
  readonly detail: string
  readonly fix?: string | undefined
}> {
  get what() {
    return `${this.file} ${this.detail}`
  }
  override get message() {
    return Problem.text(this)
  }
}

/** SQLite's primary result codes: another process has the lock; the file is read-only. */
const busy = 5
const readOnly = 8

const codeOf = (error: unknown): number =>
  typeof error === "object" && error !== null && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : 0

/** `owner uid 0, mode 0644; this process has uid 1000`. */
export const ownership = (path: string): Effect.Effect<string> =>
  Effect.promise(() =>
    fs.stat(path).then(({ mode, uid }) =>
      `owner uid ${uid}, mode ${(mode & 0o7777).toString(8).padStart(4, "0")}; this process has uid ${
        process.getuid?.() ?? "unknown"
      }`
    ).catch(systemReason)
  )

const open = (file: string) => {
  // Absolute, because SQLite takes a name that begins with `file:` for a URI.
  const database = new DatabaseSync(nodePath.resolve(file), { timeout: Limits.lockBusyMs })
  try {
    // The journal is in memory: a write proves the lock without needing disk space.
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    database.exec("PRAGMA user_version = 1")
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** SQLite's error. */
class Refused extends Data.TaggedError("Refused")<{
  readonly code: number
  readonly what: string
  readonly fix?: string | undefined
}> {}

const refused = (error: unknown) =>
  new Refused({ code: codeOf(error), what: systemReason(error), fix: systemFix(error) })

const failure = (file: string, { code, fix, what }: Refused) =>
  Effect.gen(function*() {
    const detail = code === busy
      ? "is locked by another process"
      : code === readOnly
      ? `can only be read (${yield* ownership(file)}), so it cannot be locked`
      : `cannot be locked: ${what}`
    return yield* new FileLockError({ file, busy: code === busy, detail, fix })
  })

/** What this process holds, including locks on files deleted since, which no longer protect anything. */
interface Held {
  readonly databases: Array<DatabaseSync>
  /** Inode of the locked file; `undefined`: there is no file, or it is another process's. */
  file: number | undefined
}

const numberOf = (file: string): Effect.Effect<number | undefined> =>
  Effect.promise(() => fs.stat(file).then(({ ino }) => ino, () => undefined))

/** A lock on a deleted file protects nothing: locks the file again, before another process can. */
const look = (file: string, held: Held) =>
  Effect.gen(function*() {
    const now = yield* numberOf(file)
    if (now !== undefined && now === held.file) return
    yield* Effect.mapError(PlainFile.plain(file), ({ detail, fix }) => new Refused({ code: 0, what: detail, fix }))
    yield* Effect.try({
      try: () => held.databases.push(open(file)),
      catch: refused
    })
    held.file = yield* numberOf(file)
    yield* Effect.logWarning(
      `${file} was deleted while it was in use, and is locked anew: leave the files of a running node alone`
    )
  }).pipe(Effect.catch((error) => {
    const isNew = held.file !== undefined
    held.file = undefined
    return isNew
      ? Effect.logError(
        `${file} was deleted while it was in use, and ${
          error.code === busy
            ? "another process has locked the directory since: stop one of them"
            : `cannot be locked anew: ${Problem.text(error)}`
        }`
      )
      : Effect.void
  }))

/** Holds the lock until the scope closes. Creates the file and leaves it in place; creates it again if it is deleted meanwhile. */
export const take = (file: string): Effect.Effect<void, FileLockError, Scope.Scope> =>
  PlainFile.plain(file).pipe(
    Effect.mapError(({ detail, fix }) => new FileLockError({ file, busy: false, detail, fix })),
    Effect.andThen(Effect.acquireRelease(
      Effect.try({
        try: () => open(file),
        catch: refused
      }).pipe(
        Effect.catch((error) => failure(file, error)),
        Effect.map((database): Held => ({ databases: [database], file: undefined }))
      ),
      ({ databases }) => Effect.sync(() => databases.forEach((database) => database.close()))
    )),
    Effect.tap((held) => Effect.map(numberOf(file), (number) => void (held.file = number))),
    Effect.flatMap((held) =>
      Stream.fromSchedule(Schedule.spaced(Limits.lockLookMs)).pipe(
        Stream.runForEach(() => look(file, held)),
        Effect.forkScoped
      )
    ),
    Effect.asVoid
  )

/**
 * Whether a process holds the lock, without taking it. `None`: this user cannot tell, or there is no lock file. The check
 * takes a shared lock for a moment; `take` waits for it.
 */
export const isHeld = (file: string): Effect.Effect<Option.Option<boolean>> =>
  Effect.map(Effect.option(PlainFile.plain(file)), (stats) => {
    if (Option.isNone(Option.flatten(stats))) return Option.none()
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(nodePath.resolve(file), { readOnly: true, timeout: 0 })
      database.prepare("SELECT count(*) FROM sqlite_master").get()
      return Option.some(false)
    } catch (error) {
      return codeOf(error) === busy ? Option.some(true) : Option.none()
    } finally {
      database?.close()
    }
  })
