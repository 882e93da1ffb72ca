/** `timemesh backup`: copies all of a node's files, whether it runs or not. */
import { Clock, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Settings from "../layers/config/Settings.ts"
import * as Backup from "../layers/node/Backup.ts"
import * as target from "./chain/target.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { bytes, fields } from "./table.ts"
import { say } from "./terminal.ts"
import { software } from "./version.ts"

/** Describes a copy for a person. */
export const summary = ({ chain, files, network }: Backup.Manifest): ReadonlyArray<readonly [string, string]> => [
  ["network", network],
  ["chain", chain === undefined ? "none" : `height ${chain.height}, ${chain.hash}`],
  ["files", files.map(({ name, size }) => `${name} (${bytes(size)})`).join(", ")]
]

/** Exit code 1: there is no node to copy, or the work failed. 2: the place that was named cannot be written, or is no backup to read. */
export const orFail = <A, R>(effect: Effect.Effect<A, Backup.BackupError, R>): Effect.Effect<A, Failure.Failure, R> =>
  Effect.mapError(
    effect,
    ({ message, reason }) =>
      reason === "Exists" || reason === "Target" || reason === "NoCopy"
        ? Failure.unusable(message)
        : Failure.failed(message)
  )

export const command = Command.make(
  "backup",
  {
    "data-dir": flags.setting({
      ...Settings.general.dataDir,
      help: "Data directory to copy (default ~/.timemesh/NETWORK)"
    }),
    network: flags.setting({
      ...Settings.general.network,
      help: "Network whose data directory is meant (default testnet)"
    }),
    out: Flag.String("out").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription("Directory to make; it must not exist, and appears when the copy is whole")
    ),
    json: flags.json
  },
  Effect.fnUntraced(function*({ json, out, ...told }) {
    const { given, network = "testnet" } = yield* target.chosen(told)
    const directory = yield* target.dataDirOf(given, network)
    const manifest = yield* orFail(
      Backup.make(directory, out, { network, software, now: yield* Clock.currentTimeMillis })
    )
    yield* json
      ? Json.print({ ...manifest, directory: out })
      : say(fields([...summary(manifest), ["directory", out]]))
  })
).pipe(
  Command.withDescription(
    "Copy a node's chain, peer book, bans, pins and keys to a new directory, while the node runs or not. The copy has private keys: keep it as safe as the node"
  ),
  Command.withExamples([{
    command: "timemesh backup --data-dir /var/lib/timemesh --out /var/backups/timemesh-monday",
    description: "Of a running node; timemesh restore puts it back"
  }])
)
