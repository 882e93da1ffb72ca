/**
 * Writes an output named on a command line, and refuses targets that must be kept.
 *
 * A regular file is replaced atomically: written beside it under an unused name, synced, renamed. A
 * link is followed, and its target replaced. A fifo, a terminal or another character device is written in place. A
 * directory, a socket, a block device, a database and a node's files are refused.
 */
import { Data, Effect, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as fsp from "node:fs/promises"
import * as net from "node:net"
import * as nodePath from "node:path"
import type { Writable } from "node:stream"
import * as tty from "node:tty"
import * as Limits from "../../domain/Limits.ts"
import * as DataDir from "./DataDir.ts"
import { FileError, kindOf, realName } from "./PlainFiles.ts"
import { systemCode, systemFix, systemReason } from "./systemError.ts"

const standard: Readonly<Record<string, () => Writable>> = { 1: () => process.stdout, 2: () => process.stderr }

/** Descriptor number if the name means our own standard output or error. */
const standardNumber = (file: string): "1" | "2" | undefined => {
  const match = /^\/(?:dev\/(stdout|stderr)|dev\/fd\/([12])|proc\/self\/fd\/([12]))$/.exec(file)
  if (match === null) return undefined
  return match[1] === "stderr" || match[2] === "2" || match[3] === "2" ? "2" : "1"
}

/** Whether the file is our own standard output: then nothing else may be printed there. */
export const isStandardOutput = (file: string): boolean => standardNumber(file) === "1"

const unwritable = (file: string) => (error: unknown) =>
  error instanceof FileError
    ? error
    : new FileError({ file, detail: `cannot be written: ${systemReason(error)}`, fix: systemFix(error) })

const refuse = (file: string, why: string) => new FileError({ file, detail: `is not overwritten: ${why}` })

const orAbsent = async <A>(promise: Promise<A>): Promise<A | undefined> => {
  try {
    return await promise
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined
    throw error
  }
}

const magic = "SQLite format 3\0"

const isDatabase = async (file: string): Promise<boolean> => {
  const opened = await orAbsent(fsp.open(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK))
  if (opened === undefined) return false
  try {
    const { buffer, bytesRead } = await opened.read(Buffer.alloc(magic.length), 0, magic.length, 0)
    return bytesRead === magic.length && buffer.toString("latin1") === magic
  } finally {
    await opened.close()
  }
}

/** Files that SQLite keeps beside a database. */
const companions = ["-wal", "-shm", "-journal", ".lock"]

/** `file` is absolute and not a link. `inUse`: a database that this command is using. */
const checkTarget = async (file: string, inUse: string | undefined): Promise<void> => {
  const name = nodePath.basename(file)
  const directory = nodePath.dirname(file)
  // We may hold the lock of the database in use, so identify it by name and inode: opening it would release the lock.
  const kept = inUse === undefined
    ? []
    : [...["", ...companions].map((suffix) => `${inUse}${suffix}`), nodePath.join(nodePath.dirname(inUse), "lock.db")]
  for (const used of kept) {
    const [a, b] = await Promise.all([orAbsent(fsp.stat(file)), orAbsent(fsp.stat(used))])
    const same = a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
    if (same || file === used) throw refuse(file, "it belongs to the chain that is read")
  }
  const stats = await orAbsent(fsp.lstat(nodePath.join(directory, "lock.db")))
  if (stats !== undefined && DataDir.isNodeFile(name)) throw refuse(file, "it is a node's own file")
  for (const suffix of companions) {
    if (name.endsWith(suffix) && await isDatabase(file.slice(0, -suffix.length))) {
      throw refuse(file, "it belongs to a database")
    }
  }
  if (await isDatabase(file)) throw refuse(file, "it is a database; remove it yourself, or name another file")
}

const put = (file: string, stream: Writable, bytes: Uint8Array): Effect.Effect<void, FileError> =>
  Effect.callback((resume) => {
    stream.write(
      bytes,
      (error) => resume(error === null || error === undefined ? Effect.void : Effect.fail(unwritable(file)(error)))
    )
  })

/** No process reads the fifo yet. */
class NoReader extends Data.TaggedError("NoReader") {}

const openInPlace = (file: string): Writable => {
  const fd = fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY)
  if (tty.isatty(fd)) return new tty.WriteStream(fd)
  return fs.fstatSync(fd).isFIFO()
    ? new net.Socket({ fd, readable: false, writable: true })
    : fs.createWriteStream(file, { fd })
}

/** Waits for a fifo's reader; a blocking open could not be interrupted. */
const inPlace = (file: string): Effect.Effect<Writable, FileError, Scope.Scope> => {
  const number = standardNumber(file)
  const own = number === undefined ? undefined : standard[number]
  if (own !== undefined) return Effect.sync(own)
  return Effect.acquireRelease(
    Effect.try({
      try: () => openInPlace(file),
      catch: (error) =>
        systemCode(error) === "ENXIO" && fs.statSync(file).isFIFO() ? new NoReader() : unwritable(file)(error)
    }),
    finish
  ).pipe(
    // Around the whole, because an acquisition cannot be interrupted.
    Effect.retry({ while: (error) => error._tag === "NoReader", schedule: Schedule.spaced(Limits.fifoRetryMs) }),
    Effect.catchTag("NoReader", () => Effect.never)
  )
}

/** Flushes what was written, and closes. */
const finish = (stream: Writable): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (stream.closed) return resume(Effect.void)
    stream.on("error", () => {})
    stream.once("close", () => resume(Effect.void))
    stream.end()
  }).pipe(Effect.timeoutOption(Limits.outputMs), Effect.andThen(Effect.sync(() => stream.destroy())))

const writeAll = <E, R>(
  buffers: Stream.Stream<Uint8Array, E, R>,
  one: (bytes: Uint8Array) => Effect.Effect<void, FileError>
) =>
  Effect.gen(function*() {
    let bytes = 0
    yield* Stream.runForEach(buffers, (buffer) => {
      bytes += buffer.length
      return one(buffer)
    })
    return bytes
  })

const replace = <E, R>(file: string, mode: number | undefined, buffers: Stream.Stream<Uint8Array, E, R>) => {
  const temporary = nodePath.join(nodePath.dirname(file), `.${nodePath.basename(file)}.${randomUUID()}.tmp`)
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: unwritable(file) })
  return Effect.gen(function*() {
    const bytes = yield* Effect.scoped(Effect.gen(function*() {
      const opened = yield* Effect.acquireRelease(
        attempt(() => fsp.open(temporary, "wx", mode ?? 0o666)),
        (handle) => Effect.promise(() => handle.close())
      )
      const written = yield* writeAll(buffers, (buffer) => attempt(() => opened.writeFile(buffer)))
      yield* attempt(() => opened.sync())
      return written
    }))
    yield* attempt(() => fsp.rename(temporary, file))
    return bytes
  }).pipe(Effect.onError(() => Effect.promise(() => fsp.rm(temporary, { force: true }).catch(() => {}))))
}

/** How to write the target, if it may be written. */
const plan = (file: string, inUse: string | undefined) =>
  Effect.gen(function*() {
    if (standardNumber(file) !== undefined) return { inPlace: true, real: file, mode: undefined }
    const stats = yield* Effect.tryPromise({ try: () => orAbsent(fsp.stat(file)), catch: unwritable(file) })
    if (stats?.isFIFO() || stats?.isCharacterDevice()) return { inPlace: true, real: file, mode: undefined }
    if (stats !== undefined && !stats.isFile()) {
      const kind = stats.isBlockDevice() ? "a block device" : kindOf(stats)
      return yield* refuse(file, `it is ${kind}`)
    }
    const real = yield* realName(file)
    yield* Effect.tryPromise({ try: () => checkTarget(real, inUse), catch: unwritable(file) })
    return { inPlace: false, real, mode: stats === undefined ? undefined : stats.mode & 0o777 }
  })

/** Fails if the file may not be written; changes nothing. `inUse`: as in `write`. */
export const check = (file: string, inUse?: string): Effect.Effect<void, FileError> => Effect.asVoid(plan(file, inUse))

/**
 * Writes the buffers as they arrive; returns the number of bytes. A write that fails or is interrupted leaves a regular file
 * unchanged. `inUse`: the database that the buffers come from.
 */
export const write = <E, R>(
  file: string,
  buffers: Stream.Stream<Uint8Array, E, R>,
  inUse?: string
): Effect.Effect<number, E | FileError, R> =>
  Effect.gen(function*() {
    const target = yield* plan(file, inUse)
    if (!target.inPlace) return yield* replace(target.real, target.mode, buffers)
    return yield* Effect.scoped(
      Effect.flatMap(inPlace(file), (stream) => writeAll(buffers, (bytes) => put(file, stream, bytes)))
    )
  })
