/** `timemesh peers`: shows a running node's peer table. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import * as askNode from "./askNode.ts"
import * as export_ from "./book/export.ts"
import * as import_ from "./book/import.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import * as trust from "./peers/trust.ts"
import * as peerTable from "./peerTable.ts"
import { width } from "./terminal.ts"

export const command = Command.make(
  "peers",
  flags.asking,
  Effect.fnUntraced(function*({ json, ...where }) {
    const peers = yield* askNode.ask(flags.toFlags(where), (client) => client.peers)
    yield* json ? Json.print(peers) : Console.log(peerTable.render(peers, yield* width))
  })
).pipe(
  Command.withDescription(
    "List the peers of a running node, connected ones first; import and export its peer book; trust a peer's new key"
  ),
  Command.withExamples([
    { command: "timemesh peers", description: "A table that fits the terminal" },
    { command: "timemesh peers --json", description: "All that is known of each peer" },
    { command: "timemesh peers import peers.txt", description: "Take a list into the peer book of a stopped node" }
  ]),
  Command.withSubcommands([import_.command, export_.command, trust.command])
)
