/** `timemesh connect IP`: adds a peer to a running node. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as askNode from "./askNode.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { say } from "./terminal.ts"
import { render } from "./why.ts"

export const command = Command.make(
  "connect",
  {
    ...flags.asking,
    peer: Argument.String("peer").pipe(
      Argument.withDescription("IP, IP:PORT or [IPv6]:PORT of the peer (default port: the network's)")
    )
  },
  Effect.fnUntraced(function*({ json, peer, ...where }) {
    const why = yield* askNode.ask(flags.toFlags(where), (client) => client.connect(peer))
    yield* json ? Json.print(why) : say(render(why))
  })
).pipe(
  Command.withDescription(
    "Make a peer known to a running node, as --peer does: it is connected, whichever end dials, and has a place in a full node"
  ),
  Command.withExamples([
    { command: "timemesh connect 203.0.113.7", description: "At the network's port" },
    { command: "timemesh connect [2001:db8::7]:24105", description: "At another port" }
  ])
)
