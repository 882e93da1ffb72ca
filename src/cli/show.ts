/** `timemesh show WHAT`: what a running node knows beyond its peers. Each command is one query of the admin API. */
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { AdminClient, AdminClientError } from "../layers/http/AdminClient.ts"
import * as askNode from "./askNode.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import * as render from "./show/render.ts"
import { say, width } from "./terminal.ts"

type Flags = Parameters<typeof flags.toFlags>[0]

/** Asks the node, and prints its answer: as JSON, as a table that fits the terminal, or as lines that wrap. */
const answer = <A>(
  where: Flags,
  json: boolean,
  query: (client: AdminClient) => Effect.Effect<A, AdminClientError>,
  show: { readonly table: (answer: A, width: number | undefined) => string } | { readonly lines: (answer: A) => string }
) =>
  Effect.gen(function*() {
    const found = yield* askNode.ask(flags.toFlags(where), query)
    if (json) return yield* Json.print(found)
    yield* "table" in show ? Console.log(show.table(found, yield* width)) : say(show.lines(found))
  })

const settings = Command.make(
  "settings",
  flags.asking,
  ({ json, ...where }) => answer(where, json, (client) => client.settings, { table: render.settings })
).pipe(
  Command.withDescription("Show every setting of a running node with its value and where that is from"),
  Command.withExamples([{ command: "timemesh show settings", description: "Secrets are hidden" }])
)

const refusals = Command.make(
  "refusals",
  flags.asking,
  ({ json, ...where }) => answer(where, json, (client) => client.refusals, { table: render.refusals })
).pipe(
  Command.withDescription("Show which sockets and dials never came up, by reason and by netgroup"),
  Command.withExamples([{ command: "timemesh show refusals", description: "Since the start, the most frequent first" }])
)

const resources = Command.make(
  "resources",
  flags.asking,
  ({ json, ...where }) => answer(where, json, (client) => client.resources, { lines: render.resources })
).pipe(
  Command.withDescription("Show a running node's memory, open files, disk and processor time"),
  Command.withExamples([{ command: "timemesh show resources", description: "And how late its event loop was" }])
)

const own = Command.make(
  "own",
  flags.asking,
  ({ json, ...where }) => answer(where, json, (client) => client.own, { lines: render.own })
).pipe(
  Command.withDescription("Show a running node's own address, and whether others reach it"),
  Command.withExamples([{ command: "timemesh show own", description: "With what to do if they do not" }])
)

const clock = Command.make(
  "clock",
  flags.asking,
  ({ json, ...where }) => answer(where, json, (client) => client.clock, { lines: render.clock })
).pipe(
  Command.withDescription("Show the peers whose next block is ahead of a running node's clock"),
  Command.withExamples([{ command: "timemesh show clock", description: "Whether this host's clock is right" }])
)

const book = Command.make(
  "book",
  {
    ...flags.asking,
    skip: Flag.Int("skip").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Addresses before the first one shown (default 0)"),
      Flag.optional
    )
  },
  ({ json, skip, ...where }) =>
    answer(where, json, (client) => client.book(Option.getOrElse(skip, () => 0)), { table: render.book })
).pipe(
  Command.withDescription("Show a page of a running node's peer book"),
  Command.withExamples([{ command: "timemesh show book --skip 100", description: "The addresses after the first 100" }])
)

export const command = Command.make("show").pipe(
  Command.withDescription(
    "Show what a running node knows beyond its peers: settings, refusals, resources, own address, clock, peer book"
  ),
  Command.withExamples([
    { command: "timemesh show settings", description: "Every setting, and where its value is from" },
    { command: "timemesh show refusals --json", description: "The same as GET /refusals, for programs" }
  ]),
  Command.withSubcommands([settings, refusals, resources, own, clock, book])
)
