/** The daemon and its commands. Wiring only: which layers make up the node, and how the process ends. */
// Module by module: the package's index would load every platform service and make the start 50% longer.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliConfig, Command, GlobalFlag } from "effect/cli"
import { fileURLToPath } from "node:url"
import * as commandLine from "./cli/commandLine.ts"
import * as Failure from "./cli/Failure.ts"
import * as json from "./cli/json.ts"
import * as output from "./cli/output.ts"
import * as presenter from "./cli/presenter.ts"
import type { MakeNode } from "./cli/run/daemon.ts"
import * as signals from "./cli/signals.ts"
import * as timemesh from "./cli/timemesh.ts"
import { version } from "./cli/version.ts"

/** A signal ends `run` with the exit code it has set, and every other command with 130. Printed output is flushed first. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  const leave = (code: number) => {
    Effect.runFork(Effect.map(output.drained, () => onExit(output.exitCode(code))))
  }
  return Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
    ? leave(Number(process.exitCode ?? 130))
    : Runtime.defaultTeardown(exit, leave)
}

signals.install()
output.install()

const makeNode = Effect.map(
  Effect.promise(() => import("./layers/node/ChainNode.ts")),
  ({ layer }): MakeNode => (setup, around) => layer(setup, around)
)

/** This program's own command line, from sources or built. */
const self = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)] as const

commandLine.check(process.argv.slice(2)).pipe(
  Effect.andThen(Command.run(timemesh.make(makeNode, self), { version })),
  Failure.withUsage,
  json.errors,
  Effect.provide([
    NodeServices.layer,
    NodeHttpClient.layerNodeHttp,
    presenter.layer,
    // `--log-level` is a setting of `run` like any other, so that environment and file can give it too.
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
  ]),
  NodeRuntime.runMain({ teardown })
)
