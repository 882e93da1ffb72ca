/**
 * What flags, environment and config file may say: a complete set-up within its bounds, or a `ConfigError` that names the
 * setting and says what to do, never a defect.
 *
 * An input is text: first line the file's ending (`json`, `yaml`, `toml`), then lines `--name=value` and
 * `TIMEMESH_NAME=value`, an empty line, and the file.
 */
import { Cause, ConfigProvider, Effect, Exit, FileSystem, PlatformError } from "effect"
import { networks } from "../../../src/domain/Network.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { ConfigError } from "../../../src/layers/config/ConfigError.ts"
import * as ConfigSources from "../../../src/layers/config/ConfigSources.ts"
import * as DaemonConfig from "../../../src/layers/config/DaemonConfig.ts"
import * as Settings from "../../../src/layers/config/Settings.ts"
import type * as ThisHost from "../../../src/layers/config/ThisHost.ts"
import { randomFrom } from "../../harness/random.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, show, type Target, utf8 } from "../Target.ts"

const host: ThisHost.Host = {
  home: "/home/op",
  addresses: ["127.0.0.1", "::1", "192.0.2.10"].map(PeerIp.fromStringUnsafe)
}

const toText = new TextDecoder()

interface Told {
  readonly flags: Record<string, ReadonlyArray<string>>
  readonly env: Record<string, string>
  readonly file: string
  readonly content: string
}

const parse = (input: Uint8Array): Told => {
  const text = toText.decode(input)
  const blank = text.indexOf("\n\n")
  const [ending = "", ...lines] = (blank < 0 ? text : text.slice(0, blank)).split("\n")
  const flags = new Map<string, Array<string>>()
  const env = new Map<string, string>()
  for (const line of lines) {
    const equals = line.indexOf("=")
    const [name, value] = equals < 0 ? [line, ""] : [line.slice(0, equals), line.slice(equals + 1)]
    if (name.startsWith("--")) flags.set(name.slice(2), [...flags.get(name.slice(2)) ?? [], value])
    else env.set(name, value)
  }
  const file = `/etc/timemesh.${["json", "yaml", "toml"].find((known) => ending.startsWith(known)) ?? "json"}`
  if (blank >= 0) flags.set("config", [file])
  return {
    flags: Object.fromEntries(flags),
    env: Object.fromEntries(env),
    file,
    content: blank < 0 ? "" : text.slice(blank + 2)
  }
}

const missing = (pathOrDescriptor: string) =>
  Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "open", pathOrDescriptor }))

const load = ({ content, env, file, flags }: Told) =>
  Effect.gen(function*() {
    const { given, warnings } = yield* ConfigSources.collect(flags)
    return { config: yield* Effect.fromResult(DaemonConfig.decode(given, host, "timemesh/fuzz")), warnings }
  }).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env)),
    Effect.provideService(
      FileSystem.FileSystem,
      FileSystem.makeNoop({
        readFileString: (path) => path === file ? Effect.succeed(content) : missing(path)
      })
    )
  )

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535

const isPeerIp = (ip: PeerIp.PeerIp): boolean => PeerIp.fromStringUnsafe(ip) === ip && PeerIp.classOf(ip) !== "special"

const levels: ReadonlySet<string> = new Set(["All", "Trace", "Debug", "Info", "Warn", "Error", "Fatal", "None"])

const checkConfig = (config: DaemonConfig.DaemonConfig): void => {
  const { advertise, listen, network, peers, tuning } = config.node
  for (const field of Object.keys(Settings.tuning) as ReadonlyArray<keyof typeof tuning>) {
    const { least, most } = Settings.tuning[field]
    const value = tuning[field]
    ensure(Number.isInteger(value) && value >= least && value <= most, () => `${field} is ${value}`)
  }
  ensure(tuning.deadMs > 2 * tuning.pingMs, () => `dead ${tuning.deadMs}, ping ${tuning.pingMs}`)
  ensure(tuning.backoffMaxMs >= tuning.backoffBaseMs, "backoff-max below backoff-base")
  ensure(Object.values(networks).includes(network), () => `network ${show(network)}`)
  ensure(isPort(listen.port) && (listen.ip === "any" || isPeerIp(listen.ip)), () => `listen ${show(listen)}`)
  ensure(advertise === undefined || isPeerIp(advertise), () => `advertise ${show(advertise)}`)
  ensure(new Set(peers.map(({ ip }) => ip)).size === peers.length, "a peer twice")
  for (const peer of peers) {
    ensure(isPort(peer.port) && peer.port > 0 && isPeerIp(peer.ip), () => `peer ${show(peer)}`)
    ensure(peer.ip !== advertise && peer.ip !== listen.ip, () => `peer ${show(peer)} is the node itself`)
  }
  const { admin } = config
  ensure(admin === undefined || isPort(admin.port), () => `admin ${show(admin)}`)
  ensure(typeof config.dataDir === "string" && config.dataDir !== "", () => `data-dir ${show(config.dataDir)}`)
  ensure(!config.dataDir.startsWith("~/"), () => `data-dir ${config.dataDir}`)
  ensure(levels.has(config.logLevel), () => `log-level ${show(config.logLevel)}`)
  ensure([undefined, "pretty", "json"].includes(config.logFormat), () => `log-format ${show(config.logFormat)}`)
}

const names = [...Settings.all, Settings.configFile].map(({ name }) => name)

/** `--x`, `TIMEMESH_X`, `x in FILE`, or the file: something the operator wrote. */
const namesSetting = (where: string, file: string): boolean =>
  where === file ||
  names.some((name) =>
    where === `--${name}` || where === Settings.environmentName(name) || where === `${name} in ${file}`
  )

const checkError = (error: ConfigError, file: string): void => {
  ensure(namesSetting(error.where, file), () => `its error is about ${show(error.where)}`)
  ensure(error.problem !== "" && error.fix !== "", () => `its error says ${show(error.message)}`)
  ensure(!/undefined|\[object|NaN|Infinity/.test(error.fix), () => `its error says ${show(error.message)}`)
}

const values = [
  ..."any any:0 0.0.0.0 [::] 127.0.0.1:24100 127.0.0.2 [2001:db8::7]:24100 ::ffff:10.0.0.1 fe80::1%eth0 10.0.0.1:0 off"
    .split(" "),
  ..."255.255.255.255 224.0.0.1 192.0.2.10 203.0.113.7:65535 203.0.113.7:65536 1.2.3.4,5.6.7.8 testnet devnet mainnet"
    .split(" "),
  ..."500ms 15s 30s 45s 22.5s 90s 2m 1h 24h 1.5m 0ms 1e9s 999999999999h 0.4ms 1 125 4096 4097 000000001 -1 1_000 pretty json info DEBUG"
    .split(" "),
  ..."constructor __proto__ toString hasOwnProperty valueOf ~ ~/x ~root /var/lib \u0000 é \u202e".split(" "),
  " ",
  "15 seconds",
  "2 min",
  "10.0.0.1 ",
  " 10.0.0.1",
  "\t"
]

/** A random set-up, mostly of known names and of values that are right somewhere. */
const text = (random: Mutator.Random): string => {
  const name = (): string => (random(30) === 0 ? Mutator.pick(random, values) : Mutator.pick(random, names)) ?? "peer"
  const value = (): string => Mutator.pick(random, values) ?? ""
  const lines = Array.from({ length: random(5) }, () => {
    const setting = name()
    return random(2) === 0 ? `--${setting}=${value()}` : `${Settings.environmentName(setting)}=${value()}`
  })
  const ending = ["json", "yaml", "toml"][random(4)]
  if (ending === undefined) return ["json", ...lines].join("\n")
  const entries = Array.from({ length: random(4) }, (): readonly [string, unknown] => [
    name(),
    random(5) === 0 ? random(100_000) : random(8) === 0 ? [value(), value()] : random(20) === 0 ? null : value()
  ])
  const json = JSON.stringify(Object.fromEntries(entries))
  const file = ending === "json"
    ? json
    : entries.map(([key, value]) => `${key} ${ending === "yaml" ? ":" : "="} ${JSON.stringify(value)}`).join("\n")
  return `${[ending, ...lines].join("\n")}\n\n${file}`
}

export const target: Target = {
  name: "config",
  about: "flags, environment and config file: a set-up within its bounds, or an error that names the setting",
  unit: "a set-up",
  suffix: "txt",
  mostBytes: 4 * 1024,
  tokens: [
    ...names.flatMap((name) => [`\n--${name}=`, `\n${Settings.environmentName(name)}=`, `"${name}": `]),
    ...values,
    ..."\n\n { } [ ] : , \" ' # & * ! | > - = &a *a << null true 0x10 1e400 \"\"\" ''' \\u0000".split(" ")
  ].map(utf8),
  seeds: (seed) => {
    const random = randomFrom(seed)
    return Array.from({ length: 120 }, () => utf8(text(random)))
  },
  mutate: (_, random) => random(2) === 0 ? utf8(text(random)) : undefined,
  run: (input) => {
    const told = parse(input)
    const exit = Effect.runSyncExit(load(told))
    if (Exit.isSuccess(exit)) {
      checkConfig(exit.value.config)
      return 1
    }
    const [reason] = exit.cause.reasons
    ensure(
      reason !== undefined && Cause.isFailReason(reason) && reason.error instanceof ConfigError,
      () => `a defect: ${Cause.pretty(exit.cause)}`
    )
    checkError(reason.error, told.file)
    return 1
  }
}
