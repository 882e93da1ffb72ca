/** `timemesh ban IP[/n]`: makes a running node ban an address, or a block of them. */
import { Effect, Option, Result } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Limits from "../domain/Limits.ts"
import * as Subnet from "../domain/peer/Subnet.ts"
import * as Values from "../layers/config/Values.ts"
import * as askNode from "./askNode.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { duration } from "./table.ts"
import { say } from "./terminal.ts"

/** Parses the operator's address or block; fails with the reason if it is invalid. */
export const subnetOf = (text: string): Effect.Effect<Subnet.Subnet, Failure.Failure> =>
  Effect.mapError(Effect.fromResult(Subnet.fromString(text)), (error) => Failure.unusable(error))

const forMsOf = (text: string): Result.Result<number, Failure.Failure> => {
  const ms = Values.durationMs(text)
  if (ms === undefined) {
    return Result.fail(
      Failure.unusable(`--for: "${text}" is not a duration`, "use a number and a unit, for example 90m, 24h or 7d")
    )
  }
  return ms < Limits.banLeastMs || ms > Limits.banMostMs
    ? Result.fail(Failure.unusable(`--for: "${text}" is out of range`, "use 1s to 365d"))
    : Result.succeed(ms)
}

export const command = Command.make(
  "ban",
  {
    ...flags.asking,
    subnet: Argument.String("ip").pipe(
      Argument.withDescription("IP address, or a block of them such as 203.0.113.0/24 or 2001:db8::/32")
    ),
    for: Flag.String("for").pipe(
      Flag.withMetavar("DURATION"),
      Flag.withDescription("Duration of the ban, 1s to 365d (default 24h)"),
      Flag.optional
    ),
    reason: Flag.String("reason").pipe(
      Flag.withMetavar("TEXT"),
      Flag.withDescription(
        `Why, for whoever reads it later, up to ${Limits.banReasonCharacters} characters; the peer reads it too`
      ),
      Flag.optional
    )
  },
  Effect.fnUntraced(function*({ for: time, json, reason, subnet, ...where }) {
    const parsed = yield* subnetOf(subnet)
    const forMs = Option.isNone(time) ? undefined : yield* Effect.fromResult(forMsOf(time.value))
    if (Option.isSome(reason) && reason.value.length > Limits.banReasonCharacters) {
      return yield* Failure.unusable(`--reason: longer than ${Limits.banReasonCharacters} characters`, "shorten it")
    }
    const ban = yield* askNode.ask(
      flags.toFlags(where),
      (client) => client.ban(parsed, { forMs, reason: Option.getOrUndefined(reason) })
    )
    yield* json
      ? Json.print(ban)
      : say(`banned ${ban.subnet} for ${duration(ban.leftMs)}; to lift it: timemesh unban ${ban.subnet}`)
  })
).pipe(
  Command.withDescription(
    "Ban an address or a block of addresses: end its connections, refuse new ones, never dial it. Holds for configured peers too, and across restarts"
  ),
  Command.withExamples([
    { command: "timemesh ban 203.0.113.7", description: "Ban one address for a day" },
    { command: "timemesh ban 203.0.113.0/24 --for 7d --reason \"floods us\"", description: "Ban a block for a week" },
    { command: "timemesh ban 2001:db8::/32 --for 90m", description: "Ban an IPv6 block for 90 minutes" }
  ])
)
