/**
 * A node's data directory: created on demand, locked against a second process, and the place where commands find the admin API.
 *
 * `lock.db` is the lock (`FileLock`). `lock.json` only names its holder for error texts. `node.json` exists
 * while the node runs; a killed node leaves it behind, so only the lock proves that it is current.
 *
 * No file of the directory may be a link: two directories could then share one database under two locks.
 */
import { Data, Effect, Option, Schema } from "effect"
import type { Scope } from "effect"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as nodePath from "node:path"
import * as Problem from "../../domain/Problem.ts"
import * as FileLock from "./FileLock.ts"
import { checkCanMake, makeDirectory } from "./makeDirectory.ts"
import type { FileError } from "./PlainFiles.ts"
import * as PlainFile from "./PlainFiles.ts"
import { PlainFiles } from "./PlainFiles.ts"
import { systemCode, systemReason } from "./systemError.ts"

/** The directory cannot be used. */
export class DataDirError extends Data.TaggedError("DataDirError")<{
  readonly directory: string
  /** A predicate of the directory. */
  readonly detail: string
  readonly fix?: string | undefined
  /** Another process uses it and may end: a later try may succeed. */
  readonly isBusy?: boolean
}> {
  get what() {
    return `data directory ${this.directory}: ${this.detail}`
  }
  override get message() {
    return Problem.text(this)
  }
}

/** Where a running node answers. */
export const NodeFile = Schema.Struct({
  pid: Schema.Int,
  network: Schema.String,
  listen: Schema.String,
  /** `IP:PORT` of the admin API; absent when it is off. (Earlier versions wrote null.) */
  admin: Schema.optional(Schema.NullOr(Schema.String)),
  /** The file with the admin API's token, if it is not the directory's own. */
  adminTokenFile: Schema.optional(Schema.String),
  software: Schema.String,
  /** Wall time, ms. */
  startedAt: Schema.Finite
})
export type NodeFile = typeof NodeFile.Type

const Holder = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int }))
const NodeFileJson = Schema.fromJsonString(NodeFile)

const nodeFile = (directory: string) => `${directory}/node.json`
const holderFile = (directory: string) => `${directory}/lock.json`
const lockFile = (directory: string) => `${directory}/lock.db`

/** Whether the name is one of a node's files, or of the files kept beside them: commands must not write to such a name. */
export const isNodeFile = (name: string): boolean =>
  /^(?:lock\.db|lock\.json|node\.json|peers\.json|peers\.db|pins\.json|certificate\.pem|chain\.db|masternode\.key|admin\.token)(?:[-.].*)?$/
    .test(name)

/** Files that a node opens by name. `lock.json` is left out: a fault there only costs a number in an error text. */
const opened = [
  "lock.db",
  "node.json",
  "peers.json",
  "peers.db",
  "peers.db.new",
  "pins.json",
  "certificate.pem",
  "admin.token",
  "chain.db",
  "chain.db.new"
].flatMap((name) =>
  /\.(?:json|pem|token)$/.test(name) ? [name] : [name, `${name}-journal`, `${name}-wal`, `${name}-shm`]
)

/** Leaves a file that cannot be removed: nothing depends on its absence. */
const remove = (file: string): Effect.Effect<void> => Effect.promise(() => fs.rm(file, { force: true }).catch(() => {}))

const elsewhere = "choose another with --data-dir DIR"

/** A file of the directory cannot be used. */
export const inside = (directory: string, { detail, file, fix }: FileError): DataDirError =>
  new DataDirError({ directory, detail: `${nodePath.basename(file)} ${detail}`, fix })

/** Whether this user may not even learn whether it exists. */
const isHidden = (directory: string): Promise<boolean> =>
  fs.stat(directory).then(() => false, (error: unknown) => systemCode(error) === "EACCES")

/** The process that wrote `lock.json`; `None`: no readable file. It holds the lock only if `isHeld` says that a process does. */
export const holderOf = (directory: string) =>
  Effect.gen(function*() {
    const text = yield* (yield* PlainFiles).read(holderFile(directory))
    const holder = yield* Effect.fromOption(text).pipe(Effect.flatMap(Schema.decodeEffect(Holder)))
    return holder.pid
  }).pipe(Effect.option)

/** Why the lock was not taken, and the fix. */
const lockError = (directory: string, { busy, detail, fix }: FileLock.FileLockError) =>
  Effect.flatMap(busy ? holderOf(directory) : Effect.succeedNone, (pid) =>
    new DataDirError({
      directory,
      isBusy: busy,
      ...(busy
        ? {
          detail: `in use by another timemesh process (${Option.getOrElse(pid, () => "unknown")})`,
          fix: `stop it, or ${elsewhere}`
        }
        : { detail: `lock.db ${detail}`, fix: `${fix ?? "run as its owner"}, or ${elsewhere}` })
    }))

/** The system's code for an error, and its words. */
interface Refusal {
  readonly code: string | undefined
  readonly why: string
}

const refusalOf = (error: unknown): Refusal => ({ code: systemCode(error), why: systemReason(error) })

/** Why it can be neither found nor made. */
const unusable = (directory: string, { code, why }: Refusal) =>
  Effect.flatMap(Effect.promise(() => isHidden(directory)), (hidden) =>
    new DataDirError({
      directory,
      detail: code === "EEXIST"
        ? "is not a directory"
        : `cannot be ${hidden ? "used" : "created"}: ${why}`,
      fix: code !== "EEXIST" && hidden ? `run as its owner, or ${elsewhere}` : elsewhere
    }))

/** Creates the directory if needed, accessible to its owner only. */
export const create = (directory: string) =>
  Effect.tryPromise({ try: () => makeDirectory(directory, 0o700), catch: refusalOf }).pipe(
    Effect.catch((error) => unusable(directory, error))
  )

/** Refuses a directory that we cannot write to, or that every user can write to. */
const checkAccess = (directory: string) =>
  Effect.gen(function*() {
    yield* Effect.tryPromise({
      try: () => fs.access(directory, constants.R_OK | constants.W_OK | constants.X_OK),
      catch: systemReason
    }).pipe(
      Effect.catch((reason) =>
        Effect.flatMap(FileLock.ownership(directory), (owner) =>
          new DataDirError({
            directory,
            detail: `cannot be written: ${reason} (${owner})`,
            fix: `run as its owner, or ${elsewhere}`
          }))
      )
    )
    const { mode } = yield* Effect.promise(() => fs.stat(directory))
    if ((mode & 0o002) !== 0) {
      return yield* new DataDirError({
        directory,
        detail: `every user may write to it (mode ${(mode & 0o7777).toString(8)}) and could replace the chain`,
        fix: `run: chmod o-w ${directory}`
      })
    }
  })

const checkFiles = (directory: string) =>
  Effect.forEach(opened, (name) => PlainFile.plain(`${directory}/${name}`), { discard: true }).pipe(
    Effect.mapError((error) => inside(directory, error))
  )

/** Whether a node could use the directory, or make it if it is missing. Fails as `lock` would; changes nothing. */
export const check = (directory: string): Effect.Effect<void, DataDirError> =>
  Effect.gen(function*() {
    const stats = yield* Effect.tryPromise({ try: () => fs.stat(directory), catch: refusalOf }).pipe(
      Effect.catch((error) => error.code === "ENOENT" ? Effect.succeed(undefined) : unusable(directory, error))
    )
    if (stats === undefined) {
      return yield* Effect.tryPromise({ try: () => checkCanMake(directory), catch: refusalOf }).pipe(
        Effect.catch((error) => unusable(directory, error))
      )
    }
    if (!stats.isDirectory()) {
      return yield* new DataDirError({ directory, detail: "is not a directory", fix: elsewhere })
    }
    yield* checkAccess(directory)
    yield* checkFiles(directory)
  })

/** Creates the directory if needed and holds its lock until the scope closes. */
export const lock = (directory: string): Effect.Effect<void, DataDirError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* create(directory)
    yield* checkAccess(directory)
    yield* checkFiles(directory)
    yield* FileLock.take(lockFile(directory)).pipe(Effect.catch((error) => lockError(directory, error)))
    // Only used in error texts: a full disk must not keep an operator from inspecting the directory.
    const files = yield* PlainFiles
    yield* files.replace(holderFile(directory), JSON.stringify({ pid: process.pid })).pipe(
      Effect.catch(() => remove(holderFile(directory)))
    )
  })

/** Whether the directory belongs to a node: it has been locked before. */
export const exists = (directory: string): Effect.Effect<boolean, FileError> =>
  Effect.map(PlainFile.plain(lockFile(directory)), Option.isSome)

/** Whether a process holds the lock, without taking it. `None`: this user cannot tell, or there is no lock. */
export const isHeld = (directory: string): Effect.Effect<Option.Option<boolean>> => FileLock.isHeld(lockFile(directory))

/** Publishes where the node answers, for commands, until the scope closes. */
export const announce = (directory: string, content: Omit<NodeFile, "pid">) =>
  Effect.gen(function*() {
    const files = yield* PlainFiles
    const text = `${JSON.stringify({ pid: process.pid, ...content }, undefined, 2)}\n`
    yield* Effect.acquireRelease(
      files.replace(nodeFile(directory), text).pipe(
        Effect.mapError((error) => inside(directory, error))
      ),
      () => remove(nodeFile(directory))
    )
  })

/**
 * The directory's `node.json`; `None` if there is none. A killed node leaves its own behind: see `isHeld`. Fails when
 * the file cannot be read, which is not the same as absence.
 */
export const read = (directory: string): Effect.Effect<Option.Option<NodeFile>, FileError> =>
  Effect.gen(function*() {
    const file = nodeFile(directory)
    const text = yield* (yield* PlainFiles).read(file)
    if (Option.isNone(text)) return Option.none()
    return yield* Schema.decodeEffect(NodeFileJson)(text.value).pipe(
      Effect.mapError(() =>
        new PlainFile.FileError({
          file,
          detail: "is not what timemesh writes",
          fix: "restart the node, or use --admin IP:PORT"
        })
      ),
      Effect.map(Option.some)
    )
  })
