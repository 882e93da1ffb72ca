/** `timemesh bans`: lists a running node's bans. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import type { Bans } from "../layers/http/PeerApi.ts"
import * as askNode from "./askNode.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { duration, tableWithin } from "./table.ts"
import { width } from "./terminal.ts"

/** The list for a person, at most `columns` wide if that is known. */
export const render = ({ at, bans }: Bans, columns: number | undefined): string =>
  bans.length === 0 ? "No bans" : tableWithin([
    ["BANNED", "BY", "SINCE", "ENDS IN", "REASON"],
    ...bans.map(({ by, leftMs, reason, since, subnet }) => [
      subnet,
      by,
      `${duration(at - since)} ago`,
      duration(leftMs),
      reason.replace(/\s+/g, " ")
    ])
  ], columns)

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
