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

type Query<A> = (client: AdminClient) => Effect.Effect<A, AdminClientError>

/** For a person: a table that fits the terminal, or lines that wrap. */
type Show<A> = { readonly table: (answer: A, width: number | undefined) => string } | {
  readonly lines: (answer: A) => string
}

/** Asks the node, and prints its answer. */
const answer = <A>(where: Flags, json: boolean, query: Query<A>, show: Show<A>) =>
  Effect.gen(function*() {
    const found = yield* askNode.ask(flags.toFlags(where), query)
    if (json) return yield* Json.print(found)
    yield* "table" in show ? Console.log(show.table(found, yield* width)) : say(show.lines(found))
  })

/** A command that takes no flags but those which find the node. `description` and what its example shows. */
const showing = <A>(name: string, query: Query<A>, show: Show<A>, description: string, example: string) =>
  Command.make(name, flags.asking, ({ json, ...where }) => answer(where, json, query, show)).pipe(
    Command.withDescription(description),
    Command.withExamples([{ command: `timemesh show ${name}`, description: example }])
  )

const settings = showing(
  "settings",
  (client) => client.settings,
  { table: render.settings },
  "Show every setting of a running node with its value and where that is from",
  "Secrets are hidden"
)

const refusals = showing(
  "refusals",
  (client) => client.refusals,
  { table: render.refusals },
  "Show which sockets and dials never came up, by reason and by netgroup",
  "Since the start, the most frequent first"
)

const resources = showing(
  "resources",
  (client) => client.resources,
  { lines: render.resources },
  "Show a running node's memory, open files, disk and processor time",
  "And how late its event loop was"
)

const own = showing(
  "own",
  (client) => client.own,
  { lines: render.own },
  "Show a running node's own address, and whether others reach it",
  "With what to do if they do not"
)

const clock = showing(
  "clock",
  (client) => client.clock,
  { lines: render.clock },
  "Show the peers whose next block is ahead of a running node's clock",
  "Whether this host's clock is right"
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
