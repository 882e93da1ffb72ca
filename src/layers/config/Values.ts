/** Parses the text of one setting. Pure. A failure is `[problem, fix]`, which the caller completes with the text's source. */
import type { LogLevel } from "effect"
import { Redacted, Result } from "effect"
import { NetAddress } from "effect/net"
import * as TimeAddress from "../../domain/chain/TimeAddress.ts"
import { type Outpoint, parseOutpoint, type Tier, tiers } from "../../domain/masternode/Masternode.ts"
import { networkNames, networks } from "../../domain/Network.ts"
import type { Network, NetworkName } from "../../domain/Network.ts"
import { addressProblem } from "../../domain/NodeSetup.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import { sha256 } from "../crypto/sha256.ts"
import { showMs } from "./Settings.ts"
import type { TuningSetting } from "./Settings.ts"

export type Read<A> = Result.Result<A, readonly [problem: string, fix: string]>

const fail = (problem: string, fix: string) => Result.fail([problem, fix] as const)

/** `value`, if `ip`, its address, is one that a host can have. */
const ofHost = <A>(ip: PeerIp.PeerIp, value: A, fix: string): Read<A> => {
  const problem = addressProblem(ip)
  return problem === undefined ? Result.succeed(value) : fail(problem, fix)
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `15s`, `500ms`, `1.5m`, `1h`, `7d`; also `15 seconds` and the like. In ms. */
export const durationMs = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|milli(?:second)?s?|sec(?:ond)?s?|min(?:ute)?s?|hours?|d|days?)$/i.exec(
    text.trim()
  )
  if (match === null) return undefined
  const unit = (match[2] ?? "").toLowerCase()
  const short = unit === "ms" || unit.startsWith("milli") ? "ms" : unit.charAt(0)
  return Math.round(Number(match[1]) * (unitMs[short] ?? 1))
}

/** A duration (in ms) or count within the setting's range. */
export const tuningValue = (setting: TuningSetting, text: string): Read<number> => {
  const show = setting.kind === "duration" ? showMs : String
  const value = setting.kind === "duration" ? durationMs(text) : /^\d{1,9}$/.test(text) ? Number(text) : undefined
  if (value === undefined) {
    return setting.kind === "duration"
      ? fail("is not a duration", "use a number and a unit, for example 500ms, 15s, 2m or 1h")
      : fail("is not a whole number", `use a number from ${setting.least} to ${setting.most}`)
  }
  return value < setting.least || value > setting.most
    ? fail("is out of range", `use ${show(setting.least)} to ${show(setting.most)}`)
    : Result.succeed(value)
}

export const network = (text: string): Read<Network> => {
  const known: ReadonlyArray<string> = networkNames
  return known.includes(text)
    ? Result.succeed(networks[text as NetworkName])
    : fail("is not a network", `use ${networkNames.slice(0, -1).join(", ")} or ${networkNames.at(-1)}`)
}

/** `IP`, `IP:PORT` or `[IPv6]:PORT`; unlike a peer's, the port may be 0 (any free one). */
export const endpoint = (
  text: string,
  defaultPort: number
): Result.Result<PeerAddress.PeerAddress, PeerAddress.PeerAddressError> => {
  const exact = NetAddress.inetAddressFromString(text)
  if (Result.isSuccess(exact) && exact.success.port === 0) return Result.succeed(PeerAddress.fromInet(exact.success))
  return PeerAddress.fromString(text, defaultPort)
}

const portFix = "use a port from 0 to 65535"

const listenFix = "use IP, IP:PORT, [IPv6]:PORT or any:PORT, for example 127.0.0.2:24100 or any:24100"

/** A listen address. `any`, `0.0.0.0` and `[::]` all mean every address of the host. */
export const listen = (
  text: string,
  defaultPort: number
): Read<{ readonly ip: PeerIp.PeerIp | "any"; readonly port: number }> => {
  const any = /^any(?::(\d{1,5}))?$/.exec(text)
  if (any !== null) {
    const port = any[1] === undefined ? defaultPort : Number(any[1])
    return port > 65_535
      ? fail("has an invalid port", portFix)
      : Result.succeed({ ip: "any", port })
  }
  const address = endpoint(text, defaultPort)
  if (Result.isFailure(address)) {
    return fail(
      "is not a listen address",
      address.failure.fault === "port" ? portFix : listenFix
    )
  }
  const { ip, port } = address.success
  if (NetAddress.isUnspecified(PeerIp.toIpAddress(ip))) return Result.succeed({ ip: "any", port })
  return ofHost(ip, { ip, port }, listenFix)
}

/** Where peers reach a node. `port` is `undefined` when it is the listen port. */
export interface Public {
  readonly ip: PeerIp.PeerIp
  readonly port: number | undefined
}

/** `IP`, `IP:PORT` or `[IPv6]:PORT`: an address that can be a peer's identity. */
export const advertise = (text: string): Read<Public> => {
  const fix = "use the IP at which peers reach this node, and the port if that is another one: 203.0.113.7, " +
    "203.0.113.7:24100 or [2001:db8::7]:24100"
  const bare = PeerIp.fromString(text)
  if (Result.isSuccess(bare)) return ofHost(bare.success, { ip: bare.success, port: undefined }, fix)
  if (!/[:[]/.test(text)) return fail("is not an IP address", bare.failure.reason)
  // The default 1 is never used: a text without a port was read above, and `[IPv6]` alone has none.
  const address = PeerAddress.fromString(text, 1)
  if (Result.isFailure(address)) {
    const { fault, reason } = address.failure
    return fault === "form"
      ? fail("is not a public address", fix)
      : fail(`is not a public address: ${reason}`, fix)
  }
  const { ip, port } = address.success
  return ofHost(ip, { ip, port: text.endsWith("]") ? undefined : port }, fix)
}

export const peer = (text: string, defaultPort: number): Read<PeerAddress.PeerAddress> => {
  const address = PeerAddress.fromString(text, defaultPort)
  if (Result.isFailure(address)) {
    const { fault, reason } = address.failure
    return fault === "form"
      ? fail(
        "is not a peer address",
        "use IP, IP:PORT or [IPv6]:PORT, for example 203.0.113.7:24100 or [2001:db8::7]:24100"
      )
      : fail(`is not a peer address: ${reason}`, "use IP, IP:PORT or [IPv6]:PORT")
  }
  return ofHost(address.success.ip, address.success, "use the peer's IP, for example 203.0.113.7")
}

/** `off` gives `undefined`. */
export const admin = (text: string, defaultPort: number): Read<PeerAddress.PeerAddress | undefined> => {
  if (text === "off") return Result.succeed(undefined)
  const address = endpoint(text, defaultPort)
  return Result.isSuccess(address)
    ? Result.succeed(address.success)
    : fail("is not an admin API address", "use IP:PORT, for example 127.0.0.1:24101, or off")
}

export const tier = (text: string): Read<Tier> => {
  const known = tiers.find((name) => name === text.toLowerCase())
  return known === undefined
    ? fail("is not a tier", `use ${tiers.slice(0, -1).join(", ")} or ${tiers.at(-1)}`)
    : Result.succeed(known)
}

export const outpoint = (text: string): Read<Outpoint> => {
  const read = parseOutpoint(text)
  return read === undefined
    ? fail("is not a transaction output", "use TXID:VOUT, with 64 hex digits and a number")
    : Result.succeed(read)
}

/** A TIME address of the network, recognised by its prefix and checksum. */
export const rewards = (network: NetworkName) => (text: string): Read<string> => {
  const of = TimeAddress.networkOf({ sha256 }, text)
  if (of === undefined) return fail("is not a TIME address", "check the spelling: its last characters are a checksum")
  return of === network || network === "devnet"
    ? Result.succeed(text)
    : fail(`is an address of ${of}`, `give one of ${network}`)
}

export type Transport = "plain" | "tls"

export const transport = (text: string): Read<Transport> =>
  text === "plain" || text === "tls" ? Result.succeed(text) : fail("is not a transport", "use plain or tls")

/** The transport that other nodes of the network use: testnet and mainnet belong to the TIME network, which is all TLS. */
export const usualTransport = (network: NetworkName): Transport => network === "devnet" ? "plain" : "tls"

/** A PostgreSQL database: its URL, which may contain a password, and its name without one. */
export interface ChainDatabase {
  readonly url: Redacted.Redacted
  /** `postgresql://HOST[:PORT]/DATABASE`: for errors and logs. */
  readonly name: string
}

/** The text may contain a password, so that no error repeats it: the `ConfigError` has no input. */
export const chainDatabase = (text: string): ChainDatabase | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^postgres(?:ql)?:$/.test(url.protocol) || !/^\/[^/]+$/.test(url.pathname)) return undefined
  return {
    url: Redacted.make(text, { label: "chain database" }),
    name: `postgresql://${url.host}${url.pathname}`
  }
}

/** The URL to which an OTLP collector takes metrics: a path below the given address, unless that names the path itself. */
export const otlp = (text: string): Read<string> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return fail("is not an HTTP address", otlpFix)
  return Result.succeed(/\/v1\/metrics\/?$/.test(url.pathname) ? text : `${text.replace(/\/$/, "")}/v1/metrics`)
}

/** Whether the URL contains what may be a secret, which would be shown wherever the address is. */
export const hasKey = ({ hash, password, search, username }: URL): boolean =>
  username !== "" || password !== "" || search !== "" || hash !== ""

const otlpFix = "use http://HOST:4318 or https://HOST/PATH"

/** `NAME=VALUE,NAME=VALUE`. The text may contain a key, so that no error repeats it: the `ConfigError` has no input. */
export const otlpHeaders = (text: string): Redacted.Redacted<Readonly<Record<string, string>>> | undefined => {
  const pairs = text.split(",").map((pair) => /^\s*([!#$%&'*+.^`|~\w-]+)\s*=([\t\x20-\x7e]*)$/.exec(pair))
  return pairs.includes(null)
    ? undefined
    : Redacted.make(Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", (pair?.[2] ?? "").trim()])), {
      label: "OTLP headers"
    })
}

export type AdminReads = "open" | "token"

export const adminReads = (text: string): Read<AdminReads> =>
  text === "open" || text === "token" ? Result.succeed(text) : fail("is not a choice", "use open or token")

export type LogFormat = "pretty" | "json"

export const logFormat = (text: string): Read<LogFormat> =>
  text === "pretty" || text === "json" ? Result.succeed(text) : fail("is not a log format", "use pretty or json")

/** A map, because an object also has properties such as `constructor`. */
const levels: ReadonlyMap<string, LogLevel.LogLevel> = new Map([
  ["all", "All"],
  ["trace", "Trace"],
  ["debug", "Debug"],
  ["info", "Info"],
  ["warn", "Warn"],
  ["warning", "Warn"],
  ["error", "Error"],
  ["fatal", "Fatal"],
  ["none", "None"]
])

/** Case-insensitive: `debug`, `Debug`. */
export const logLevel = (text: string): Read<LogLevel.LogLevel> => {
  const level = levels.get(text.toLowerCase())
  return level === undefined
    ? fail("is not a log level", "use all, trace, debug, info, warn, error, fatal or none")
    : Result.succeed(level)
}
