/** `timemesh bans`: lists a running node's bans. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import type { Bans } from "../layers/http/PeerApi.ts"
import * as askNode from "./askNode.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { type Column, duration, fitted } from "./table.ts"
import { width } from "./terminal.ts"

type Row = { readonly at: number; readonly ban: Bans["bans"][number] }

const columns: ReadonlyArray<Column<Row>> = [
  { heading: "BANNED", cut: "middle", cell: ({ ban }) => ban.subnet },
  { heading: "BY", worth: 2, cell: ({ ban }) => ban.by },
  { heading: "SINCE", worth: 1, cell: ({ at, ban }) => `${duration(at - ban.since)} ago` },
  { heading: "ENDS IN", cell: ({ ban }) => duration(ban.leftMs) },
  { heading: "REASON", cell: ({ ban }) => ban.reason ?? "-" }
]

/** The list for a person, at most `width` wide if that is known. */
export const render = ({ at, bans }: Bans, width: number | undefined): string =>
  bans.length === 0 ? "No bans" : fitted(columns, bans.map((ban) => ({ at, ban })), width).join("\n")

export const command = Command.make(
  "bans",
  flags.asking,
  Effect.fnUntraced(function*({ json, ...where }) {
    const bans = yield* askNode.ask(flags.toFlags(where), (client) => client.bans)
    yield* json ? Json.print(bans) : Console.log(render(bans, yield* width))
  })
).pipe(
  Command.withDescription("List the bans of a running node: of what, by whom, for how long, and why"),
  Command.withExamples([
    { command: "timemesh bans", description: "A table that fits the terminal" },
    { command: "timemesh bans --json", description: "The same for programs, reasons whole" }
  ])
)
