/** How effect/cli prints: help and version on standard output, and for bad flags the error alone. */
import { Console, Effect } from "effect"
import { type CliError, CliOutput, type HelpDoc, TerminalCapabilities } from "effect/cli"
import * as ExitCode from "./ExitCode.ts"
import * as json from "./json.ts"
import { hang } from "./terminalText.ts"

const formatter = Effect.map(
  Effect.service(TerminalCapabilities.TerminalCapabilities),
  ({ canColor }) => CliOutput.defaultFormatter({ colors: canColor })
)

/** Help as wide as the terminal: long lines are wrapped within their column. */
const help = (doc: HelpDoc.HelpDoc) =>
  Effect.flatMap(
    formatter,
    ({ formatHelpDoc }) =>
      Console.log(hang(formatHelpDoc(doc), process.stdout.isTTY ? process.stdout.columns : undefined))
  )

/** A command line that does not parse. The whole help would scroll the error off the screen: the error names the command that shows it. */
export const invalid = (commandPath: ReadonlyArray<string>, errors: ReadonlyArray<CliError.NonShowHelpErrors>) =>
  json.wanted
    ? json.error(errors.map(({ message }) => message).join("; "), ExitCode.ofUsage(commandPath))
    : Effect.flatMap(formatter, ({ formatErrors }) =>
      Console.error(hang(
        `${formatErrors(errors).trimStart()}\n  ${commandPath.join(" ")} --help lists all flags`,
        process.stderr.isTTY ? process.stderr.columns : undefined
      )))

export const layer = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? invalid(event.commandPath, event.errors)
      : event._tag === "Help"
      ? help(event.helpDoc)
      : CliOutput.defaultPresenter.present(event)
})
