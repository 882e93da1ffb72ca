/** Reads a node's JSON log back: the events that a verdict needs. */
import { Effect, FileSystem, Option, Schema, Stream } from "effect"
import type { PlatformError } from "effect"

const At = { at: Schema.Finite }
const Ref = { ...At, ip: Schema.String, socket: Schema.String }

const Event = Schema.Union([
  Schema.Struct({ event: Schema.Literal("Listening"), ...At }),
  Schema.Struct({ event: Schema.Literal("Dialling"), ...At, ip: Schema.String }),
  Schema.Struct({ event: Schema.Literal("Up"), ...Ref }),
  Schema.Struct({
    event: Schema.Literal("Down"),
    ...Ref,
    upMs: Schema.Finite,
    reason: Schema.Struct({ kind: Schema.String, by: Schema.String })
  }),
  Schema.Struct({ event: Schema.Literals(["TipChanged", "Synced"]), ...At, height: Schema.Finite }),
  Schema.Struct({ event: Schema.Literal("PongReceived"), ...Ref, rttMs: Schema.optional(Schema.Finite) })
])

/** One event of one node, times in wall ms. */
export type LogEvent = typeof Event.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ annotations: Event })))

/** Parses one line; `None` for lines about anything else. */
export const parse = (line: string): Option.Option<LogEvent> =>
  Option.map(decode(line), ({ annotations }) => annotations)

/** A cheap test that avoids decoding unrelated lines. */
const wanted = /"event":"(?:Listening|Dialling|Up|Down|PongReceived|TipChanged|Synced)"/

/** All events of a log file, in order. */
export const read = (
  path: string
): Effect.Effect<ReadonlyArray<LogEvent>, PlatformError.PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* fs.stream(path).pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.filter((line) => wanted.test(line)),
      Stream.map((line) => Option.toArray(parse(line))),
      Stream.runCollect,
      Effect.map((found) => found.flat())
    )
  })
