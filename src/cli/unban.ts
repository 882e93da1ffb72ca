/** `timemesh unban IP[/n]`: lifts a running node's ban. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as askNode from "./askNode.ts"
import { subnetOf } from "./ban.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { say } from "./terminal.ts"

export const command = Command.make(
  "unban",
  {
    ...flags.asking,
    subnet: Argument.String("ip").pipe(
      Argument.withDescription("Address or block whose ban ends, as timemesh bans lists it")
    )
  },
  Effect.fnUntraced(function*({ json, subnet, ...where }) {
    const parsed = yield* subnetOf(subnet)
    const unbanned = yield* askNode.ask(flags.toFlags(where), (client) => client.unban(parsed))
    yield* json ? Json.print({ unbanned }) : say(`lifted the ban of ${unbanned}`)
  })
).pipe(
  Command.withDescription("Lift the ban of an address or a block; peers that it kept away are dialled within seconds"),
  Command.withExamples([
    { command: "timemesh unban 203.0.113.7", description: "Lift the ban of one address" },
    { command: "timemesh unban 203.0.113.0/24", description: "Lift the ban of a block" }
  ])
)
