/** `timemesh disconnect IP`: closes a running node's connection. */
import { Effect, Result } from "effect"
import { Argument, Command } from "effect/cli"
import * as PeerIp from "../domain/peer/PeerIp.ts"
import * as askNode from "./askNode.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { say } from "./terminal.ts"

/** What was done; `undefined` if there was nothing to do. A peer that is not connected is dialled no more. */
export const told = (peer: string, disconnected: boolean, situation: string | undefined): string | undefined =>
  !disconnected && situation === "unknown"
    ? undefined
    : `${
      disconnected ? `disconnected ${peer}` : `no connection to ${peer} was up`
    }; this node does not dial it until ` +
      `timemesh connect ${peer}. It may dial this node: to keep it away, timemesh ban ${peer}`

export const command = Command.make(
  "disconnect",
  { ...flags.asking, ip: Argument.String("ip").pipe(Argument.withDescription("IP address of the peer")) },
  Effect.fnUntraced(function*({ ip, json, ...where }) {
    const parsed = PeerIp.fromString(ip)
    if (Result.isFailure(parsed)) return yield* Failure.unusable(parsed.failure.message)
    const peer = parsed.success
    const { disconnected, situation } = yield* askNode.ask(flags.toFlags(where), (client) =>
      Effect.gen(function*() {
        const disconnected = yield* client.disconnect(peer)
        return { disconnected, situation: (yield* client.why(peer)).situation }
      }))
    const text = told(peer, disconnected, situation)
    if (json) yield* Json.print({ ip: peer, disconnected })
    if (text === undefined) {
      return yield* Failure.failed(
        `${peer} is not known to this node: there is no connection to end, and no dial to stop`
      )
    }
    if (!json) yield* say(text)
  })
).pipe(
  Command.withDescription("End the connection to a peer and stop dialling it until it is named again"),
  Command.withExamples([{ command: "timemesh disconnect 203.0.113.7", description: "End one connection" }])
)
