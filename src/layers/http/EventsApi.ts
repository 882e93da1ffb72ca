/** The node's events as a stream of server-sent events: `GET /events`. Shapes and units as in `AdminApi`. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Limits from "../../domain/Limits.ts"
import { Reading } from "./AccessApi.ts"
import { integerParameter } from "./integerParameter.ts"

/** What happened, as the log has it. */
export const Happened = Schema.Struct({
  at: Schema.Int,
  /** `domain/NodeEvent`'s tag, such as `Up`. Open: a newer node may send more. */
  event: Schema.String,
  level: Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error", "Fatal"]),
  /** The log's line, for a person. */
  text: Schema.String,
  /** The address that it is about, if it is about one. */
  ip: Schema.optional(Schema.String),
  /** The event's other fields, as the log's JSON format has them. */
  fields: Schema.Record(Schema.String, Schema.Json)
})
export type Happened = typeof Happened.Type

/** Where the reader stands. Ids are of one process: those of another are unknown to it. */
export const Start = Schema.Struct({
  /** Whether the reader's `Last-Event-ID` is of this process, so that what it knows still counts. */
  resumed: Schema.Boolean,
  /** Events after its `Last-Event-ID` that are no longer kept. Above 0, or not `resumed`: ask for everything again. */
  missed: Schema.Int
})

export const Beat = Schema.Struct({ at: Schema.Int })

/** First a `start`; then a `message` for each event, those that were missed before; and a `beat` every `Limits.eventBeatMs`. */
const Sent = Schema.Union([
  Schema.Struct({ id: Schema.String, event: Schema.Literal("start"), data: Schema.fromJsonString(Start) }),
  Schema.Struct({ id: Schema.String, event: Schema.Literal("message"), data: Schema.fromJsonString(Happened) }),
  Schema.Struct({ event: Schema.Literal("beat"), data: Schema.fromJsonString(Beat) })
])
export type Sent = typeof Sent.Type

/** `Limits.eventReaders` read already. */
export class TooManyReaders extends Schema.TaggedError<TooManyReaders>()("TooManyReaders", { message: Schema.String }, {
  httpApiStatus: 503
}) {}

export const group = HttpApiGroup.make("events", { topLevel: true }).annotate(
  OpenApi.Description,
  "What happens, as it happens"
).add(
  /** Pings and pongs are no events here. A reader that falls `Limits.eventReaderLag` behind is cut off, and may come back. */
  HttpApiEndpoint.get("events", "/events", {
    headers: {
      /** The `id` of the last event that the reader has: what came since follows, as far as it is kept. */
      "last-event-id": Schema.optional(Schema.String)
    },
    query: {
      last: Schema.optional(
        integerParameter(
          Limits.eventsKept,
          "Without Last-Event-ID: how many of the latest events to begin with, none by default"
        )
      )
    },
    success: HttpApiSchema.StreamSse({ events: Sent }),
    error: TooManyReaders
  }).annotate(OpenApi.Summary, "The node's events as server-sent events, pings and pongs left out")
).middleware(Reading)
