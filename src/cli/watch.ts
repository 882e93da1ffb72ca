/** `timemesh watch`: shows a running node live, until Ctrl-C: in place on a terminal, otherwise as successive snapshots. */
import { Console, Effect, Option, Result, Stream } from "effect"
import { Command, Flag, TerminalCapabilities } from "effect/cli"
import * as Limits from "../domain/Limits.ts"
import { showMs } from "../layers/config/Settings.ts"
import * as Values from "../layers/config/Values.ts"
import * as askNode from "./askNode.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import { canAnimate, width } from "./terminal.ts"
import * as terminal from "./watch/terminal.ts"
import * as watching from "./watch/watching.ts"

const { json: _json, ...which } = flags.asking

const everyOf = (text: string): Result.Result<number, Failure.Failure> => {
  const ms = Values.durationMs(text)
  if (ms === undefined) {
    return Result.fail(
      Failure.unusable(`--every: "${text}" is not a duration`, "use a number and a unit, for example 2s or 1m")
    )
  }
  return ms < Limits.watchLeastMs || ms > Limits.watchMostMs
    ? Result.fail(
      Failure.unusable(
        `--every: "${text}" is out of range`,
        `use ${showMs(Limits.watchLeastMs)} to ${showMs(Limits.watchMostMs)}`
      )
    )
    : Result.succeed(ms)
}

/** `timemesh watch | head`: when the reader closes the pipe, there is no reason to print. */
const readerGone = Effect.callback<void>((resume) => {
  const done = () => resume(Effect.void)
  process.stdout.once("error", done)
  process.stdout.once("close", done)
  return Effect.sync(() => {
    process.stdout.off("error", done)
    process.stdout.off("close", done)
  })
})

export const command = Command.make(
  "watch",
  {
    ...which,
    every: Flag.String("every").pipe(
      Flag.withMetavar("DURATION"),
      Flag.withDescription(
        `Interval at which the node is asked, ${showMs(Limits.watchLeastMs)} to ${
          showMs(Limits.watchMostMs)
        } (default ${showMs(Limits.watchEveryMs)}); events come as they happen`
      ),
      Flag.withDefault(showMs(Limits.watchEveryMs))
    ),
    count: Flag.Int("count").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription(
        "Print N snapshots one after the other, on a terminal too, then end (default: until Ctrl-C)"
      ),
      Flag.optional
    )
  },
  Effect.fnUntraced(function*({ count, every, ...where }) {
    const everyMs = yield* Effect.fromResult(everyOf(every))
    if (Option.isSome(count) && count.value < 1) {
      return yield* Failure.unusable(`--count: "${count.value}" is out of range`, "use 1 or more")
    }
    const context = yield* Effect.context<askNode.Needs>()
    const told = flags.toFlags(where)
    const node: watching.Node = {
      // Located again for each query: a node that restarts may answer at another address.
      ask: askNode.ask(told, (client) => Effect.all({ status: client.status, peers: client.peers })).pipe(
        Effect.provideContext(context)
      ),
      events: (after) =>
        Stream.unwrap(
          Effect.map(
            Effect.provideContext(askNode.ask(told, (client) => Effect.succeed(client)), context),
            (client) => Stream.mapError(client.events(after, Limits.watchEvents), (error) => Failure.failed(error))
          )
        )
    }
    // Ctrl-C is the normal end of a watch, not a failure.
    yield* Effect.sync(() => {
      process.exitCode = 0
    })
    if (Option.isSome(count) || !(yield* canAnimate("stdout"))) {
      return yield* Effect.raceFirst(
        watching.asText(node, Console.log, everyMs, Option.getOrUndefined(count), yield* width),
        readerGone
      )
    }
    const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
    yield* Effect.scoped(
      Effect.flatMap(terminal.open(process.stdout, canColor), (screen) => watching.onScreen(node, screen, everyMs))
    )
  })
).pipe(
  Command.withDescription(
    "Watch a running node: its verdict, sync, peers and events, redrawn in place to fit the terminal, through restarts of the node, until Ctrl-C. " +
      "Where standard output is no terminal, prints a snapshot at each interval"
  ),
  Command.withExamples([
    { command: "timemesh watch", description: "The node of this user" },
    {
      command: "timemesh watch --data-dir /var/lib/timemesh --every 5s",
      description: "The node that runs as a service"
    },
    { command: "timemesh watch --count 1", description: "One snapshot, as text" }
  ])
)
