/**
 * `npm run soak -- --nodes 32 --minutes M`: a network of real processes over a long time. Prints what it sees, the report,
 * and ends with exit code 1 if it is not OK. How to read it: docs/soak.md.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Data, Effect, FileSystem, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { fileURLToPath } from "node:url"
import { table } from "../../src/cli/table.ts"
import * as Limits from "../../src/domain/Limits.ts"
import { networks } from "../../src/domain/Network.ts"
import * as LiveMemory from "./LiveMemory.ts"
import type { Report } from "./Report.ts"
import * as Soak from "./Soak.ts"

class NotOk extends Data.TaggedError("NotOk")<{ readonly message: string }> {}

const self = [
  process.execPath,
  ...LiveMemory.flags,
  fileURLToPath(new URL("../../src/main.ts", import.meta.url))
] as const

const mib = (kib: number): string => (kib / 1_024).toFixed(1)

const range = (
  count: { readonly first: number; readonly last: number; readonly most: number } | null,
  show: (value: number) => string
): ReadonlyArray<string> => count === null ? ["?", "?", "?"] : [show(count.first), show(count.last), show(count.most)]

const both = ({ inbound, outbound }: { readonly inbound: number; readonly outbound: number }): number =>
  inbound + outbound

const quickened = (quickened: Report["quickened"]): ReadonlyArray<ReadonlyArray<string>> => {
  if (quickened === null) return []
  const { factor, live, nodeHours, rss } = quickened
  const gain = ({ error, kib }: { readonly kib: number; readonly error: number }) => `${kib} ± ${error} KiB`
  const apart = (growth: typeof live) =>
    growth === null
      ? "?"
      : `${gain(growth.perNodeHour)} per hour of the nodes' clocks, ${gain(growth.perRealHour)} per real hour`
  return [
    ["clocks", `${factor} times as fast in half of the time: ${nodeHours} hours of a node's own time`],
    ["a node's live memory", apart(live)],
    ["a node's RSS", apart(rss)]
  ]
}

export const render = (report: Report): string => {
  const traffic = ({ received, sent }: Report["pings"]) => `${both(sent)} sent, ${both(received)} received`
  const slope = (growth: Report["totalRssSlope"]) => growth === null ? "?" : `${growth.kibPerMinute} ± ${growth.error}`
  const downs = Object.entries(report.downsByReason).map(([reason, count]) => `${count} ${reason}`).join("; ")
  return [
    table([
      [
        "NODE",
        "PID",
        "SAMPLES",
        "RSS MiB",
        "LAST",
        "MOST",
        "KiB/min",
        "LIVE MiB",
        "LAST",
        "MOST",
        "KiB/min",
        "FDS",
        "LAST",
        "MOST",
        "FDS/min"
      ],
      ...report.perNode.map(({ fds, fdsSlope, ip, live, liveSlope, pid, rss, rssSlope, samples }) => [
        ip,
        String(pid),
        String(samples),
        ...range(rss, mib),
        slope(rssSlope),
        ...range(live, mib),
        slope(liveSlope),
        ...range(fds, String),
        fdsSlope === null ? "?" : `${fdsSlope.perMinute} ± ${fdsSlope.error}`
      ])
    ]),
    table([
      ["minutes", String(report.minutes)],
      ...quickened(report.quickened),
      ["pairs connected", `${report.connected} of ${report.pairs}`],
      ["settled after", report.settledMs === null ? "never" : `${report.settledMs} ms`],
      ["duplicates", String(report.duplicates)],
      ["downs", downs === "" ? "none" : downs],
      ["unfaulted downs", String(report.unfaultedDowns)],
      ["pings", traffic(report.pings)],
      ["pongs", traffic(report.pongs)],
      ["total RSS slope", `${slope(report.totalRssSlope)} KiB/min`],
      ["total live slope", `${slope(report.totalLiveSlope)} KiB/min`],
      ...report.faults.map(({ at, endedAt, ip, kind, recoveredMs }) => [
        kind,
        `${ip}, ${endedAt - at} ms, whole again ${recoveredMs === null ? "never" : `after ${recoveredMs} ms`}`
      ])
    ]),
    report.ok ? "OK" : `NOT OK: ${report.problems.join("; ")}`
  ].join("\n")
}

const command = Command.make(
  "soak",
  {
    nodes: Flag.Int("nodes").pipe(Flag.withDescription("Processes, 2 to 100 (default 32)"), Flag.withDefault(32)),
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("How long, once every pair is connected (default 10)"),
      Flag.withDefault(10)
    ),
    faults: Flag.Boolean("faults").pipe(
      Flag.withDescription("Every so often kill -9 or SIGSTOP one node"),
      Flag.withDefault(false)
    ),
    faultEvery: Flag.Finite("fault-every").pipe(
      Flag.withMetavar("SECONDS"),
      Flag.withDescription(`From one fault's recovery to the next fault (default ${Limits.soakFaultEveryMs / 1_000})`),
      Flag.withDefault(Limits.soakFaultEveryMs / 1_000)
    ),
    sampleEvery: Flag.Finite("sample-every").pipe(
      Flag.withMetavar("SECONDS"),
      Flag.withDescription(`From one sample to the next (default ${Limits.soakSampleMs / 1_000})`),
      Flag.withDefault(Limits.soakSampleMs / 1_000)
    ),
    faster: Flag.Int("faster").pipe(
      Flag.withMetavar("FACTOR"),
      Flag.withDescription("Run the nodes' clocks so many times as fast, 2 to 20, in half of the time"),
      Flag.optional
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription("P2P port of every node; admin APIs are on the next"),
      Flag.withDefault(networks.devnet.port)
    ),
    keepLogs: Flag.String("keep-logs").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription("Empty or new directory for logs and data, which are kept"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print the report as one JSON object, the only line on standard output"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ faster, faultEvery, faults, json, keepLogs, minutes, nodes, port, sampleEvery }) {
    if (nodes < 2 || nodes > 100 || !(minutes > 0) || !(faultEvery > 0) || !(sampleEvery > 0)) {
      return yield* new NotOk({ message: "write --nodes 2 to 100, and times above 0" })
    }
    const factor = Option.getOrUndefined(faster)
    if (factor !== undefined && (factor < 2 || factor > 20 || faults)) {
      return yield* new NotOk({ message: "write --faster 2 to 20, without --faults: a fault takes its real time" })
    }
    const fs = yield* FileSystem.FileSystem
    const directory = Option.isSome(keepLogs)
      ? keepLogs.value
      : yield* fs.makeTempDirectory({ prefix: "timemesh-soak-" })
    const options: Soak.Options = {
      nodes,
      minutes,
      faultEveryMs: faults ? faultEvery * 1_000 : undefined,
      sampleMs: sampleEvery * 1_000,
      faster: factor,
      port,
      directory,
      self
    }
    const say = json ? Console.error : Console.log
    yield* say(`${nodes} nodes on 127.0.0.1 to 127.0.0.${nodes}, port ${port}; logs and data in ${directory}`)
    const report = yield* Effect.scoped(Soak.run(options, say)).pipe(
      Effect.timeoutOrElse({
        duration: Soak.boundMs(options),
        orElse: () => Effect.fail(new NotOk({ message: "the soak did not end in its time" }))
      })
    )
    yield* Console.log(json ? JSON.stringify(report) : render(report))
    if (!report.ok) return yield* new NotOk({ message: `the soak is not OK; logs in ${directory}` })
    if (Option.isNone(keepLogs)) yield* fs.remove(directory, { recursive: true })
  })
)

command.pipe(
  Command.run({ version: "1" }),
  Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici]),
  NodeRuntime.runMain
)
