/** `timemesh masternodes`: lists the network's masternodes that a running node knows; `timemesh masternodes key` makes a key for one. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { tiers } from "../domain/masternode/Masternode.ts"
import { total } from "../domain/masternode/MasternodeReport.ts"
import type { Masternodes, Status } from "../layers/http/AdminApi.ts"
import * as askNode from "./askNode.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import * as key from "./masternodeKey.ts"
import { duration, table } from "./table.ts"

/** `3 live (1 gold, 2 free), 1 known, 0 expired`. */
export const masternodesLine = (counts: NonNullable<Status["masternodes"]>): string => {
  const live = tiers.toReversed().flatMap((tier) => counts.live[tier] === 0 ? [] : [`${counts.live[tier]} ${tier}`])
  return `${total(counts, "live")} live${live.length === 0 ? "" : ` (${live.join(", ")})`}, ` +
    `${total(counts, "known")} known, ${total(counts, "expired")} expired`
}

type Row = Masternodes["masternodes"][number]

const evidence = ({ isConnected, isSelf, witnesses }: Row): string =>
  isSelf ? "this node" : isConnected ? "connected" : `${witnesses} ${witnesses === 1 ? "netgroup" : "netgroups"}`

const rowOf = (row: Row, now: number): ReadonlyArray<string> => [
  row.ip,
  row.port === 0 ? "none" : String(row.port),
  row.tier,
  row.isContested ? `${row.state}, contested` : row.state,
  row.proof,
  evidence(row),
  `${duration(now - row.announcedAt)} ago`,
  row.key
]

/** The list for a person. */
export const render = ({ at, conflicts, counts, masternodes }: Masternodes): string =>
  [
    ...(masternodes.length === 0 ? [] : [table([
      ["MASTERNODE", "PORT", "TIER", "STATE", "PROOF", "SEEN BY", "ANNOUNCED", "KEY"],
      ...masternodes.map((row) => rowOf(row, at))
    ])]),
    ...(conflicts.length === 0 ? [] : [conflicts.map((conflict) => `conflict: ${conflict}`).join("\n")]),
    masternodesLine(counts)
  ].join("\n\n")

export const command = Command.make(
  "masternodes",
  flags.asking,
  Effect.fnUntraced(function*({ json, ...where }) {
    const found = yield* askNode.ask(flags.toFlags(where), (client) => client.masternodes)
    yield* json ? Json.print(found) : Console.log(render(found))
  })
).pipe(
  Command.withDescription("List the network's masternodes as a running node knows them, one per IP"),
  Command.withExamples([
    { command: "timemesh masternodes", description: "One line per IP, with tier, state and proof" },
    { command: "timemesh masternodes --json", description: "The same for programs" }
  ]),
  Command.withSubcommands([key.command])
)
