/** `timemesh status`: identity and health of a running node. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Limits from "../domain/Limits.ts"
import type { Status } from "../layers/http/AdminApi.ts"
import * as askNode from "./askNode.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { masternodesLine } from "./masternodes.ts"
import { duration, fields } from "./table.ts"
import { say } from "./terminal.ts"
import { wireName } from "./wireName.ts"

const both = (count: { readonly inbound: number; readonly outbound: number }): string =>
  `${count.inbound + count.outbound} (${count.inbound} inbound, ${count.outbound} outbound)`

const reasons = (total: number, by: Readonly<Record<string, number>>): string =>
  total === 0 ? "0" : `${total} (${Object.entries(by).map(([reason, count]) => `${count} ${reason}`).join(", ")})`

const apart = (by: Readonly<Record<string, number>> = {}): string => {
  const counts = Object.entries(by).map(([situation, count]) => `${count} ${situation}`)
  return counts.length === 0 ? "" : ` (and addresses that are not peers: ${counts.join(", ")})`
}

/** This node's own address, and what to do about it. */
const ownLines = ({ line, notices }: NonNullable<Status["own"]>): ReadonlyArray<readonly [string, string]> => [
  ["own address", line],
  ...notices.flatMap(({ cause, fix }) => fix === undefined ? [] : [["own address", `${cause}; ${fix}`] as const])
]

/** `7 native, 3 TIME; 10 TLSv1.3; 7 pinned, 3 not-pinned (TIME daemons make a new certificate at each start)`. */
const linksLine = ({ pins, transports, wires }: NonNullable<Status["links"]>): string => {
  const counts = (by: Readonly<Record<string, number>>) =>
    Object.entries(by).map(([name, count]) => `${count} ${wireName(name)}`).join(", ")
  return [wires, transports, pins].filter((by) => Object.keys(by).length > 0).map(counts).join("; ") +
    (pins["not-pinned"] === undefined ? "" : " (TIME daemons make a new certificate at each start)")
}

/** The status for a person: the verdict first. An older node sends none. */
export const render = (status: Status): string =>
  [...(status.verdict === undefined ? [] : [status.verdict.text, ""]), table(status)].join("\n")

const table = (status: Status): string =>
  fields([
    ["state", status.state],
    ["network", status.network],
    ["listen", status.listen],
    ...(status.advertise === undefined ? [] : [["advertise", status.advertise] as const]),
    ...(status.own === undefined ? [] : ownLines(status.own)),
    ["software", status.software],
    ["pid", String(status.pid)],
    ["up for", duration(status.uptimeMs)],
    ...(status.chain === undefined
      ? []
      : [["chain", status.chain.line], ["tip", status.chain.hash], ["reorgs", String(status.chain.reorgs)]] as const),
    ["peers", `${status.connected} connected, ${status.known} known${apart(status.apart)}`],
    ...(status.links === undefined ? [] : [["links", linksLine(status.links)] as const]),
    ...(status.missing ?? []).slice(0, Limits.causesShown).map(({ cause, example, fix, peers }) =>
      [
        "missing",
        `${peers === 1 ? example : `${peers}, such as ${example}`}: ${cause}${fix === undefined ? "" : `; ${fix}`}`
      ] as const
    ),
    ...(status.masternodes === undefined ? [] : [["masternodes", masternodesLine(status.masternodes)] as const]),
    [
      "connections",
      `${status.stats.ups} established, ${reasons(status.stats.downs, status.stats.downsByReason)} disconnected`
    ],
    ...(status.stats.flaps === undefined
      ? []
      : [
        [
          "flaps",
          status.stats.flaps === 0
            ? "0"
            : `${
              status.stats.flaps === 1 ? "1 connection" : `${status.stats.flaps} connections`
            } dropped although both processes were well; timemesh peers marks the peers, timemesh trace IP shows the cause`
        ] as const
      ]),
    ["failed attempts", reasons(status.stats.refused, status.stats.refusedByReason)],
    ["dials", `${status.stats.dials}, ${status.stats.dialsFailed} failed`],
    ...(status.stats.acceptsFailed
      ? [["failed accepts", `${status.stats.acceptsFailed} times; raise the limit of open files (ulimit -n)`] as const]
      : []),
    ["pings sent", both(status.stats.pings.sent)],
    ["pings received", both(status.stats.pings.received)],
    ["pongs sent", both(status.stats.pongs.sent)],
    ["pongs received", both(status.stats.pongs.received)],
    ...(status.logLinesDropped ? [["log lines dropped", String(status.logLinesDropped)] as const] : []),
    ["maximum lag", `${status.stats.maxLagMs.toFixed(0)} ms`]
  ])

export const command = Command.make(
  "status",
  {
    ...flags.asking,
    check: Flag.Boolean("check").pipe(
      Flag.withDescription("Exit with 1 unless all is well: for scripts and monitoring"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ check, json, ...where }) {
    const status = yield* askNode.ask(flags.toFlags(where), (client) => client.status)
    yield* json ? Json.print(status) : say(render(status))
    if (check && status.verdict?.ok !== true) {
      return yield* Failure.failed(status.verdict?.text ?? "the node is of a version that gives no verdict; update it")
    }
  })
).pipe(
  Command.withDescription("Show a running node's identity and health, with a verdict in the first line"),
  Command.withExamples([
    { command: "timemesh status", description: "The verdict, and identity, chain and counters below it" },
    { command: "timemesh status --check --json", description: "For monitoring: exit code 0 only while all is well" },
    { command: "timemesh status --data-dir /var/lib/timemesh", description: "Of the node that runs as a service" }
  ])
)
