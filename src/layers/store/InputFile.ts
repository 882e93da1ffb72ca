/**
 * Reads an input named on a command line: a file, a pipe, a fifo, a device or standard input.
 *
 * Opening never blocks, because a blocked system call could not be interrupted: waiting for a fifo's writer happens
 * outside of it. **Errors**: `FileError` names the file and gives the reason.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import * as net from "node:net"
import type { Readable } from "node:stream"
import * as tty from "node:tty"
import * as Limits from "../../domain/Limits.ts"
import { FileError, kindOf } from "./PlainFiles.ts"
import { systemFix, systemReason } from "./systemError.ts"

/** Names of our own standard input. It may be a socket, which cannot be opened again by name. */
const standardInput = /^\/(?:dev\/(?:stdin|fd\/0)|proc\/self\/fd\/0)$/

const unreadable = (file: string) => (error: unknown) =>
  error instanceof FileError
    ? error
    : new FileError({ file, detail: `cannot be read: ${systemReason(error)}`, fix: systemFix(error) })

const openPipe = (file: string): Readable => {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY)
  if (tty.isatty(fd)) return new tty.ReadStream(fd)
  return fs.fstatSync(fd).isFIFO()
    ? new net.Socket({ fd, readable: true, writable: false })
    : fs.createReadStream(file, { fd })
}

const open = (file: string, stats: fs.Stats, chunkBytes: number): Readable => {
  if (standardInput.test(file)) return process.stdin
  if (stats.isFile() || stats.isBlockDevice()) return fs.createReadStream(file, { highWaterMark: chunkBytes })
  if (stats.isFIFO() || stats.isCharacterDevice()) return openPipe(file)
  throw new FileError({ file, detail: `cannot be read: it is ${kindOf(stats)}` })
}

/** The bytes in order, once, in pieces of about `chunkBytes`. Interruption closes the file. */
export const stream = (file: string, chunkBytes: number): Stream.Stream<Uint8Array, FileError> =>
  Stream.unwrap(
    Effect.acquireRelease(
      Effect.try({ try: () => open(file, fs.statSync(file), chunkBytes), catch: unreadable(file) }),
      (opened) => Effect.sync(() => opened.destroy())
    ).pipe(
      Effect.map((opened) =>
        NodeStream.fromReadable<Uint8Array, FileError>({ evaluate: () => opened, onError: unreadable(file) })
      )
    )
  )

/** The whole text; fails beyond `maxBytes`. */
export const text = (file: string, maxBytes: number = Limits.smallFileBytes): Effect.Effect<string, FileError> =>
  Stream.runFoldEffect(
    stream(file, Limits.chainFileChunkBytes),
    () => ({ bytes: 0, chunks: new Array<Uint8Array>() }),
    ({ bytes, chunks }, chunk) => {
      const all = bytes + chunk.length
      return all > maxBytes
        ? Effect.fail(
          new FileError({
            file,
            detail: `is longer than the limit of ${maxBytes} bytes`,
            fix: "name another file"
          })
        )
        : Effect.succeed({ bytes: all, chunks: [...chunks, chunk] })
    }
  ).pipe(Effect.map(({ chunks }) => Buffer.concat(chunks).toString("utf8")))
