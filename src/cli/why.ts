/** `timemesh why IP`: why a running node is, or is not, connected to an address. */
import { Effect, Result } from "effect"
import { Argument, Command } from "effect/cli"
import * as PeerIp from "../domain/peer/PeerIp.ts"
import type { Why } from "../layers/http/PeerApi.ts"
import * as askNode from "./askNode.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { say } from "./terminal.ts"
import { harmless } from "./terminalText.ts"

/** The answer for a person: its situation, and one paragraph whatever the texts in it (the reason of a ban, a peer's words). */
export const render = ({ ip, situation, state, text }: Why): string => `${ip}: ${situation ?? state}\n${harmless(text)}`

export const command = Command.make(
  "why",
  {
    ...flags.asking,
    ip: Argument.String("ip").pipe(Argument.withDescription("IP address to explain, known to the node or not"))
  },
  Effect.fnUntraced(function*({ ip, json, ...where }) {
    const parsed = PeerIp.fromString(ip)
    if (Result.isFailure(parsed)) return yield* Failure.unusable(parsed.failure.message)
    const why = yield* askNode.ask(flags.toFlags(where), (client) => client.why(parsed.success))
    yield* json ? Json.print(why) : say(render(why))
  })
).pipe(
  Command.withDescription("Explain why a running node is, or is not, connected to an address"),
  Command.withExamples([
    { command: "timemesh why 198.51.100.4", description: "Which end dials, when, and how the last attempt ended" },
    { command: "timemesh why 2001:db8::7 --json", description: "With its last 50 Ups, Downs and attempts" }
  ])
)
