/** `timemesh trace IP`: the last steps between a running node and an address, as a story or as a file for `timemesh replay`. */
import { Effect, Result } from "effect"
import { Argument, Command } from "effect/cli"
import * as PairStory from "../domain/pair/PairStory.ts"
import * as PairTraceFile from "../domain/pair/PairTraceFile.ts"
import * as PeerIp from "../domain/peer/PeerIp.ts"
import * as askNode from "./askNode.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { say } from "./terminal.ts"

/** Prints a trace for `replay` unrounded: with waits rounded to integer ms, as in other results, its steps would differ. */
export const printFile = (file: PairTraceFile.PairTraceFile): Effect.Effect<void> =>
  Json.printText(JSON.stringify(PairTraceFile.toJson(file)))

export const command = Command.make(
  "trace",
  { ...flags.asking, ip: Argument.String("ip").pipe(Argument.withDescription("IP address of the peer")) },
  Effect.fnUntraced(function*({ ip, json, ...where }) {
    const parsed = PeerIp.fromString(ip)
    if (Result.isFailure(parsed)) return yield* Failure.unusable(parsed.failure.message)
    const file = yield* askNode.ask(flags.toFlags(where), (client) => client.trace(parsed.success))
    if (json) return yield* printFile(file)
    const trace = PairTraceFile.toTrace(file)
    if (Result.isFailure(trace)) return yield* Failure.failed(`the node's answer ${trace.failure}`)
    yield* say(PairStory.lines(trace.success).join("\n"))
  })
).pipe(
  Command.withDescription(
    "Show what happened between a running node and a peer, each decision with its rule. With --json, a file for replay"
  ),
  Command.withExamples([
    { command: "timemesh trace 198.51.100.4", description: "As a story, each decision with its rule" },
    {
      command: "timemesh trace 198.51.100.4 --json > trace.json",
      description: "As a file, for a bug report or timemesh replay"
    }
  ])
)
