/** `timemesh disconnect IP`: closes a running node's connection. */
import { Effect, Result } from "effect"
import { Argument, Command } from "effect/cli"
import * as PeerIp from "../domain/peer/PeerIp.ts"
import * as askNode from "./askNode.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { say } from "./terminal.ts"

export const command = Command.make(
  "disconnect",
  { ...flags.asking, ip: Argument.String("ip").pipe(Argument.withDescription("IP address of the peer")) },
  Effect.fnUntraced(function*({ ip, json, ...where }) {
    const parsed = PeerIp.fromString(ip)
    if (Result.isFailure(parsed)) return yield* Failure.unusable(parsed.failure.message)
    const peer = parsed.success
    const disconnected = yield* askNode.ask(flags.toFlags(where), (client) => client.disconnect(peer))
    if (json) yield* Json.print({ ip: peer, disconnected })
    if (!disconnected) return yield* Failure.failed(`no connection to ${peer} is up; see why: timemesh why ${peer}`)
    if (!json) {
      yield* say(
        `disconnected ${peer}; this node does not dial it until timemesh connect ${peer}. It may dial this node: to keep it away, timemesh ban ${peer}`
      )
    }
  })
).pipe(
  Command.withDescription("End the connection to a peer and stop dialling it until it is named again"),
  Command.withExamples([{ command: "timemesh disconnect 203.0.113.7", description: "End one connection" }])
)
