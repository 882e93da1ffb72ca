/**
 * Writes the log to standard output so that the output can neither end nor block the node.
 *
 * A closed reader (EPIPE), a full disk (ENOSPC) or a paused terminal (Ctrl-S) costs only lines. **Bounds**: what
 * cannot be written within `Limits.logPendingBytes` is dropped and counted. **Ordering**: lines are written in order; dropped
 * lines are missing, never late.
 */
import { Context } from "effect"
import * as fs from "node:fs"
import * as tty from "node:tty"
import * as Limits from "../../domain/Limits.ts"
import { systemCode, systemReason } from "../store/systemError.ts"

export interface LogOutput {
  /** Writes a whole line, or drops and counts it. Never throws, never blocks. */
  readonly line: (text: string) => void
  /** Writes disposable text, such as a progress bar; dropped while lines are waiting. */
  readonly hint: (text: string) => void
  /** Writes as many waiting lines as the output takes. */
  readonly flush: () => void
  /** Lines dropped since the start. */
  readonly dropped: () => number
  /** Why the last line was dropped, in words. */
  readonly reason: () => string
}

/** Writes as many bytes as it can without waiting; returns how many. Throws the system's error. */
type Write = (bytes: Uint8Array) => number

const newline = 10

/** Queues lines until `write` takes them, and counts those that did not fit. */
export const make = (write: Write): LogOutput => {
  const encoder = new TextEncoder()
  let pending: Uint8Array = new Uint8Array(0)
  /** True while the output ends within a line: the next text would be appended to a partial line. */
  let torn = false
  let dropped = 0
  let reason = ""

  const send = (bytes: Uint8Array): Uint8Array => {
    let rest = bytes
    while (rest.length > 0) {
      const written = write(rest)
      if (written === 0) break
      torn = rest[written - 1] !== newline
      rest = rest.subarray(written)
    }
    return rest
  }

  const lose = (lines: number, error: unknown) => {
    dropped += lines
    reason = error instanceof Error ? systemReason(error) : String(error)
  }

  const linesIn = (bytes: Uint8Array) => bytes.reduce((count, byte) => byte === newline ? count + 1 : count, 0)

  const flush = () => {
    if (pending.length === 0) return
    try {
      pending = send(pending)
    } catch (error) {
      lose(linesIn(pending), error)
      pending = new Uint8Array(0)
    }
  }

  return {
    line: (text) => {
      flush()
      const bytes = encoder.encode(`${torn && pending.length === 0 ? "\n" : ""}${text}\n`)
      if (pending.length + bytes.length > Limits.logPendingBytes) return lose(1, "the output does not take them")
      if (pending.length > 0) {
        pending = Buffer.concat([pending, bytes])
        return
      }
      try {
        pending = send(bytes).slice()
      } catch (error) {
        lose(1, error)
      }
    },
    hint: (text) => {
      flush()
      if (pending.length > 0) return
      try {
        const bytes = encoder.encode(text)
        // Part of an escape sequence would garble later output: keep the rest as for a line.
        pending = send(bytes).slice()
        torn = false
      } catch {
        // Losing a bar is harmless.
      }
    },
    flush,
    dropped: () => dropped,
    reason: () => reason
  }
}

/** A non-blocking descriptor of the same terminal. The inherited one is shared with the shell, so its mode stays unchanged. */
const reopened = (fd: number): number | undefined => {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY)
  } catch {
    return undefined
  }
}

const toDescriptor = (fd: number): Write => (bytes) => {
  try {
    return fs.writeSync(fd, bytes)
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return 0
    throw error
  }
}

/** Node writes pipes and sockets without blocking, but buffers what they do not take without bound. */
const toStream = (stream: NodeJS.WriteStream): Write => {
  let failure: Error | undefined
  stream.on("error", (error) => {
    failure = error
  })
  return (bytes) => {
    if (failure !== undefined) throw failure
    if (stream.writableLength > Limits.logPendingBytes) return 0
    stream.write(bytes)
    return bytes.length
  }
}

/** Standard output: a terminal, a file, a pipe or a socket. */
export const standard = (): LogOutput => {
  const stats = fs.fstatSync(1)
  if (stats.isFIFO() || stats.isSocket()) return make(toStream(process.stdout))
  return make(toDescriptor(tty.isatty(1) ? reopened(1) ?? 1 : 1))
}

/** Number of dropped log lines, for the admin API. */
export const DroppedLines = Context.Reference<() => number>("timemesh/layers/log/DroppedLines", {
  defaultValue: () => () => 0
})
