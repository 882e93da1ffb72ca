/**
 * The data directory of a running node: created on demand, locked against a second node, and the place where commands find
 * the admin API.
 *
 * The lock is an exclusive SQLite transaction on `lock.db` that is never committed: the operating system drops it with the
 * process, however that ends. `lock.json` names the holder for the error text and means nothing by itself. `node.json` is
 * there while the node runs.
 */
import { Data, Effect, FileSystem, Option, Schema } from "effect"
import { DatabaseSync } from "node:sqlite"
import * as AtomicFile from "./atomicFile.ts"

/** The directory cannot be used. `detail` names it and says what to do. */
export class DataDirError extends Data.TaggedError("DataDirError")<{
  readonly directory: string
  readonly detail: string
}> {
  override get message() {
    return `data directory ${this.directory}: ${this.detail}`
  }
}

/** Where a running node is to be asked. */
export const NodeFile = Schema.Struct({
  pid: Schema.Int,
  network: Schema.String,
  listen: Schema.String,
  /** `IP:PORT` of the admin API; `null` when it is off. */
  admin: Schema.NullOr(Schema.String),
  software: Schema.String,
  /** Wall time, ms. */
  startedAt: Schema.Finite
})
export type NodeFile = typeof NodeFile.Type

const Holder = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int }))
const NodeFileJson = Schema.fromJsonString(NodeFile)

const nodeFile = (directory: string) => `${directory}/node.json`
const holderFile = (directory: string) => `${directory}/lock.json`

const holderOf = (directory: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(holderFile(directory))
    return (yield* Schema.decodeEffect(Holder)(text)).pid
  }).pipe(Effect.option)

/** The lock file could not be locked; SQLite's code 5 is "somebody else has it". */
class LockError extends Data.TaggedError("LockError")<{ readonly busy: boolean; readonly detail: string }> {}

const lockError = (error: unknown): LockError =>
  new LockError({
    busy: typeof error === "object" && error !== null && "errcode" in error && error.errcode === 5,
    detail: error instanceof Error ? error.message : String(error)
  })

const openLock = (directory: string) => {
  const database = new DatabaseSync(`${directory}/lock.db`, { timeout: 0 })
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Creates the directory if need be and holds its lock until the scope closes. */
export const lock = (directory: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 }).pipe(
      Effect.mapError((error) =>
        new DataDirError({
          directory,
          detail: `cannot be created (${error.reason._tag}); choose another with --data-dir DIR`
        })
      )
    )
    yield* Effect.acquireRelease(
      Effect.try({ try: () => openLock(directory), catch: lockError }).pipe(
        Effect.catch((error) =>
          Effect.flatMap(holderOf(directory), (pid) =>
            new DataDirError({
              directory,
              detail: error.busy
                ? `in use by another timemesh node (process ${
                  Option.getOrElse(pid, () => "unknown")
                }); stop that one, or give this one its own with --data-dir DIR`
                : `cannot be locked (${error.detail}); make it writable for this user, or choose another with --data-dir DIR`
            }))
        )
      ),
      (database) => Effect.sync(() => database.close())
    )
    // For the error text of others only: a full disk must not keep an operator from looking at what is there.
    yield* AtomicFile.write(holderFile(directory), JSON.stringify({ pid: process.pid })).pipe(
      Effect.catch(() => Effect.ignore(fs.remove(holderFile(directory), { force: true })))
    )
  })

/** Tells commands where the node is, until the scope closes. */
export const announce = (directory: string, content: Omit<NodeFile, "pid">) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    yield* Effect.acquireRelease(
      AtomicFile.write(nodeFile(directory), `${JSON.stringify({ pid: process.pid, ...content }, undefined, 2)}\n`).pipe(
        Effect.mapError((error) => new DataDirError({ directory, detail: `cannot be written (${error.reason._tag})` }))
      ),
      () => Effect.ignore(fs.remove(nodeFile(directory), { force: true }))
    )
  })

/** What the directory says of its node. `None` when none is running there, or none that stopped cleanly. */
export const read = (directory: string): Effect.Effect<Option.Option<NodeFile>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(nodeFile(directory))
    return yield* Schema.decodeEffect(NodeFileJson)(text)
  }).pipe(Effect.option)
