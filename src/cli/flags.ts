/** The settings as flags of effect/cli. Values stay texts here: flags, environment and file are understood in one place. */
import { Option } from "effect"
import { Flag } from "effect/cli"
import type { Flags } from "../layers/config/ConfigSources.ts"
import * as Settings from "../layers/config/Settings.ts"

/** One flag of a setting; absent is `None`. */
export const setting = (from: Settings.Setting): Flag.Flag<Option.Option<string>> =>
  Flag.String(from.name).pipe(
    Flag.withMetavar(from.metavar),
    Flag.withDescription(from.help),
    Flag.optional
  )

const { peer, ...single } = Settings.general

const settings = [...Object.values(single), ...Object.values(Settings.tuning), Settings.configFile]

/** Every setting, for `run`. */
export const all: Readonly<Record<string, Flag.Flag<ReadonlyArray<string>>>> = {
  ...Object.fromEntries(settings.map((from) => [from.name, Flag.map(setting(from), Option.toArray)])),
  [peer.name]: Flag.String(peer.name).pipe(
    Flag.withMetavar(peer.metavar),
    Flag.withDescription(peer.help),
    Flag.atLeast(0)
  )
}

/** Flags that say which node to ask, and how to answer. */
export const asking = {
  admin: setting({
    ...Settings.general.admin,
    help: "Where the node's admin API is (default: as its data directory says)"
  }),
  "data-dir": setting({ ...Settings.general.dataDir, help: "The node's data directory (default ~/.timemesh/NETWORK)" }),
  network: setting({
    ...Settings.general.network,
    help: "The node's network, when --data-dir is not given (default: the one that runs)"
  }),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
}

export const toFlags = (input: Readonly<Record<string, Option.Option<string>>>): Flags =>
  Object.fromEntries(Object.entries(input).map(([name, value]) => [name, Option.toArray(value)]))
