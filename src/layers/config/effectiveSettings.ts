/** Every setting with the value that the node runs with, and where it is from. */
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
/** A token, and a URL that may have a password. */
const secrets: ReadonlySet<string> = new Set([Settings.general.adminToken.name, Settings.general.chainDatabase.name])

const sourceOf = (name: string, where: string): EffectiveSetting["source"] =>
  where === `--${name}` ? "flag" : where === Settings.environmentName(name) ? "environment" : "file"

/** The defaults that are not one of `Tuning`, as an operator would write them. */
const defaults = (config: DaemonConfig): Readonly<Record<string, ReadonlyArray<string>>> => {
  const { general } = Settings
  const { listen, network } = config.node
  return {
    [general.network.name]: [network.name],
    [general.listen.name]: [
      listen.ip === "any" ? `any:${listen.port}` : PeerAddress.format({ ip: listen.ip, port: listen.port })
    ],
    [general.seed.name]: network.seeds ?? [],
    [general.transport.name]: [config.transport],
    [general.dataDir.name]: [config.dataDir],
    [general.admin.name]: [config.admin === undefined ? "off" : PeerAddress.format(config.admin)],
    [general.adminReads.name]: [config.adminIsClosed ? "token" : "open"],
    [general.logLevel.name]: [config.logLevel.toLowerCase()]
  }
}

const tuningText = (config: DaemonConfig, name: string): string | undefined => {
  for (const field of Object.keys(Settings.tuning) as ReadonlyArray<keyof Tuning>) {
    const setting = Settings.tuning[field]
    const value = config.node.tuning[field]
    if (setting.name === name) return setting.kind === "duration" ? Settings.showMs(value) : String(value)
  }
  return undefined
}

/** In the order of `--help`. Secrets are hidden. A setting without a default has no value. */
export const effectiveSettings = (config: DaemonConfig, given: GivenSettings): ReadonlyArray<EffectiveSetting> =>
  [...Settings.all, Settings.configFile].map(({ name }) => {
    const environment = Settings.environmentName(name)
    const from = given.get(name)
    if (from !== undefined) {
      const values = secrets.has(name) ? [hidden] : from.values
      return { name, environment, values, source: sourceOf(name, from.where), where: from.where }
    }
    const text = tuningText(config, name)
    return { name, environment, values: text === undefined ? defaults(config)[name] ?? [] : [text], source: "default" }
  })
