/**
 * What commands print with `--json`: one object on standard output, in one style. A field that does not apply is absent, never null; times and
 * durations (`at`, `…At`, `…Ms`) are integer ms. A command that fails before it has a result prints `{"error":{"message":…,"exitCode":…}}`
 * instead. A command that fails later prints that on standard error.
 */
import { Cause, Console, Effect, Exit, Option, Runtime } from "effect"

const isAsked = (args: ReadonlyArray<string>): boolean =>
  args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).some((arg) => /^--json(?:=true)?$/.test(arg))

/** Whether the command line asks for JSON. Determined before parsing, because parse errors must be JSON too. */
export const wanted = isAsked(process.argv.slice(2))

let isPrinted = false

const isTime = (key: string): boolean => /(?:^at|At|Ms)$/.test(key)

/** The text of a value, in the style above. */
export const text = (value: unknown): string =>
  JSON.stringify(value, function(this: unknown, key: string, field: unknown) {
    if (field === null && !Array.isArray(this)) return undefined
    return typeof field === "number" && isTime(key) ? Math.round(field) : field
  })

/** Prints the command's result. Call once. */
export const print = (
  value: unknown,
  how: (line: string) => Effect.Effect<void> = Console.log
): Effect.Effect<void> => printText(text(value), how)

/** Prints a result that is already JSON and must not change: a file for another command. */
export const printText = (
  line: string,
  how: (line: string) => Effect.Effect<void> = Console.log
): Effect.Effect<void> =>
  Effect.suspend(() => {
    isPrinted = true
    return how(line)
  })

/** Prints the command's error. */
export const error = (message: string, exitCode: number): Effect.Effect<void> => {
  const line = text({ error: { message, exitCode } })
  return isPrinted ? Console.error(line) : Console.log(line)
}

/** Prints a command's failure, unless it was only interrupted or has already been shown. */
export const errors = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  wanted
    ? Effect.onExit(effect, (exit) => {
      if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return Effect.void
      const failure: unknown = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
      if (typeof failure !== "object" || failure === null) {
        return error(Cause.pretty(exit.cause), 1)
      }
      const isShown = Runtime.getErrorReported(failure) === false
      Object.assign(failure, { [Runtime.errorReported]: false })
      return isShown ? Effect.void : error(messageOf(failure), Runtime.getErrorExitCode(failure))
    })
    : effect

const messageOf = (failure: object): string =>
  "message" in failure && typeof failure.message === "string" ? failure.message : String(failure)
