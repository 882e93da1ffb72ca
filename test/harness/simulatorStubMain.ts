/** The `simulate` command over the stub, as a program: a parent starts its workers by starting this file. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as json from "../../src/cli/json.ts"
import * as simulate from "../../src/cli/simulate.ts"
import { simulator } from "./simulatorStub.ts"

// A first argument `pids=DIR`: tests look there for the workers that there were.
const own = process.argv[2]?.startsWith("pids=") === true ? process.argv.splice(2, 1) : []
for (const directory of own) {
  if (process.argv.includes("--worker")) writeFileSync(`${directory.slice(5)}/${process.pid}`, "")
}

Command.make("timemesh").pipe(
  Command.withSubcommands([
    simulate.make([process.execPath, fileURLToPath(import.meta.url), ...own], Effect.succeed(simulator))
  ]),
  Command.run({ version: "0" }),
  json.errors,
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
