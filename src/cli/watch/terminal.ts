/** Full-screen terminal output. The screen is restored however the program ends. */
import { Effect, type Scope } from "effect"
import * as fs from "node:fs"
import type { Screen } from "./watching.ts"

const enter = "\u001b[?1049h\u001b[?25l"
const leave = "\u001b[?25h\u001b[?1049l"

/** One write per frame, so that a terminal never shows half of it. The rest of each line is erased. */
export const frame = (lines: ReadonlyArray<string>, bold: boolean): string => {
  const [first = "", ...rest] = lines
  const verdict = bold ? `\u001b[1m${first}\u001b[0m` : first
  return `\u001b[H${[verdict, ...rest].map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`
}

/** The part of Node's `process.stdout` that is used here. */
export interface Output {
  readonly fd: number
  readonly columns?: number
  readonly rows?: number
  readonly write: (text: string) => unknown
}

/** `bold`: whether the first line stands out. */
export const open = (output: Output, bold: boolean): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.gen(function*() {
    let last: ReadonlyArray<string> = []
    const write = (text: string) => Effect.sync(() => void output.write(text))
    // A stopped process (Ctrl-Z) returns the screen to the shell, and takes it again when it continues.
    const stopped = () => {
      output.write(leave)
      process.once("SIGCONT", () => output.write(`${enter}${frame(last, bold)}`))
      process.kill(process.pid, "SIGSTOP")
    }
    // The last resort, where no finalizer runs.
    const ended = () => void tryWrite(output.fd, leave)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        process.on("SIGTSTP", stopped)
        process.on("exit", ended)
        output.write(enter)
      }),
      () =>
        Effect.sync(() => {
          process.off("SIGTSTP", stopped)
          process.off("exit", ended)
          output.write(leave)
        })
    )
    return {
      size: () => ({ columns: output.columns || 80, rows: output.rows || 24 }),
      draw: (lines) => {
        last = lines
        return write(frame(lines, bold))
      }
    }
  })

const tryWrite = (fd: number, text: string): void => {
  try {
    fs.writeSync(fd, text)
  } catch {
    // The terminal is gone, and its screen with it.
  }
}
