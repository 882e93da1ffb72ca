/** Health, one peer with its past, and metrics: the part of the admin API for supervisors and monitoring. Shapes and units as in `AdminApi`. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Reading } from "./AccessApi.ts"

/** As in `domain/NodeVerdict`. */
export const Verdict = Schema.Struct({
  ok: Schema.Boolean,
  ready: Schema.Boolean,
  text: Schema.String,
  problems: Schema.Array(Schema.Struct({ what: Schema.String, fix: Schema.optional(Schema.String) }))
})
export type Verdict = typeof Verdict.Type

/** `GET /health/live`: the process answers. */
export const Live = Schema.Struct({ live: Schema.Literal(true), uptimeMs: Schema.Int })

/** No peer is connected, or the chain is behind the best peer's. `message` is the verdict. */
export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  { message: Schema.String, verdict: Verdict },
  { httpApiStatus: 503 }
) {}

/** In a group of its own, which needs no token: it reveals nothing of the node, and a supervisor has no token. */
export const live = HttpApiGroup.make("live", { topLevel: true }).annotate(
  OpenApi.Description,
  "For supervisors that have no token"
).add(
  HttpApiEndpoint.get("live", "/health/live", { success: Live }).annotate(
    OpenApi.Summary,
    "Whether the process answers"
  )
)

export const group = HttpApiGroup.make("health", { topLevel: true }).annotate(
  OpenApi.Description,
  "For supervisors and boards"
).add(
  HttpApiEndpoint.get("ready", "/health/ready", { success: Verdict, error: NotReady }).annotate(
    OpenApi.Summary,
    "Whether a peer is connected and the chain is as good as the best peer announces"
  ),
  /** Metrics of all peers together, in Prometheus' text format. */
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
  }).annotate(OpenApi.Summary, "The metrics in Prometheus' text format")
).middleware(Reading)
