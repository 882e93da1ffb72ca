/** `timemesh crawl IP …`: queries the nodes of a network one by one. */
import { Clock, Console, Effect, Layer, Result } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Limits from "../domain/Limits.ts"
import { networks } from "../domain/Network.ts"
import { addressProblem } from "../domain/NodeSetup.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import type * as PeerIp from "../domain/peer/PeerIp.ts"
import * as Settings from "../layers/config/Settings.ts"
import * as Values from "../layers/config/Values.ts"
import type * as Crawl from "../layers/crawl/Crawl.ts"
import type { Finding } from "../layers/crawl/Probe.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import { PeerSocket } from "../services/PeerSocket.ts"
import * as target from "./chain/target.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { type Column, fitted } from "./table.ts"
import { width } from "./terminal.ts"
import { hang, harmless } from "./terminalText.ts"
import { software } from "./version.ts"
import { wireName } from "./wireName.ts"

/** One node as JSON, with the number of peers it named instead of their addresses. */
const shown = ({ peers, ...finding }: Finding) => ({ ...finding, named: peers.length })

const columns: ReadonlyArray<Column<Finding>> = [
  { heading: "NODE", cut: "middle", cell: ({ ip }) => ip },
  { heading: "PORT", worth: 2, cell: ({ port }) => String(port) },
  { heading: "REACHED", cell: ({ isReachable }) => isReachable ? "yes" : "no" },
  {
    heading: "WIRE",
    worth: 3,
    cell: ({ transport, wire }) => wire === undefined ? "?" : `${wireName(wire)}, ${transport ?? "?"}`
  },
  { heading: "SOFTWARE", worth: 4, cell: ({ software }) => software ?? "?" },
  { heading: "HEIGHT", worth: 5, cell: ({ height }) => height === undefined ? "?" : String(height) },
  { heading: "NAMED", worth: 1, cell: ({ peers }) => String(peers.length) },
  { heading: "PROBLEM", cell: ({ problem }) => problem ?? "" }
]

/** The table for a person, at most `width` wide if that is known. */
export const render = ({ left, nodes }: Crawl.Report, width: number | undefined): string => {
  const reachable = nodes.filter(({ isReachable }) => isReachable)
  return [
    ...(nodes.length === 0 ? [] : [...fitted(columns, nodes, width), ""]),
    hang(
      `${nodes.length} asked, ${reachable.length} reached${left === 0 ? "" : `; more were named: raise --most`}`,
      width
    )
  ].join("\n")
}

const given = {
  from: Argument.String("address").pipe(
    Argument.withDescription("Where to begin: IP, IP:PORT or [IPv6]:PORT"),
    Argument.atLeast(1)
  ),
  network: flags.setting({ ...Settings.general.network, help: "Network to walk (default testnet)" }),
  transport: flags.setting({
    ...Settings.general.transport,
    help: "How its nodes are connected (default tls, plain on devnet)"
  }),
  dataDir: flags.setting({
    ...Settings.general.dataDir,
    help:
      "Keeps the key that this host is known by: the node's own directory, if it has one (default ~/.timemesh/NETWORK)"
  }),
  most: Flag.Int("most").pipe(
    Flag.withDescription(`Addresses to ask at most (default ${Limits.crawlUsually})`),
    Flag.withDefault(Limits.crawlUsually)
  ),
  perSecond: Flag.Int("per-second").pipe(
    Flag.withDescription(`Dials a second at most (default ${Limits.crawlPerSecond})`),
    Flag.withDefault(Limits.crawlPerSecond)
  ),
  json: flags.json
}

const inRange = (name: string, value: number, most: number): Result.Result<number, Failure.Failure> =>
  value >= 1 && value <= most
    ? Result.succeed(value)
    : Result.fail(Failure.unusable(`--${name}: "${value}" is out of range`, `use 1 to ${most}`))

/** Why a starting address is not asked: the crawl would leave it out without a word. */
const startProblem = (
  addresses: ReadonlyArray<PeerAddress.PeerAddress>,
  own: ReadonlyArray<PeerIp.PeerIp>
): Failure.Failure | undefined => {
  for (const { ip } of addresses) {
    const problem = addressProblem(ip)
    if (problem !== undefined) return Failure.unusable(`${ip} ${problem}`, "name the IP of one host")
    if (own.includes(ip)) {
      return Failure.unusable(`${ip} is this host's own address`, "name another node (timemesh status asks this one)")
    }
  }
  return undefined
}

/** `directory`: where this host's key is kept, for TLS. */
const socketsOf = (transport: Values.Transport, directory: string) =>
  Effect.promise(async () => {
    if (transport === "plain") return (await import("../layers/socket/TcpSocket.ts")).layer
    const [TlsSocket, CertificateFile, PinsMemory] = await Promise.all([
      import("../layers/socket/TlsSocket.ts"),
      import("../layers/store/CertificateFile.ts"),
      import("../layers/store/PinsMemory.ts")
    ])
    return TlsSocket.layer({ acceptPlain: false }).pipe(
      Layer.provide([CertificateFile.layer(directory), PinsMemory.layer()])
    )
  })

export const command = Command.make(
  "crawl",
  given,
  Effect.fnUntraced(function*({ dataDir, from, json, most, network: told, perSecond, transport }) {
    yield* Effect.fromResult(inRange("most", most, Limits.crawlMost))
    yield* Effect.fromResult(inRange("per-second", perSecond, Limits.crawlPerSecondMost))
    const { given, network: name = "testnet" } = yield* target.chosen({
      "data-dir": dataDir,
      network: told,
      transport
    })
    const network = networks[name]
    const addresses = yield* Effect.forEach(
      from,
      (text) =>
        Effect.fromResult(PeerAddress.fromString(text, network.port)).pipe(
          Effect.mapError((error) => Failure.unusable(error))
        )
    )
    const directory = yield* target.dataDirOf(given, name)
    const way = given.get(Settings.general.transport.name)
    const [text = Values.usualTransport(name)] = way?.values ?? []
    const chosen = yield* Effect.fromResult(
      Result.mapError(
        Values.transport(text),
        ([problem, fix]) => Failure.unusable(`${way?.where}: "${text}" ${problem}`, fix)
      )
    )
    if (chosen === "tls") {
      yield* Effect.mapError(DataDir.create(directory), (error) => Failure.unusable(error))
    }
    const { run } = yield* Effect.promise(() => import("../layers/crawl/Crawl.ts"))
    const say = (finding: Finding) =>
      Console.error(`${finding.ip}: ${harmless(finding.problem ?? finding.software ?? "reached")}`)
    const report = yield* Effect.flatMap(
      PeerSocket,
      (own) =>
        Effect.andThen(
          Effect.suspend(() => startProblem(addresses, own.addresses() ?? []) ?? Effect.void),
          run(own, { network, software, from: addresses, most, perSecond }, json ? undefined : say)
        )
    ).pipe(
      Effect.provide(yield* socketsOf(chosen, directory)),
      Effect.mapError((error) => Failure.unusable(error))
    )
    const at = yield* Clock.currentTimeMillis
    yield* json
      ? Json.print({ at, network: name, left: report.left, nodes: report.nodes.map(shown) })
      : Console.log(render(report, yield* width))
    if (!report.nodes.some(({ isReachable }) => isReachable)) {
      return yield* Failure.failed(
        "no node was reached: check the addresses, --network and --transport, and this host's network"
      )
    }
  })
).pipe(
  Command.withDescription(
    "Walk a network: ask each node once what it is and whom it knows, and list the nodes by IP, wire, version and height. " +
      "A peer is its IP: run it from an address at which no node runs, or stop that node first"
  ),
  Command.withExamples([
    { command: "timemesh crawl 203.0.113.7 --json", description: "From one node of testnet on" }
  ])
)
