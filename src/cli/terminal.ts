/** What may be drawn on a terminal. NO_COLOR and TERM=dumb are obeyed, on standard error too. */
import { Config, Console, Effect, Option, Stdio } from "effect"
import { hang, printableLines } from "./terminalText.ts"

const isDumb = Effect.map(
  Effect.orElseSucceed(Config.option(Config.String("TERM")), () => Option.none<string>()),
  Option.contains("dumb")
)

/** Whether text may be redrawn in place on that stream. */
export const canAnimate = (stream: "stdout" | "stderr"): Effect.Effect<boolean, never, Stdio.Stdio> =>
  Effect.gen(function*() {
    const stdio = yield* Stdio.Stdio
    const isTerminal = yield* stream === "stdout" ? stdio.stdoutIsTerminal : stdio.stderrIsTerminal
    return isTerminal && !(yield* isDumb)
  })

/** Columns of the terminal; `undefined`: standard output is not a terminal. */
export const width: Effect.Effect<number | undefined, never, Stdio.Stdio> = Effect.flatMap(
  Stdio.Stdio,
  ({ stdoutIsTerminal }) => Effect.map(stdoutIsTerminal, (is) => is ? process.stdout.columns || undefined : undefined)
)

/** Prints text for a person: on a terminal, long lines are wrapped between words. No peer's text moves the cursor. */
export const say = (text: string): Effect.Effect<void, never, Stdio.Stdio> =>
  Effect.flatMap(width, (columns) => Console.log(hang(printableLines(text), columns)))
