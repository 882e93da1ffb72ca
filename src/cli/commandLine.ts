/**
 * Refuses what effect/cli would misread, before it parses.
 *
 * - An argument of one dash that it would read as several flags of one letter. Of `--for -1h` it would take `-h`, show the help and end with 0, as if
 *   the command had been carried out. The only flags of one dash are `-h` and `-v`, so such an argument is always a value given in the wrong way.
 * - An empty value. No flag and no argument takes one, and most would take it for a flag that is absent: `--data-dir "$DIR"` of a script in which DIR
 *   is not set would run another node than the one meant.
 */
import { Effect } from "effect"
import { CliError } from "effect/cli"
import * as presenter from "./presenter.ts"

/** As effect/cli has it: a negative number is a value. */
const negative = /^-(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Values given without a flag of their own follow `--`. */
const clusterIn = (args: ReadonlyArray<string>): string | undefined => {
  const found = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined)
    .find((arg) => /^-[^-]./.test(arg) && !negative.test(arg))
  return found === undefined
    ? undefined
    : `"${found}" is not a flag; write a value that begins with a dash as --flag=${found}`
}

const emptyIn = (args: ReadonlyArray<string>): string | undefined => {
  const at = args.findIndex((arg) => arg === "" || /^--[^=]+=$/.test(arg))
  if (at === -1) return undefined
  const [own = "", before = ""] = [args[at], args[at - 1]]
  const flag = own === "" ? before : own.slice(0, -1)
  return flag.startsWith("--") && !flag.includes("=") && flag !== "--"
    ? `${flag} has an empty value; give it one, or leave the flag out`
    : "an argument is empty; give it a value: a variable of a script may not be set"
}

/** What is wrong with these arguments, and what to do; `undefined`: nothing that is looked for here. */
export const faultIn = (args: ReadonlyArray<string>): string | undefined => clusterIn(args) ?? emptyIn(args)

/** Shows and fails with the fault if there is one. `args`: the command line, without the program. */
export const check = (
  args: ReadonlyArray<string>
): Effect.Effect<void, CliError.CliError> => {
  const message = faultIn(args)
  if (message === undefined) return Effect.void
  const [name = ""] = args
  const commandPath = ["timemesh", ...(name === "" || name.startsWith("-") ? [] : [name])]
  const error = new CliError.ValidationError({ message })
  return Effect.andThen(
    presenter.invalid(commandPath, [error]),
    Effect.fail(new CliError.ShowHelp({ commandPath, errors: [error] }))
  )
}
