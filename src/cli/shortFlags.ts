/**
 * Refuses an argument that effect/cli would read as several flags of one letter. Of `--for -1h` it would take `-h`, show the help and end with 0, as
 * if the command had been carried out. The only flags of one dash are `-h` and `-v`, so such an argument is always a value given in the wrong way.
 */
import { Effect } from "effect"
import { CliError } from "effect/cli"
import * as presenter from "./presenter.ts"

/** As effect/cli has it: a negative number is a value. */
const negative = /^-(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** The first such argument; those after `--` are values. */
export const clusterIn = (args: ReadonlyArray<string>): string | undefined =>
  args.slice(0, args.includes("--") ? args.indexOf("--") : undefined)
    .find((arg) => /^-[^-]./.test(arg) && !negative.test(arg))

/** Shows and fails with the error if there is one. `args`: the command line, without the program. */
export const check = (
  args: ReadonlyArray<string>
): Effect.Effect<void, CliError.CliError> => {
  const found = clusterIn(args)
  if (found === undefined) return Effect.void
  const [name = ""] = args
  const commandPath = ["timemesh", ...(name.startsWith("-") ? [] : [name])]
  const error = new CliError.ValidationError({
    message: `"${found}" is not a flag; write a value that begins with a dash as --flag=${found}`
  })
  return Effect.andThen(
    presenter.invalid(commandPath, [error]),
    Effect.fail(new CliError.ShowHelp({ commandPath, errors: [error] }))
  )
}
