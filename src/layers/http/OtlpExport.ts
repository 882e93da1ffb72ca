/**
 * Sends the node's metrics to an OpenTelemetry collector, by OTLP over HTTP as JSON: the metrics of `GET /metrics`, from the same reports.
 *
 * **An absent or slow collector** costs the node nothing. Nothing is buffered: each export is a new snapshot whose counters run from the start. At most one
 * request is under way, for `Limits.otlpAnswerMs`. After four failures the exporter pauses for a minute. The log reports once that the collector
 * is away, and once that it is back.
 */
import { Duration, Effect, Layer, Redacted, Stream } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { OtlpExporter, OtlpMetrics, OtlpSerialization } from "effect/observability"
import * as Limits from "../../domain/Limits.ts"
import { samplesOf } from "../../domain/metrics/samples.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { monotonicMs } from "../time/monotonicMs.ts"
import * as MetricsPage from "./MetricsPage.ts"

/** Where metrics are sent. */
export interface Collector {
  /** URL of its metrics, such as `http://HOST:4318/v1/metrics`. */
  readonly url: string
  /** Sent with each request, such as a key. */
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
}

/** Reads an answer to its end, because an unread answer holds its connection. Fails if the answer is too long. */
const drained = (response: HttpClientResponse.HttpClientResponse) => {
  let bytes = 0
  const over = new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request: response.request,
      description: `its answer exceeds ${Limits.otlpAnswerBytes} bytes`
    })
  })
  return Stream.runForEach(response.stream, (chunk) => {
    bytes += chunk.length
    return bytes > Limits.otlpAnswerBytes ? Effect.fail(over) : Effect.void
  })
}

const reasonOf = ({ reason }: HttpClientError.HttpClientError): string =>
  reason._tag === "TransportError" && reason.description !== undefined ? reason.description : "no connection"

/** Bounds one request to the collector, its answer included, and logs changes of the outcome. */
const careful = (client: HttpClient.HttpClient, where: string): HttpClient.HttpClient => {
  let isAway = false
  const failed = (why: string) =>
    Effect.suspend(() => {
      if (isAway) return Effect.void
      isAway = true
      return Effect.logWarning(
        `metrics do not reach ${where}: ${why}; the node works on, and tries again every minute: start the collector, or correct --otlp`
      ).pipe(Effect.annotateLogs({ event: "CollectorAway" }))
    })
  const answered = Effect.suspend(() => {
    if (!isAway) return Effect.void
    isAway = false
    return Effect.annotateLogs(Effect.logInfo(`metrics reach ${where} again`), { event: "CollectorBack" })
  })
  return HttpClient.make((request) =>
    client.execute(request).pipe(
      Effect.flatMap((response) =>
        Effect.as(
          drained(response),
          HttpClientResponse.fromWeb(
            request,
            new Response(undefined, { status: response.status, headers: response.headers })
          )
        )
      ),
      Effect.timeoutOrElse({
        duration: Limits.otlpAnswerMs,
        orElse: () =>
          Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({
                request,
                description: `no answer within ${Limits.otlpAnswerMs / 1_000} s`
              })
            })
          )
      }),
      Effect.tap(({ status }) => status >= 200 && status < 300 ? answered : failed(`it answers ${status}`)),
      Effect.tapError((error) => failed(reasonOf(error)))
    )
  )
}

/** Exports every `Limits.otlpEveryMs`, and once more when the scope closes, within `Limits.otlpCloseMs`. */
export const layer = ({ headers, url }: Collector) =>
  Layer.effectDiscard(
    Effect.gen(function*() {
      const config = yield* NodeConfig
      const facts = yield* MetricsPage.facts(yield* monotonicMs)
      const run = Effect.runSyncWith(yield* Effect.context<never>())
      const client = careful(yield* HttpClient.HttpClient, url)
      yield* OtlpMetrics.make({
        url,
        headers: Redacted.value(headers),
        resource: {
          serviceName: "timemesh",
          serviceVersion: config.software,
          attributes: { "timemesh.network": config.network.name }
        },
        exportInterval: Duration.millis(Limits.otlpEveryMs),
        shutdownTimeout: Duration.millis(Limits.otlpCloseMs)
      }).pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.provideContext(MetricsPage.registry(() => samplesOf(run(facts))))
      )
    })
  ).pipe(Layer.provide([OtlpExporter.layerFlusher, OtlpSerialization.layerJson]))
