/**
 * Every setting of the daemon. A setting has one name and three spellings: flag `--max-peers`, environment
 * `TIMEMESH_MAX_PEERS`, key `max-peers` of the config file.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Tuning } from "../../services/NodeConfig.ts"

/** A setting as help and error texts name it. */
export interface Setting {
  readonly name: string
  readonly metavar: string
  /** One line for `--help`, default included. */
  readonly help: string
}

/** A duration or count of `Tuning` with its permitted range, in ms or as a count. */
export interface TuningSetting extends Setting {
  readonly kind: "duration" | "count"
  readonly initial: number
  readonly least: number
  readonly most: number
}

const hour = 3_600_000

/** `1500` → `1.5s`: the spelling that the settings themselves take. */
export const showMs = (ms: number): string => {
  if (ms % hour === 0 && ms >= hour) return `${ms / hour}h`
  if (ms % 60_000 === 0 && ms >= 60_000) return `${ms / 60_000}m`
  return ms >= 1_000 ? `${ms / 1_000}s` : `${ms}ms`
}

const duration = (name: string, initial: number, help: string, least = 1, most = 24 * hour): TuningSetting => ({
  name,
  metavar: "DURATION",
  kind: "duration",
  initial,
  least,
  most,
  help: `${help} (default ${showMs(initial)})`
})

const count = (name: string, initial: number, most: number, help: string): TuningSetting => ({
  name,
  metavar: "N",
  kind: "count",
  initial,
  least: 1,
  most,
  help: `${help} (default ${initial})`
})

/** The settings behind `Tuning`, field by field. */
export const tuning: Readonly<Record<keyof Tuning, TuningSetting>> = {
  dialMs: duration("dial", Limits.dialMs, "A dial that has not connected by then failed"),
  graceMs: duration("grace", Limits.graceMs, "How long the lower IP holds the other's dial for its own", 0, 5_000),
  fallbackMs: duration(
    "fallback",
    Limits.fallbackMs,
    "The higher IP waits this long for the lower one's dial",
    0,
    hour
  ),
  fallbackJitterMs: duration(
    "fallback-jitter",
    Limits.fallbackJitterMs,
    "Random addition to --fallback, at most",
    0,
    hour
  ),
  fallbackFirstMs: duration("fallback-first", Limits.fallbackFirstMs, "As --fallback, on first contact", 0, hour),
  fallbackFirstJitterMs: duration(
    "fallback-first-jitter",
    Limits.fallbackFirstJitterMs,
    "Random addition to --fallback-first, at most",
    0,
    hour
  ),
  pingMs: duration("ping", Limits.pingMs, "A ping goes out this often on every connection", 100),
  deadMs: duration(
    "dead",
    Limits.deadMs,
    "A connection without any byte for this long is down; more than twice --ping"
  ),
  backoffBaseMs: duration("backoff-base", Limits.backoffBaseMs, "First redial delay; doubles per failure"),
  backoffMaxMs: duration("backoff-max", Limits.backoffMaxMs, "Greatest redial delay"),
  maxPeers: count("max-peers", Limits.maxPeers, Limits.knownPeers, "Peers connected at once"),
  maxDials: count("max-dials", Limits.maxDials, 1_024, "Dials under way at once")
}

/** Settings that are texts, addresses and choices. */
export const general = {
  network: {
    name: "network",
    metavar: "testnet|mainnet|devnet",
    help: "Network to belong to (default testnet)"
  },
  listen: {
    name: "listen",
    metavar: "IP:PORT",
    help: "Where peers reach this node: IP, IP:PORT, [IPv6]:PORT or any:PORT (default any, on the network's port)"
  },
  advertise: {
    name: "advertise",
    metavar: "IP",
    help: "The IP peers know this node by, when it differs from a specific --listen IP"
  },
  peer: {
    name: "peer",
    metavar: "IP[:PORT]",
    help: "A peer to connect to; repeatable. In the environment separated by commas, in the file a list"
  },
  dataDir: { name: "data-dir", metavar: "DIR", help: "Where the node keeps its state (default ~/.timemesh/NETWORK)" },
  admin: {
    name: "admin",
    metavar: "IP:PORT",
    help: "Address of the admin API, or off (default: the listen IP if loopback, else 127.0.0.1, at P2P port + 1)"
  },
  logFormat: {
    name: "log-format",
    metavar: "pretty|json",
    help: "Log format (default: pretty on a terminal, else json)"
  },
  logLevel: {
    name: "log-level",
    metavar: "LEVEL",
    help: "Least level logged: all, trace, debug, info, warn, error, fatal or none (default info)"
  }
} as const satisfies Record<string, Setting>

/** The config file itself: flag and environment only. */
export const configFile: Setting = {
  name: "config",
  metavar: "FILE",
  help:
    "Config file, .json, .yaml or .toml; its keys are these flags' names. Flags win over environment, environment over file"
}

/** All settings a file may hold, in the order of `--help`. */
export const all: ReadonlyArray<Setting> = [...Object.values(general), ...Object.values(tuning)]

/** `max-peers` → `TIMEMESH_MAX_PEERS`. */
export const environmentName = (name: string): string => `TIMEMESH_${name.toUpperCase().replaceAll("-", "_")}`

/** Edit distance, for "did you mean". */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The known name most like a misspelt one. */
export const nearest = (name: string, known: ReadonlyArray<string>): string =>
  known.reduce((best, candidate) => distance(name, candidate) < distance(name, best) ? candidate : best, known[0] ?? "")
