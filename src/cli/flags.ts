/** The settings as flags of effect/cli. Values stay texts: `DaemonConfig` parses flags, environment and file alike. */
import { Option } from "effect"
import { Flag } from "effect/cli"
import type { Flags } from "../layers/config/ConfigSources.ts"
import * as Settings from "../layers/config/Settings.ts"

/** Help text with the setting's environment variable. */
const helpOf = ({ help, name }: Settings.Setting): string => `${help} [${Settings.environmentName(name)}]`

/** For every command that prints one object. */
export const json: Flag.Flag<boolean> = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object"),
  Flag.withDefault(false)
)

/** The flag of one setting; `None` when absent. */
export const setting = (from: Settings.Setting): Flag.Flag<Option.Option<string>> =>
  Flag.String(from.name).pipe(
    Flag.withMetavar(from.metavar),
    Flag.withDescription(helpOf(from)),
    Flag.optional
  )

const { peer, seed, ...single } = Settings.general

const settings = [...Object.values(single), ...Object.values(Settings.tuning), Settings.configFile]

const repeatable = (from: Settings.Setting): Flag.Flag<ReadonlyArray<string>> =>
  Flag.String(from.name).pipe(Flag.withMetavar(from.metavar), Flag.withDescription(helpOf(from)), Flag.atLeast(0))

/** Every setting, for `run`. */
export const all: Readonly<Record<string, Flag.Flag<ReadonlyArray<string>>>> = {
  ...Object.fromEntries(settings.map((from) => [from.name, Flag.map(setting(from), Option.toArray)])),
  [peer.name]: repeatable(peer),
  [seed.name]: repeatable(seed)
}

/** Flags of commands that query a running node: which node, and the output format. */
export const asking = {
  admin: setting({
    ...Settings.general.admin,
    help: "Admin API address of the node (default: from its data directory)"
  }),
  "data-dir": setting({
    ...Settings.general.dataDir,
    help: "Data directory of the node (default ~/.timemesh/NETWORK)"
  }),
  network: setting({
    ...Settings.general.network,
    help: "Network of the node, without --data-dir (default: that of the running node)"
  }),
  "admin-token-file": setting({
    ...Settings.general.adminTokenFile,
    help: "File of the node's token (default: that in its data directory); TIMEMESH_ADMIN_TOKEN gives the token itself"
  }),
  json
}

export const toFlags = (input: Readonly<Record<string, Option.Option<string>>>): Flags =>
  Object.fromEntries(Object.entries(input).map(([name, value]) => [name, Option.toArray(value)]))
