/** `timemesh testnet`: runs N node processes on this machine, observes them and gives a verdict. */
import { Console, Effect, FileSystem, Option, Result } from "effect"
import { Command, Flag } from "effect/cli"
import * as Limits from "../domain/Limits.ts"
import { networks } from "../domain/Network.ts"
import type { Self } from "../layers/node/Self.ts"
import type * as Testnet from "../testnet/Testnet.ts"
import type { Verdict } from "../testnet/Verdict.ts"
import * as Failure from "./Failure.ts"
import * as Json from "./json.ts"
import { table } from "./table.ts"
import { canAnimate, say, width } from "./terminal.ts"
import { hang } from "./terminalText.ts"

const milliseconds = (ms: number | null): string => ms === null ? "never" : `${ms} ms`

const traffic = (count: Verdict["pings"]): string =>
  `${
    count.sent.inbound + count.sent.outbound
  } sent (${count.sent.inbound} inbound, ${count.sent.outbound} outbound), ` +
  `${
    count.received.inbound + count.received.outbound
  } received (${count.received.inbound} inbound, ${count.received.outbound} outbound)`

const syncRows = ({ blocks, blocksPerSecond, seconds, sources }: NonNullable<Verdict["sync"]>) => [
  ["synced", seconds === null ? "never" : `${blocks} blocks in ${seconds} s, ${blocksPerSecond} blocks/s`],
  ...Object.entries(sources).filter(([, from]) => Object.keys(from).length > 0).map(([ip, from]) => [
    `  ${ip}`,
    Object.entries(from).map(([peer, count]) => `${count} from ${peer}`).join(", ")
  ])
]

const roundTrip = (micros: number | null): string => micros === null ? "? ms" : `${micros / 1_000} ms`

/** The verdict for a person; the last line is pass or fail. */
export const renderVerdict = (verdict: Verdict): string =>
  [
    table([
      ["pairs connected", `${verdict.connected} of ${verdict.pairs}`],
      ["duplicates", `${verdict.duplicates} in ${verdict.samples} samples`],
      ["fully connected after", milliseconds(verdict.settledMs)],
      ["dials per pair", String(verdict.dialsPerPair)],
      ["unexpected downs", String(verdict.unexpectedDowns)],
      ["pings", traffic(verdict.pings)],
      ["pongs", traffic(verdict.pongs)],
      ["round trip", `p50 ${roundTrip(verdict.rttMicros.p50)}, p99 ${roundTrip(verdict.rttMicros.p99)}`],
      ...(verdict.kills === 0 ? [] : [["recoveries", verdict.recoveriesMs.map(milliseconds).join(", ")]]),
      ["heights", verdict.heights.map((height) => height ?? "?").join(", ")],
      ["reorgs", String(verdict.reorgs)],
      ...(verdict.sync === null ? [] : syncRows(verdict.sync)),
      ...(verdict.partition === null
        ? []
        : [[
          "partition",
          `${verdict.partition.seconds} s, reconnected after ${milliseconds(verdict.partition.reconnectedMs)}`
        ]]),
      ...(verdict.mixed === null ? [] : [
        [
          "with daemons",
          `${verdict.mixed.connected} of ${verdict.mixed.pairs} pairs of a node and one of ${verdict.mixed.daemons} daemons`
        ],
        [
          "daemons hold",
          `${verdict.mixed.violations} violations, ${verdict.mixed.bans} bans; heights ${
            verdict.mixed.heights.join(", ")
          }`
        ]
      ]),
      ["logs", `${verdict.directory}/node-*.log`]
    ]),
    verdict.ok ? "OK" : `NOT OK: ${verdict.problems.join("; ")}`
  ].join("\n")

const inRange = (name: string, value: number, least: number, most: number): Result.Result<number, Failure.Failure> =>
  value >= least && value <= most
    ? Result.succeed(value)
    : Result.fail(Failure.unusable(`--${name}: "${value}" is out of range`, `use ${least} to ${most}`))

const flags = {
  nodes: Flag.Int("nodes").pipe(
    Flag.withDescription("Number of nodes N, on 127.0.0.1 to 127.0.0.N (default 5)"),
    Flag.withDefault(5)
  ),
  seconds: Flag.Int("seconds").pipe(
    Flag.withDescription("Duration in seconds, start-up included (default 20; with --partition P, P + 20)"),
    Flag.optional
  ),
  chaos: Flag.Int("chaos").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withDescription(
      "Interval at which a random node is killed (SIGKILL) and restarted after 1 s; none in the last 12 s"
    ),
    Flag.optional
  ),
  chain: Flag.Int("chain").pipe(
    Flag.withMetavar("BLOCKS"),
    Flag.withDescription("Synthetic blocks that the first node starts with; the others sync them (default 0)"),
    Flag.withDefault(0)
  ),
  transport: Flag.Literals("transport", ["tls", "plain"]).pipe(
    Flag.withDescription("How the nodes are connected (default tls)"),
    Flag.withDefault("tls" as const)
  ),
  wire: Flag.Literals("wire", ["native", "mixed"]).pipe(
    Flag.withDescription(
      "mixed: every second node is a daemon of the TIME network, a twin of the real one (default native)"
    ),
    Flag.withDefault("native" as const)
  ),
  produce: Flag.Boolean("produce").pipe(
    Flag.withDescription("Let all nodes take turns producing blocks: a test producer, not consensus"),
    Flag.withDefault(false)
  ),
  partition: Flag.Int("partition").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("Duration of a partition into two halves, once all pairs are connected; implies --produce"),
    Flag.optional
  ),
  port: Flag.Int("port").pipe(
    Flag.withDescription(
      "Peer port of every node; its admin API is on the next port (default 24200; with --wire mixed 24100, the only one that a daemon dials)"
    ),
    Flag.optional
  ),
  dir: Flag.String("dir").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("Directory for logs and data, new or empty (default: a temporary one, which is kept)"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print the verdict as one JSON object, the only line on standard output"),
    Flag.withDefault(false)
  )
}

/** Options that a network with daemons cannot have, in words. */
const mixedFault = (asked: {
  readonly nodes: number
  readonly port: number
  readonly transport: string
  readonly others: ReadonlyArray<readonly [flag: string, isGiven: boolean]>
}): string | undefined => {
  if (asked.nodes < 4) {
    return `--nodes: "${asked.nodes}" is out of range; use 4 to ${Limits.testnetNodes} with --wire mixed`
  }
  if (asked.transport !== "tls") {
    return "--wire mixed and --transport plain exclude each other: a daemon speaks TLS only"
  }
  if (asked.port !== networks.testnet.port) {
    return `--wire mixed needs port ${networks.testnet.port}: a daemon dials no other`
  }
  const [excluded] = asked.others.find(([, isGiven]) => isGiven) ?? []
  return excluded === undefined ? undefined : `--wire mixed and --${excluded} exclude each other; choose one`
}

/** The daemons of a mixed network, and the blocks of the chain that all its nodes start with. */
const daemonsOf = Effect.promise(async () => {
  const [{ daemonBlocks }, { start }] = await Promise.all([
    import("../simulation/plan/Limits.ts"),
    import("../simulation/timed/TimedOverTls.ts")
  ])
  return { blocks: daemonBlocks, start }
})

/** `self`: how to start this program as a node. */
export const make = (self: Self) =>
  Command.make(
    "testnet",
    flags,
    Effect.fnUntraced(
      function*(
        { chain, chaos, dir, json, nodes, partition, port: givenPort, produce, seconds: given, transport, wire }
      ) {
        yield* Effect.fromResult(inRange("nodes", nodes, 2, Limits.testnetNodes))
        const least = Option.match(partition, {
          onNone: () => 3,
          onSome: (cut) => cut + Limits.testnetPartitionRoomSeconds
        })
        const usual = Option.match(partition, {
          onNone: () => Limits.testnetSeconds,
          onSome: (cut) => cut + Limits.testnetSeconds
        })
        const seconds = Option.getOrElse(given, () => usual)
        yield* Effect.fromResult(inRange("seconds", seconds, least, Limits.testnetMostSeconds))
        yield* Effect.fromResult(inRange("chain", chain, 0, Limits.testnetMostBlocks))
        if (Option.isSome(partition)) {
          yield* Effect.fromResult(inRange("partition", partition.value, 5, Limits.testnetPartitionMaxSeconds))
          if (Option.isSome(chaos)) {
            return yield* Failure.unusable("--partition and --chaos exclude each other", "choose one")
          }
        }
        const isMixed = wire === "mixed"
        const port = Option.getOrElse(givenPort, () => networks[isMixed ? "testnet" : "devnet"].port)
        yield* Effect.fromResult(inRange("port", port, 1, 65_534))
        const others = [
          ["chain", chain > 0],
          ["produce", produce],
          ["partition", Option.isSome(partition)],
          ["chaos", Option.isSome(chaos)]
        ] as const
        const fault = isMixed ? mixedFault({ nodes, port, transport, others }) : undefined
        if (fault !== undefined) return yield* Failure.unusable(fault)
        if (Option.isSome(chaos)) yield* Effect.fromResult(inRange("chaos", chaos.value, 2, Limits.testnetMostSeconds))
        const fs = yield* FileSystem.FileSystem
        const directory = Option.isSome(dir)
          ? dir.value
          : yield* fs.makeTempDirectory({ prefix: "timemesh-testnet-" }).pipe(
            Effect.mapError(() => Failure.unusable("cannot create a temporary directory", "name one with --dir DIR"))
          )
        const tellLine = json ? Console.error : Console.log
        const stream = json ? process.stderr : process.stdout
        const animated = yield* canAnimate(json ? "stderr" : "stdout")
        const size = () => ({ columns: stream.columns || 80, rows: stream.rows || 24 })
        const { run } = yield* Effect.promise(() => import("../testnet/Testnet.ts"))
        const { makeTell } = yield* Effect.promise(() => import("./testnetScreen.ts"))
        const daemons = isMixed ? yield* daemonsOf : undefined
        const tell = makeTell(tellLine, animated ? size : undefined)
        const columns = yield* width
        const print = (verdict: Verdict) =>
          json ? Json.print(verdict) : Console.log(hang(renderVerdict(verdict), columns))
        yield* (json ? Console.error : say)(
          `${nodes} nodes on 127.0.0.1 to 127.0.0.${nodes}, port ${port}; logs and data in ${directory}`
        )
        const options: Testnet.Options = {
          nodes,
          seconds,
          chaosSeconds: Option.getOrUndefined(chaos),
          chain: daemons?.blocks ?? chain,
          produce: produce || Option.isSome(partition),
          partitionSeconds: Option.getOrUndefined(partition),
          port,
          transport,
          directory,
          self,
          daemons: daemons?.start
        }
        const verdict = yield* Effect.scoped(
          run(options, (progress) => progress._tag === "Interrupted" ? print(progress.verdict) : tell(progress))
        ).pipe(
          Effect.mapError((error) => Failure.unusable(error))
        )
        yield* print(verdict)
        if (!verdict.ok) return yield* Failure.failed(`testnet not OK: ${verdict.problems.join("; ")}`)
      }
    )
  ).pipe(
    Command.withDescription(
      "Run separate node processes on this machine, each knowing one seed, and judge whether every pair is connected " +
        "exactly once. Exit code 0: OK, 1: not OK"
    ),
    Command.withExamples([
      { command: "timemesh testnet", description: "Five nodes for 20 s, and a verdict" },
      {
        command: "timemesh testnet --nodes 8 --seconds 60 --chaos 12 --json",
        description: "Kill a node every 12 s; the verdict for programs"
      },
      {
        command: "timemesh testnet --nodes 5 --chain 2480",
        description: "The first node has 2480 blocks, the others sync them"
      },
      {
        command: "timemesh testnet --nodes 6 --partition 60",
        description: "Two halves with a fork each, then one chain"
      }
    ])
  )
