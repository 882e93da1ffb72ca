/** The node's events as a stream of server-sent events: `GET /events`. Shapes and units as in `AdminApi`. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Limits from "../../domain/Limits.ts"
import { Reading } from "./AccessApi.ts"
import { integerParameter } from "./integerParameter.ts"

/** An event as the log reports it. */
export const Happened = Schema.Struct({
  at: Schema.Int,
  /** `domain/NodeEvent`'s tag, such as `Up`. Open: a newer node may send more. */
  event: Schema.String,
  level: Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error", "Fatal"]),
  /** The log's line, for a person. */
  text: Schema.String,
  /** The address that the event concerns, if any. */
  ip: Schema.optional(Schema.String),
  /** The event's other fields, as in the log's JSON format. */
  fields: Schema.Record(Schema.String, Schema.Json)
})
export type Happened = typeof Happened.Type

/** The reader's position. Ids belong to one process, which does not know those of another. */
export const Start = Schema.Struct({
  /** Whether the reader's `Last-Event-ID` is from this process, so that its state is still valid. */
  resumed: Schema.Boolean,
  /** Events after its `Last-Event-ID` that are no longer kept. If above 0, or not `resumed`: query everything again. */
  missed: Schema.Int
})

export const Beat = Schema.Struct({ at: Schema.Int })

/** First a `start`; then a `message` for each event, missed ones first; and a `beat` every `Limits.eventBeatMs`. */
const Sent = Schema.Union([
  Schema.Struct({ id: Schema.String, event: Schema.Literal("start"), data: Schema.fromJsonString(Start) }),
  Schema.Struct({ id: Schema.String, event: Schema.Literal("message"), data: Schema.fromJsonString(Happened) }),
  Schema.Struct({ event: Schema.Literal("beat"), data: Schema.fromJsonString(Beat) })
])
export type Sent = typeof Sent.Type

/** `Limits.eventReaders` readers are connected already. */
export class TooManyReaders extends Schema.TaggedError<TooManyReaders>()("TooManyReaders", { message: Schema.String }, {
  httpApiStatus: 503
}) {}

export const group = HttpApiGroup.make("events", { topLevel: true }).annotate(
  OpenApi.Description,
  "What happens, as it happens"
).add(
  /** Pings and pongs are not included. A reader that falls `Limits.eventReaderLag` behind is disconnected, and may reconnect. */
  HttpApiEndpoint.get("events", "/events", {
    headers: {
      /** The `id` of the reader's last event: later events that are still kept follow. */
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
