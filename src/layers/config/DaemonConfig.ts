/**
 * Builds a complete, valid configuration of the daemon from the collected texts. The first invalid setting is the error.
 */
import type { FileSystem, LogLevel } from "effect"
import { Effect, Redacted, Result } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Outpoint, Tier } from "../../domain/masternode/Masternode.ts"
import { networks } from "../../domain/Network.ts"
import type { Network, NetworkName } from "../../domain/Network.ts"
import { type Own, ownAddress } from "../../domain/NodeSetup.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Seed from "../../domain/peer/Seed.ts"
import { problem as tuningProblem, type Spelling } from "../../domain/Tuning.ts"
import type { NodeSetup, Tuning } from "../../services/NodeConfig.ts"
import type { Collector } from "../http/OtlpExport.ts"
import { fileName as masternodeFile } from "../masternode/MasternodeKey.ts"
import * as AdminToken from "../store/AdminToken.ts"
import { ConfigError } from "./ConfigError.ts"
import * as ConfigSources from "./ConfigSources.ts"
import { one, type Outcome, readText, where } from "./readSetting.ts"
import * as Settings from "./Settings.ts"
import * as ThisHost from "./ThisHost.ts"
import * as Values from "./Values.ts"

/** Everything `run` needs. */
export interface DaemonConfig {
  readonly node: NodeSetup
  readonly transport: Values.Transport
  /** Absolute, or relative to the working directory. May not exist yet. */
  readonly dataDir: string
  /** `undefined`: the chain is in the data directory. */
  readonly chainDatabase: Values.ChainDatabase | undefined
  /** `undefined`: no admin API. Port 0: any free port. */
  readonly admin: PeerAddress.PeerAddress | undefined
  readonly adminToken: TokenSource
  /** Queries to the admin API need the token even on loopback. */
  readonly adminIsClosed: boolean
  /** Collector that metrics are sent to; `undefined`: none. */
  readonly otlp: Collector | undefined
  /** `undefined`: pretty on a terminal, otherwise JSON. */
  readonly logFormat: Values.LogFormat | undefined
  readonly logLevel: LogLevel.LogLevel
  /** The masternode that the node announces itself as; its key is in `keyFile`. */
  readonly masternode: MasternodeSettings | undefined
}

/** Source of the admin API's token: given directly, in a named file, or else in the data directory. */
export interface TokenSource {
  readonly token: Redacted.Redacted | undefined
  readonly file: string | undefined
}

/** A masternode's settings without its key. `collateral` is present only with a paid tier. */
export interface MasternodeSettings {
  readonly tier: Tier
  readonly collateral: Outpoint | undefined
  /** A TIME address of the network; `undefined`: the key's own address. */
  readonly rewards: string | undefined
  readonly keyFile: string
}

/** Shows durations and names as the settings spell them. */
const asSettings: Spelling = { field: (field) => Settings.tuning[field].name, duration: Settings.showMs }

const readTuning = (given: ConfigSources.GivenSettings): Outcome<Tuning> => {
  const value = (field: keyof Tuning) => {
    const setting = Settings.tuning[field]
    return one(given, setting, setting.initial, (text) => Values.tuningValue(setting, text))
  }
  return Result.gen(function*() {
    const tuning: Tuning = {
      dialMs: yield* value("dialMs"),
      graceMs: yield* value("graceMs"),
      fallbackMs: yield* value("fallbackMs"),
      fallbackJitterMs: yield* value("fallbackJitterMs"),
      fallbackFirstMs: yield* value("fallbackFirstMs"),
      fallbackFirstJitterMs: yield* value("fallbackFirstJitterMs"),
      pingMs: yield* value("pingMs"),
      deadMs: yield* value("deadMs"),
      backoffBaseMs: yield* value("backoffBaseMs"),
      backoffMaxMs: yield* value("backoffMaxMs"),
      maxPeers: yield* value("maxPeers"),
      maxDials: yield* value("maxDials")
    }
    const wrong = tuningProblem(tuning, asSettings)
    if (wrong !== undefined) {
      const settings = wrong.fields.map((field) => Settings.tuning[field])
      const culprit = settings.find(({ name }) => given.has(name)) ?? settings[0]
      return yield* Result.fail(
        new ConfigError({
          where: culprit === undefined ? "" : where(given, culprit),
          problem: wrong.problem,
          fix: wrong.fix
        })
      )
    }
    return tuning
  })
}

const ownWords: Readonly<Record<Own, string>> = {
  advertise: "its --advertise address",
  listen: "its --listen address",
  host: "an address of this machine, and the node listens on all of them",
  any: "a loopback address, and the node listens on all of them at that port"
}

const readPeers = (
  given: ConfigSources.GivenSettings,
  defaultPort: number,
  listen: NodeSetup["listen"],
  advertise: PeerIp.PeerIp | undefined,
  host: ThisHost.Host
): Outcome<ReadonlyArray<PeerAddress.PeerAddress>> =>
  Result.gen(function*() {
    const from = given.get(Settings.general.peer.name)
    const peers = new Map<PeerIp.PeerIp, PeerAddress.PeerAddress>()
    for (const text of from?.values ?? []) {
      const source = from?.where ?? "--peer"
      const peer = yield* readText(source, text, (input) => Values.peer(input, defaultPort))
      const own = ownAddress(peer, { listen, advertise }, host.addresses)
      if (own !== undefined) {
        return yield* Result.fail(
          new ConfigError({
            where: source,
            input: text,
            problem: `is this node itself (${ownWords[own]})`,
            fix: "a peer is its IP, so each node on this machine needs its own; use 127.0.0.2 for the other node" +
              (listen.ip === "any" ? ", and --listen 127.0.0.1 for this one" : "")
          })
        )
      }
      const known = peers.get(peer.ip)
      if (known !== undefined && known.port !== peer.port) {
        return yield* Result.fail(
          new ConfigError({
            where: source,
            input: text,
            problem: `repeats ${peer.ip} with another port (${known.port} before)`,
            fix: "a peer is its IP, so name each IP once"
          })
        )
      }
      peers.set(peer.ip, peer)
    }
    if (peers.size > Limits.configuredPeers) {
      return yield* Result.fail(
        new ConfigError({
          where: from?.where ?? "--peer",
          input: `${peers.size} addresses`,
          problem: `exceeds the limit of ${Limits.configuredPeers} configured peers`,
          fix: "name fewer; the node learns the others from its peers"
        })
      )
    }
    return [...peers.values()]
  })

/** `none`, given alone, means no seeds. */
const readSeeds = (given: ConfigSources.GivenSettings, network: Network): Outcome<ReadonlyArray<Seed.Seed>> =>
  Result.gen(function*() {
    const from = given.get(Settings.general.seed.name)
    const texts = from?.values ?? network.seeds ?? []
    const seeds: Array<Seed.Seed> = []
    if (texts.length === 1 && texts[0] === "none") return seeds
    for (const input of texts) {
      const seed = Result.mapError(Seed.fromString(input, network.port), (problem) =>
        new ConfigError({
          where: from?.where ?? "--seed",
          input,
          problem,
          fix: "use NAME, NAME:PORT, IP or IP:PORT, for example seed.example.org; or none alone"
        }))
      seeds.push(yield* seed)
    }
    if (seeds.length > Limits.seeds) {
      return yield* Result.fail(
        new ConfigError({
          where: from?.where ?? "--seed",
          input: `${seeds.length} seeds`,
          problem: `exceeds the limit of ${Limits.seeds}`,
          fix: "name fewer; the node learns the others from its peers"
        })
      )
    }
    return seeds
  })

const readAdmin = (
  given: ConfigSources.GivenSettings,
  listen: NodeSetup["listen"]
): Outcome<PeerAddress.PeerAddress | undefined> =>
  Result.gen(function*() {
    const port = listen.port === 0 ? 0 : listen.port === 65_535 ? listen.port - 1 : listen.port + 1
    const ip = listen.ip !== "any" && PeerIp.classOf(listen.ip) === "loopback"
      ? listen.ip
      : PeerIp.fromStringUnsafe("127.0.0.1")
    const admin = yield* one<PeerAddress.PeerAddress | undefined>(
      given,
      Settings.general.admin,
      PeerAddress.make(ip, port),
      (text) => Values.admin(text, port)
    )
    if (
      admin !== undefined && admin.port !== 0 && admin.port === listen.port &&
      (listen.ip === "any" || listen.ip === admin.ip)
    ) {
      return yield* Result.fail(
        new ConfigError({
          where: where(given, Settings.general.admin),
          input: PeerAddress.format(admin),
          problem: "conflicts with the peer listen address",
          fix: "choose another port for the admin API"
        })
      )
    }
    return admin
  })

/** The token's source, for the node and its commands. No error shows the token's text. */
export const readToken = (
  given: ConfigSources.GivenSettings,
  home: string | undefined
): Outcome<TokenSource> =>
  Result.gen(function*() {
    const { adminToken, adminTokenFile } = Settings.general
    const [text, file] = [given.get(adminToken.name)?.values[0], given.get(adminTokenFile.name)?.values[0]]
    const problem = text === undefined
      ? undefined
      : file === undefined
      ? AdminToken.problem(text)
      : `is given, and ${where(given, adminTokenFile)} as well`
    if (problem !== undefined) {
      return yield* Result.fail(
        new ConfigError({
          where: where(given, adminToken),
          problem,
          fix: file === undefined ? "make one: openssl rand -hex 32" : "give one of them"
        })
      )
    }
    return {
      token: text === undefined ? undefined : AdminToken.make(text),
      file: file === undefined ? undefined : yield* ThisHost.expandHome(home, file)
    }
  })

const readChainDatabase = (given: ConfigSources.GivenSettings): Outcome<Values.ChainDatabase | undefined> => {
  const text = given.get(Settings.general.chainDatabase.name)?.values[0]
  if (text === undefined) return Result.succeed(undefined)
  const read = Values.chainDatabase(text)
  return read === undefined
    ? Result.fail(
      new ConfigError({
        where: where(given, Settings.general.chainDatabase),
        problem: "is not the URL of a PostgreSQL database",
        fix: "use postgresql://USER@HOST:PORT/DATABASE"
      })
    )
    : Result.succeed(read)
}

const readOtlp = (given: ConfigSources.GivenSettings): Outcome<Collector | undefined> =>
  Result.gen(function*() {
    const { otlp, otlpHeaders } = Settings.general
    const at = given.get(otlp.name)?.values[0]
    if (at !== undefined && URL.canParse(at) && Values.hasKey(new URL(at))) {
      return yield* Result.fail(
        new ConfigError({
          where: where(given, otlp),
          problem: "has a user, a password or a query",
          fix: "give a key with --otlp-headers"
        })
      )
    }
    const url = yield* one<string | undefined>(given, otlp, undefined, Values.otlp)
    const text = given.get(otlpHeaders.name)?.values[0]
    const headers = text === undefined ? Redacted.make({}) : Values.otlpHeaders(text)
    if (headers === undefined || (url === undefined && text !== undefined)) {
      return yield* Result.fail(
        new ConfigError({
          where: where(given, otlpHeaders),
          problem: headers === undefined ? "is not a list of headers" : "is given without a collector",
          fix: headers === undefined ? "use NAME=VALUE,NAME=VALUE" : "give --otlp URL as well, or leave it out"
        })
      )
    }
    return url === undefined ? undefined : { url, headers }
  })

const tokenWarnings = (given: ConfigSources.GivenSettings): ReadonlyArray<string> =>
  given.get(Settings.general.adminToken.name)?.where === `--${Settings.general.adminToken.name}`
    ? [
      "every user of this host can read --admin-token on the command line; use --admin-token-file, or TIMEMESH_ADMIN_TOKEN"
    ]
    : []

const readDataDir = (
  given: ConfigSources.GivenSettings,
  host: ThisHost.Host,
  network: NetworkName
): Outcome<string> => {
  const text = given.get(Settings.general.dataDir.name)?.values[0]
  return text === undefined ? ThisHost.defaultDataDir(host.home, network) : ThisHost.expandHome(host.home, text)
}

const readMasternode = (
  given: ConfigSources.GivenSettings,
  host: ThisHost.Host,
  dataDir: string,
  network: NetworkName
): Outcome<MasternodeSettings | undefined> =>
  Result.gen(function*() {
    const { masternode, masternodeCollateral, masternodeKey, masternodeRewards } = Settings.general
    const tier = yield* one<Tier | undefined>(given, masternode, undefined, Values.tier)
    const collateral = yield* one<Outpoint | undefined>(given, masternodeCollateral, undefined, Values.outpoint)
    const rewards = yield* one<string | undefined>(given, masternodeRewards, undefined, Values.rewards(network))
    const file = given.get(masternodeKey.name)?.values[0]
    const keyFile = file === undefined ? `${dataDir}/${masternodeFile}` : yield* ThisHost.expandHome(host.home, file)
    if (tier === undefined) return undefined
    if ((tier === "free") !== (collateral === undefined)) {
      return yield* Result.fail(
        new ConfigError({
          where: where(given, tier === "free" ? masternodeCollateral : masternode),
          input: tier === "free" ? undefined : tier,
          problem: tier === "free" ? "is for paid tiers only" : "is a paid tier without collateral",
          fix: tier === "free" ? "leave it out" : "give --masternode-collateral TXID:VOUT"
        })
      )
    }
    return { tier, collateral, rewards, keyFile }
  })

/** Parses and checks the collected texts. Pure. `software`: the name sent in the node's Hello. */
export const decode = (
  given: ConfigSources.GivenSettings,
  host: ThisHost.Host,
  software: string
): Outcome<DaemonConfig> =>
  Result.gen(function*() {
    const { general } = Settings
    const network = yield* one(given, general.network, networks.testnet, Values.network)
    const listen = yield* one<NodeSetup["listen"]>(
      given,
      general.listen,
      { ip: "any", port: network.port },
      (text) => Values.listen(text, network.port)
    )
    const at = yield* one<Values.Public | undefined>(given, general.advertise, undefined, Values.advertise)
    const advertise = at?.ip
    const tuning = yield* readTuning(given)
    const peers = yield* readPeers(given, network.port, listen, advertise, host)
    const seeds = yield* readSeeds(given, network)
    const dataDir = yield* readDataDir(given, host, network.name)
    return {
      node: { network, listen, advertise, advertisePort: at?.port, peers, seeds, software, tuning, masternodes: true },
      transport: yield* one<Values.Transport>(
        given,
        general.transport,
        Values.usualTransport(network.name),
        Values.transport
      ),
      dataDir,
      chainDatabase: yield* readChainDatabase(given),
      masternode: yield* readMasternode(given, host, dataDir, network.name),
      admin: yield* readAdmin(given, listen),
      adminToken: yield* readToken(given, host.home),
      adminIsClosed: (yield* one<Values.AdminReads>(given, general.adminReads, "open", Values.adminReads)) === "token",
      otlp: yield* readOtlp(given),
      logFormat: yield* one<Values.LogFormat | undefined>(given, general.logFormat, undefined, Values.logFormat),
      logLevel: yield* one<LogLevel.LogLevel>(given, general.logLevel, "Info", Values.logLevel)
    }
  })

/** The configuration (flags > environment > file > defaults), the texts it is made from, and the sources' warnings. */
export const load = Effect.fnUntraced(function*(
  flags: ConfigSources.Flags,
  software: string
): Effect.fn.Return<
  {
    readonly config: DaemonConfig
    readonly given: ConfigSources.GivenSettings
    readonly warnings: ReadonlyArray<string>
  },
  ConfigError,
  FileSystem.FileSystem
> {
  const { given, warnings } = yield* ConfigSources.collect(flags)
  const config = yield* Effect.fromResult(decode(given, yield* ThisHost.read, software))
  return { config, given, warnings: [...warnings, ...tokenWarnings(given)] }
})
