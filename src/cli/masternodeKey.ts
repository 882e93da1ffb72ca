/** `timemesh masternodes key`: creates a masternode's key, which only its owner can read. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Settings from "../layers/config/Settings.ts"
import * as MasternodeKey from "../layers/masternode/MasternodeKey.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import * as target from "./chain/target.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { fields } from "./table.ts"
import { say } from "./terminal.ts"

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
    const unusable = (error: Error) => Failure.unusable(error)
    const file = Option.isSome(out) ? out.value : yield* Effect.gen(function*() {
      const { given, network: name = "testnet" } = yield* target.chosen({ "data-dir": dataDir, network })
      const directory = yield* target.dataDirOf(given, name)
      yield* Effect.mapError(DataDir.create(directory), unusable)
      return `${directory}/${MasternodeKey.fileName}`
    })
    const key = yield* Effect.mapError(MasternodeKey.create(file), unusable)
    yield* json ? Json.print({ key, file }) : say(fields([["key", key], ["file", file]]))
  })
).pipe(
  Command.withDescription("Make the key of a masternode. Keep the file: with another key it is another masternode"),
  Command.withExamples([
    {
      command: "timemesh masternodes key --data-dir /var/lib/timemesh",
      description: "Make masternode.key there, for run --masternode free"
    },
    { command: "timemesh masternodes key --out key.pem", description: "Another file, for run --masternode-key" }
  ])
)
