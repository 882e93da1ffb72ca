/**
 * Small files of a data directory: read whole, replaced whole. Other users may be able to write to the directory. A link, a
 * fifo or a device under one of these names is therefore refused: never followed, opened for long, or replaced.
 *
 * **Errors**: `FileError` names the file and gives the reason in words. **Concurrency**: one writer per file.
 */
import { Context, Data, Effect, Option } from "effect"
import type { Stats } from "node:fs"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as nodePath from "node:path"
import * as Limits from "../../domain/Limits.ts"
import * as Problem from "../../domain/Problem.ts"
import { systemCode, systemFix, systemReason } from "./systemError.ts"

/** The file cannot be used. */
export class FileError extends Data.TaggedError("FileError")<{
  readonly file: string
  /** A predicate of the file: `cannot be read: permission denied`. */
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

/** Disk operations that the two stores of small files need. A reference, so that tests can keep the files in memory. */
export interface PlainFiles {
  /** The text, "None" if there is no such file. Fails beyond `Limits.smallFileBytes`. */
  readonly read: (file: string) => Effect.Effect<Option.Option<string>, FileError>
  /** Replaces the file atomically, even in a crash: written beside it, synced, renamed. */
  readonly replace: (file: string, text: string) => Effect.Effect<void, FileError>
  readonly rename: (from: string, to: string) => Effect.Effect<void, FileError>
  /** Whether the name exists, even as a dangling link. */
  readonly exists: (file: string) => Effect.Effect<boolean, FileError>
}

/** The file's type, for an error: `a symbolic link`. */
export const kindOf = (stats: Stats): string => {
  if (stats.isSymbolicLink()) return "a symbolic link"
  if (stats.isDirectory()) return "a directory"
  if (stats.isFIFO()) return "a fifo"
  if (stats.isSocket()) return "a socket"
  return stats.isFile() ? "a regular file" : "a device"
}

const attempt = <A>(file: string, verb: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({
    try: run,
    catch: (error) =>
      error instanceof FileError
        ? error
        : new FileError({ file, detail: `cannot be ${verb}: ${systemReason(error)}`, fix: systemFix(error) })
  })

const orAbsent = async <A>(promise: Promise<A>): Promise<A | undefined> => {
  try {
    return await promise
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined
    throw error
  }
}

const notPlain = (file: string, stats: Stats) =>
  new FileError({ file, detail: `is ${kindOf(stats)}, not a regular file`, fix: "move it away" })

const plainStats = async (file: string): Promise<Stats | undefined> => {
  const stats = await orAbsent(fs.lstat(file))
  if (stats !== undefined && !stats.isFile()) throw notPlain(file, stats)
  return stats
}

/** The file's stats; `None` if there is no such file. Fails if it is not a regular file. */
export const plain = (file: string): Effect.Effect<Option.Option<Stats>, FileError> =>
  Effect.map(attempt(file, "used", () => plainStats(file)), Option.fromUndefinedOr)

/** Follows links. The last one may dangle, as it may when the system creates a file. */
const followed = async (name: string): Promise<string> => {
  let at = nodePath.resolve(name)
  for (let i = 0; i < Limits.fileLinks; i++) {
    const stats = await orAbsent(fs.lstat(at))
    if (stats?.isSymbolicLink() !== true) {
      const directory = await orAbsent(fs.realpath(nodePath.dirname(at)))
      return directory === undefined ? at : nodePath.join(directory, nodePath.basename(at))
    }
    at = nodePath.resolve(nodePath.dirname(at), await fs.readlink(at))
  }
  throw new FileError({ file: name, detail: "cannot be found: too many symbolic links" })
}

/** The absolute name after following all links, whether the file exists or not. */
export const realName = (name: string): Effect.Effect<string, FileError> => attempt(name, "found", () => followed(name))

const readPlain = async (file: string): Promise<string | undefined> => {
  // A fifo would block the open and a link would lead elsewhere, if either took the file's place after the check.
  if ((await plainStats(file)) === undefined) return undefined
  const opened = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = await opened.stat()
    if (!stats.isFile()) throw notPlain(file, stats)
    if (stats.size > Limits.smallFileBytes) {
      const detail = `has ${stats.size} bytes, more than the limit of ${Limits.smallFileBytes}`
      throw new FileError({ file, detail, fix: "move it away" })
    }
    return await opened.readFile("utf8")
  } finally {
    await opened.close()
  }
}

const replacePlain = async (file: string, text: string) => {
  const mode = (await plainStats(file))?.mode
  const temporary = `${file}.tmp`
  // A crash may have left one. If another user planted it, only the name is removed.
  await fs.rm(temporary, { force: true })
  const opened = await fs.open(temporary, "wx", mode === undefined ? 0o600 : mode & 0o777)
  try {
    await opened.writeFile(text)
    await opened.sync()
  } finally {
    await opened.close()
  }
  await fs.rename(temporary, file)
}

const onDisk: PlainFiles = {
  read: (file) => Effect.map(attempt(file, "read", () => readPlain(file)), Option.fromUndefinedOr),
  replace: (file, text) => attempt(file, "written", () => replacePlain(file, text)),
  rename: (from, to) => attempt(from, `renamed to ${nodePath.basename(to)}`, () => fs.rename(from, to)),
  exists: (file) => Effect.map(attempt(file, "found", () => orAbsent(fs.lstat(file))), (stats) => stats !== undefined)
}

/** Waits until a file's content, or a directory's entries, are on disk. */
export const flush = async (path: string): Promise<void> => {
  const opened = await fs.open(path, "r")
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

/** Removes the name. Not an error if there is no such file. */
export const remove = (file: string): Effect.Effect<void, FileError> =>
  attempt(file, "removed", () => fs.rm(file, { force: true }))

export const PlainFiles = Context.Reference<PlainFiles>("timemesh/layers/store/PlainFiles", {
  defaultValue: () => onDisk
})
