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
import { type Column, duration, fitted } from "./table.ts"
import { width } from "./terminal.ts"
import { hang, printableLines } from "./terminalText.ts"

/** `3 live (1 gold, 2 free), 1 known, 0 expired`. */
export const masternodesLine = (counts: NonNullable<Status["masternodes"]>): string => {
  const live = tiers.toReversed().flatMap((tier) => counts.live[tier] === 0 ? [] : [`${counts.live[tier]} ${tier}`])
  return `${total(counts, "live")} live${live.length === 0 ? "" : ` (${live.join(", ")})`}, ` +
    `${total(counts, "known")} known, ${total(counts, "expired")} expired`
}

type Row = Masternodes["masternodes"][number]

const evidence = ({ isConnected, isSelf, witnesses }: Row): string =>
  isSelf ? "this node" : isConnected ? "connected" : `${witnesses} ${witnesses === 1 ? "netgroup" : "netgroups"}`

const columns: ReadonlyArray<Column<{ readonly at: number; readonly row: Row }>> = [
  { heading: "MASTERNODE", cut: "middle", cell: ({ row }) => row.ip },
  { heading: "PORT", worth: 1, cell: ({ row: { port } }) => port === 0 ? "none" : String(port) },
  { heading: "TIER", worth: 5, cell: ({ row }) => row.tier },
  { heading: "STATE", cell: ({ row }) => row.isContested ? `${row.state}, contested` : row.state },
  { heading: "PROOF", worth: 3, cell: ({ row }) => row.proof },
  { heading: "SEEN BY", worth: 4, cell: ({ row }) => evidence(row) },
  { heading: "ANNOUNCED", worth: 2, cell: ({ at, row }) => `${duration(at - row.announcedAt)} ago` },
  { heading: "KEY", worth: 0, cut: "middle", cell: ({ row }) => row.key }
]

/** The list for a person, at most `width` wide if that is known. */
export const render = (
  { at, conflicts, counts, masternodes }: Masternodes,
  width: number | undefined
): string =>
  [
    ...(masternodes.length === 0 ? [] : [fitted(columns, masternodes.map((row) => ({ at, row })), width).join("\n")]),
    ...(conflicts.length === 0
      ? []
      : [conflicts.map((conflict) => hang(printableLines(`conflict: ${conflict}`), width)).join("\n")]),
    hang(masternodesLine(counts), width)
  ].join("\n\n")

export const command = Command.make(
  "masternodes",
  flags.asking,
  Effect.fnUntraced(function*({ json, ...where }) {
    const found = yield* askNode.ask(flags.toFlags(where), (client) => client.masternodes)
    yield* json ? Json.print(found) : Console.log(render(found, yield* width))
  })
).pipe(
  Command.withDescription("List the network's masternodes as a running node knows them, one per IP"),
  Command.withExamples([
    { command: "timemesh masternodes", description: "One line per IP, with tier, state and proof" },
    { command: "timemesh masternodes --json", description: "The same for programs" }
  ]),
  Command.withSubcommands([key.command])
)
