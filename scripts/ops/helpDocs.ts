/** What every command of the program says of itself, as `--help` has it. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Option } from "effect"
import { CliConfig, CliOutput, Command, GlobalFlag, type HelpDoc } from "effect/cli"
import * as Failure from "../../src/cli/Failure.ts"
import * as timemesh from "../../src/cli/timemesh.ts"
import { version } from "../../src/cli/version.ts"

/** The program; nothing of it is run. */
export const root = timemesh.make(Effect.die("not run"), ["timemesh"])

/** All commands by their path, parents first, as the root's help lists them. */
export const paths: ReadonlyArray<ReadonlyArray<string>> = (() => {
  const walk = (command: Command.Command.Any, above: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
    const path = [...above, command.name]
    return [path, ...command.subcommands.flatMap(({ commands }) => commands.flatMap((each) => walk(each, path)))]
  }
  return walk(root, [])
})()

/** Runs a command line as `main.ts` does; for one that shows help, or does not parse. */
export const runLine = (words: ReadonlyArray<string>, presenter: CliOutput.Presenter, program: typeof root = root) =>
  Command.runWith(program, { version })(words).pipe(
    Failure.withUsage,
    Effect.provide([
      NodeServices.layer,
      NodeHttpClient.layerNodeHttp,
      CliOutput.layerPresenter(presenter),
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
    ])
  )

/** What `timemesh … --help` shows. */
export const helpOf = (path: ReadonlyArray<string>): HelpDoc.HelpDoc => {
  let shown = Option.none<HelpDoc.HelpDoc>()
  const present = (event: CliOutput.Presenter.Event) =>
    Effect.sync(() => {
      if (event._tag === "Help") shown = Option.some(event.helpDoc)
    })
  Effect.runSync(Effect.orDie(runLine([...path.slice(1), "--help"], { present })))
  return Option.getOrThrow(shown)
}
