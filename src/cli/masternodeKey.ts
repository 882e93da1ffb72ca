/** `timemesh masternodes key`: makes the key of a masternode, which only its owner may read. */
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { networks } from "../domain/Network.ts"
import * as Settings from "../layers/config/Settings.ts"
import * as ThisHost from "../layers/config/ThisHost.ts"
import * as Values from "../layers/config/Values.ts"
import * as MasternodeKey from "../layers/masternode/MasternodeKey.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { fields } from "./table.ts"

const directoryOf = Effect.fnUntraced(function*(given: Option.Option<string>, network: Option.Option<string>) {
  const { home } = yield* ThisHost.read
  const chosen = Option.match(network, {
    onNone: () => Effect.succeed(networks.testnet),
    onSome: (name) =>
      Effect.mapError(
        Effect.fromResult(Values.network(name)),
        ([problem, fix]) => Failure.unusable(`--network: "${name}" ${problem}; ${fix}`)
      )
  })
  const { name } = yield* chosen
  const directory = Option.match(given, {
    onNone: () => ThisHost.defaultDataDir(home, name),
    onSome: (path) => ThisHost.expandHome(home, path)
  })
  return yield* Effect.mapError(Effect.fromResult(directory), (error) => Failure.unusable(error.message))
})

export const command = Command.make(
  "key",
  {
    "data-dir": flags.setting(Settings.general.dataDir),
    network: flags.setting(Settings.general.network),
    out: Flag.String("out").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("File to write (default masternode.key in the data directory)"),
      Flag.optional
    ),
    json: flags.asking.json
  },
  Effect.fnUntraced(function*({ "data-dir": dataDir, json, network, out }) {
    const unusable = (error: { readonly message: string }) => Failure.unusable(error.message)
    const file = Option.isSome(out) ? out.value : yield* Effect.gen(function*() {
      const directory = yield* directoryOf(dataDir, network)
      yield* Effect.mapError(DataDir.create(directory), unusable)
      return `${directory}/${MasternodeKey.fileName}`
    })
    const key = yield* Effect.mapError(MasternodeKey.create(file), unusable)
    yield* json ? Json.print({ key, file }) : Console.log(fields([["key", key], ["file", file]]))
  })
).pipe(
  Command.withDescription("Make the key of a masternode. Keep the file: with another key it is another masternode")
)
