/** Every setting with its effective value and the source of that value. */
import { formatListen } from "../../domain/NodeSetup.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { Tuning } from "../../domain/Tuning.ts"
import type { GivenSettings } from "./ConfigSources.ts"
import type { DaemonConfig } from "./DaemonConfig.ts"
import * as Settings from "./Settings.ts"

export interface EffectiveSetting {
  readonly name: string
  readonly environment: string
  readonly values: ReadonlyArray<string>
  readonly source: "flag" | "environment" | "file" | "default"
  readonly where?: string | undefined
}

const hidden = "(hidden)"
/** Hidden settings: a token, a URL that may contain a password, headers that may contain a key. */
const secrets: ReadonlySet<string> = new Set([
  Settings.general.adminToken.name,
  Settings.general.chainDatabase.name,
  Settings.general.otlpHeaders.name
])

const tuningFields = Object.keys(Settings.tuning) as ReadonlyArray<keyof Tuning>

const sourceOf = (name: string, where: string): EffectiveSetting["source"] =>
  where === `--${name}` ? "flag" : where === Settings.environmentName(name) ? "environment" : "file"

/** The default of every setting that has one, in the operator's spelling. */
const defaults = (config: DaemonConfig): Readonly<Record<string, ReadonlyArray<string>>> => {
  const { general } = Settings
  const { listen, network } = config.node
  return {
    [general.network.name]: [network.name],
    [general.listen.name]: [formatListen(listen)],
    [general.seed.name]: network.seeds ?? [],
    [general.transport.name]: [config.transport],
    [general.dataDir.name]: [config.dataDir],
    [general.admin.name]: [config.admin === undefined ? "off" : PeerAddress.format(config.admin)],
    [general.adminReads.name]: [config.adminIsClosed ? "token" : "open"],
    [general.logLevel.name]: [config.logLevel.toLowerCase()],
    ...Object.fromEntries(tuningFields.map((field) => {
      const { kind, name } = Settings.tuning[field]
      const value = config.node.tuning[field]
      return [name, [kind === "duration" ? Settings.showMs(value) : String(value)]]
    }))
  }
}

/** In the order of `--help`. Secrets are hidden. A setting that is not given and has no default has no value. */
export const effectiveSettings = (config: DaemonConfig, given: GivenSettings): ReadonlyArray<EffectiveSetting> => {
  const usual = defaults(config)
  return [...Settings.all, Settings.configFile].map(({ name }) => {
    const environment = Settings.environmentName(name)
    const from = given.get(name)
    if (from === undefined) return { name, environment, values: usual[name] ?? [], source: "default" }
    const values = secrets.has(name) ? [hidden] : from.values
    return { name, environment, values, source: sourceOf(name, from.where), where: from.where }
  })
}
