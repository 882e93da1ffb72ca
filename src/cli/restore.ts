/** `timemesh restore`: restores a copy made by `timemesh backup` to the data directory of a stopped node. */
import { Clock, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Settings from "../layers/config/Settings.ts"
import * as Backup from "../layers/node/Backup.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import { orFail, summary } from "./backup.ts"
import * as target from "./chain/target.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { fields } from "./table.ts"
import { say } from "./terminal.ts"

export const command = Command.make(
  "restore",
  {
    from: Argument.String("directory").pipe(Argument.withDescription("Directory that timemesh backup made")),
    "data-dir": flags.setting({
      ...Settings.general.dataDir,
      help: "Data directory to fill (default ~/.timemesh/NETWORK, by the copy's network)"
    }),
    network: flags.setting({
      ...Settings.general.network,
      help: "Network that the copy must be of (default: as the copy says)"
    }),
    replace: Flag.Boolean("replace").pipe(
      Flag.withDescription(
        "Keep files that are there aside, in a directory within the data directory, instead of refusing"
      ),
      Flag.withDefault(false)
    ),
    json: flags.json
  },
  Effect.fnUntraced(function*({ from, json, replace, ...told }) {
    const { network: copied } = yield* orFail(Backup.read(from))
    const { given, network } = yield* target.chosen(told)
    if (network !== undefined && network !== copied) {
      return yield* Failure.unusable(
        `${from} is a copy of a node of ${copied}, not of ${network}`,
        "name the network that you mean"
      )
    }
    const directory = yield* target.dataDirOf(given, copied)
    yield* Effect.mapError(DataDir.lock(directory), (error) => Failure.unusable(error))
    const { kept, manifest } = yield* orFail(
      Backup.restore(from, directory, { replace, now: yield* Clock.currentTimeMillis })
    )
    yield* json
      ? Json.print({ ...manifest, directory, kept })
      : say(fields([
        ...summary(manifest),
        ["directory", directory],
        ...(kept === undefined ? [] : [["kept", kept] as const])
      ]))
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Put a copy that timemesh backup made into the data directory of a stopped node. The copy is verified first; without --replace nothing that is there is touched"
  ),
  Command.withExamples([{
    command: "timemesh restore /var/backups/timemesh-monday --data-dir /var/lib/timemesh",
    description: "Into a new or empty data directory"
  }])
)
