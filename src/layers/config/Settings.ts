/**
 * Every setting of the daemon. One name, three spellings: flag `--max-peers`, environment variable `TIMEMESH_MAX_PEERS`,
 * key `max-peers` of the config file.
 */
import { defaults, type Range, ranges, type Tuning } from "../../domain/Tuning.ts"

/** A setting as help and errors show it. */
export interface Setting {
  readonly name: string
  readonly metavar: string
  /** One line for `--help`, with the default. */
  readonly help: string
}

/** A duration (ms) or count of `Tuning`, with its permitted range. */
export interface TuningSetting extends Setting, Range {
  readonly initial: number
}

const hour = 3_600_000

/** `1500` → `1.5s`: the spelling that settings accept. */
export const showMs = (ms: number): string => {
  if (ms % hour === 0 && ms >= hour) return `${ms / hour}h`
  if (ms % 60_000 === 0 && ms >= 60_000) return `${ms / 60_000}m`
  return ms >= 1_000 ? `${ms / 1_000}s` : `${ms}ms`
}

/** `Ping interval (default 15s). Higher: …; lower: …`. */
const describe = (noun: string, initial: string, { higher, lower }: Cost): string =>
  `${noun} (default ${initial}). Higher: ${higher}; lower: ${lower}`

/** The cost of raising and lowering the value, for the operator's decision. */
interface Cost {
  readonly higher: string
  readonly lower: string
}

const setting = (field: keyof Tuning, name: string, noun: string, cost: Cost): TuningSetting => {
  const [range, initial] = [ranges[field], defaults[field]]
  const isDuration = range.kind === "duration"
  return {
    ...range,
    name,
    metavar: isDuration ? "DURATION" : "N",
    initial,
    help: describe(noun, isDuration ? showMs(initial) : String(initial), cost)
  }
}

/** The settings behind `Tuning`, field by field. */
export const tuning: Readonly<Record<keyof Tuning, TuningSetting>> = {
  dialMs: setting("dialMs", "dial", "Dial timeout", {
    higher: "a dead address occupies one of --max-dials longer",
    lower: "peers behind slow links are never reached"
  }),
  graceMs: setting("graceMs", "grace", "Time the lower IP holds an inbound dial while its own dial is in flight", {
    higher: "the pair connects later when that dial fails",
    lower: "crossed dials open, and then close, a second socket more often"
  }),
  fallbackMs: setting("fallbackMs", "fallback", "Time the higher IP waits for the lower IP's dial before it dials", {
    higher: "slower reconnection where only the higher IP can dial",
    lower: "both ends dial more often, and one socket is thrown away"
  }),
  fallbackJitterMs: setting("fallbackJitterMs", "fallback-jitter", "Maximum random addition to --fallback", {
    higher: "slower reconnection",
    lower: "peers dial in bursts after an outage"
  }),
  fallbackFirstMs: setting("fallbackFirstMs", "fallback-first", "--fallback at first contact with a configured peer", {
    higher: "slower start",
    lower: "more crossed dials at start"
  }),
  fallbackFirstJitterMs: setting(
    "fallbackFirstJitterMs",
    "fallback-first-jitter",
    "Maximum random addition to --fallback-first",
    { higher: "slower start", lower: "nodes started together dial in bursts" }
  ),
  pingMs: setting("pingMs", "ping", "Ping interval", {
    higher: "idle NAT mappings expire, and --dead must rise with it",
    lower: "more traffic and CPU per peer"
  }),
  deadMs: setting(
    "deadMs",
    "dead",
    "Time without a byte from a peer after which the connection is closed; more than twice --ping",
    {
      higher: "a dead peer keeps its slot longer",
      lower: "a congested link loses live connections"
    }
  ),
  backoffBaseMs: setting("backoffBaseMs", "backoff-base", "First redial delay, doubled per failure", {
    higher: "slower reconnection after a short outage",
    lower: "more dials to a peer that is restarting"
  }),
  backoffMaxMs: setting("backoffMaxMs", "backoff-max", "Maximum redial delay", {
    higher: "a peer that returns is reached later",
    lower: "more dials to dead addresses"
  }),
  maxPeers: setting("maxPeers", "max-peers", "Peer limit: connections up at once, beside those to configured peers", {
    higher: "more memory (about 15 KiB each), traffic and file descriptors",
    lower: "fewer sources of blocks, and an easier node to isolate"
  }),
  maxDials: setting("maxDials", "max-dials", "Dials in flight at once", {
    higher: "firewalls may take the start for a port scan",
    lower: "slower start when many addresses are dead"
  })
}

/** Settings whose values are texts, addresses or choices. */
export const general = {
  network: {
    name: "network",
    metavar: "testnet|mainnet|devnet",
    help: "Network to join (default testnet)"
  },
  listen: {
    name: "listen",
    metavar: "IP:PORT",
    help: "Listen address for peers: IP, IP:PORT, [IPv6]:PORT or any:PORT (default any, on the network's port)"
  },
  advertise: {
    name: "advertise",
    metavar: "IP[:PORT]",
    help:
      "Public IP of this node, where it differs from the --listen IP, and its public port, where a router forwards another one"
  },
  peer: {
    name: "peer",
    metavar: "IP[:PORT]",
    help: "Peer to connect to; repeatable. Comma-separated in the environment, a list in the config file"
  },
  seed: {
    name: "seed",
    metavar: "NAME[:PORT]|IP[:PORT]",
    help:
      "DNS name or address to ask for peers while none is connected; repeatable, or none (default: the network's seeds). Listed as --peer is"
  },
  transport: {
    name: "transport",
    metavar: "plain|tls",
    help:
      "How peers are connected; all nodes of a network choose the same (default tls on testnet and mainnet, plain on devnet)"
  },
  dataDir: { name: "data-dir", metavar: "DIR", help: "Data directory (default ~/.timemesh/NETWORK)" },
  chainDatabase: {
    name: "chain-database",
    metavar: "URL",
    help:
      "PostgreSQL database that has the chain instead of chain.db, postgresql://USER@HOST/DATABASE: one node writes, others may read. With a password, use TIMEMESH_CHAIN_DATABASE"
  },
  admin: {
    name: "admin",
    metavar: "IP:PORT",
    help: "Admin API address, or off (default: the listen IP if loopback, else 127.0.0.1, on the peer port + 1)"
  },
  adminToken: {
    name: "admin-token",
    metavar: "TOKEN",
    help:
      "Token that commands to the node need, instead of that in --admin-token-file. Other users see it on the command line: use TIMEMESH_ADMIN_TOKEN"
  },
  adminTokenFile: {
    name: "admin-token-file",
    metavar: "FILE",
    help:
      "File of that token, which other users cannot read (default: admin.token in the data directory, made at the first start)"
  },
  adminReads: {
    name: "admin-reads",
    metavar: "open|token",
    help: "Whether questions need the token too, on loopback (default open); beyond loopback they always do"
  },
  otlp: {
    name: "otlp",
    metavar: "URL",
    help:
      "OpenTelemetry collector that gets the metrics of GET /metrics every 15 s, by OTLP over HTTP, http://HOST:4318 (default: none)"
  },
  otlpHeaders: {
    name: "otlp-headers",
    metavar: "NAME=VALUE,...",
    help:
      "Headers of each request to the collector. With a key, use TIMEMESH_OTLP_HEADERS: other users see the command line"
  },
  masternode: {
    name: "masternode",
    metavar: "free|bronze|silver|gold",
    help: "Announce this node as a masternode of that tier. Make its key once: timemesh masternodes key"
  },
  masternodeKey: {
    name: "masternode-key",
    metavar: "FILE",
    help: "Key of the masternode (default masternode.key in the data directory)"
  },
  masternodeCollateral: {
    name: "masternode-collateral",
    metavar: "TXID:VOUT",
    help: "Transaction output that backs a paid tier"
  },
  masternodeRewards: {
    name: "masternode-rewards",
    metavar: "ADDRESS",
    help:
      "TIME address that block rewards go to, as the TIME network is told (default: that of the masternode key). A paid tier needs that of its collateral; no two masternodes may share one"
  },
  logFormat: {
    name: "log-format",
    metavar: "pretty|json",
    help: "Log format (default: pretty on a terminal, otherwise json)"
  },
  logLevel: {
    name: "log-level",
    metavar: "LEVEL",
    help: "Minimum log level: all, trace, debug, info, warn, error, fatal or none (default info)"
  }
} as const satisfies Record<string, Setting>

/** The config file itself: flag and environment variable only. */
export const configFile: Setting = {
  name: "config",
  metavar: "FILE",
  help:
    "Config file, .json, .yaml or .toml; its keys are the flag names. Flags override the environment, which overrides the file"
}

/** All settings allowed in a config file, in the order of `--help`. */
export const all: ReadonlyArray<Setting> = [...Object.values(general), ...Object.values(tuning)]

/** Settings with more than one value, each with an example list. */
export const lists: Readonly<Record<string, string>> = {
  [general.peer.name]: "[\"203.0.113.7:24100\"]",
  [general.seed.name]: "[\"seed.example.org\", \"203.0.113.7:24100\"]"
}

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

/** The known name closest to a misspelt one. */
export const nearest = (name: string, known: ReadonlyArray<string>): string =>
  known.reduce((best, candidate) => distance(name, candidate) < distance(name, best) ? candidate : best, known[0] ?? "")
