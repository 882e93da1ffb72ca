/** Metrics by OTLP: the numbers of `/metrics`, and a collector that is away, slow or endless costs the node nothing but one line of its log. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Logger, Redacted, References, Scope } from "effect"
import { HttpBody, HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Metric from "../../../src/domain/metrics/Metric.ts"
import { samplesOf } from "../../../src/domain/metrics/samples.ts"
import * as MetricsPage from "../../../src/layers/http/MetricsPage.ts"
import * as OtlpExport from "../../../src/layers/http/OtlpExport.ts"
import { services, stats } from "../../harness/adminNode.ts"
import { onMesh } from "../../harness/mesh.ts"

interface Point {
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue: string } }>
  readonly asDouble?: number
  readonly count?: number
  readonly sum?: number
  readonly min?: number
  readonly max?: number
  readonly bucketCounts?: ReadonlyArray<number>
}
interface Export {
  readonly resourceMetrics: ReadonlyArray<{
    readonly resource: { readonly attributes: Point["attributes"] }
    readonly scopeMetrics: ReadonlyArray<{
      readonly metrics: ReadonlyArray<
        & { readonly name: string }
        & Readonly<
          Record<"sum" | "gauge" | "histogram", { readonly dataPoints: ReadonlyArray<Point> } | undefined>
        >
      >
    }>
  }>
}

/** Series of an export as `/metrics` has them: name and labels, kind, value. */
const seriesOf = (text: string) =>
  (JSON.parse(text) as Export).resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ gauge, histogram, name, sum }) =>
        ([["counter", sum], ["gauge", gauge], ["histogram", histogram]] as const).flatMap(([kind, data]) =>
          (data?.dataPoints ?? []).map((point) => ({
            name,
            kind,
            labels: Object.fromEntries(point.attributes.map(({ key, value }) => [key, value.stringValue])),
            value: kind === "histogram" ? point.sum : point.asDouble,
            count: point.bucketCounts?.reduce((total, one) => total + one, 0)
          }))
        )
      )
    )
  )

const collector: OtlpExport.Collector = {
  url: "http://collector:4318/v1/metrics",
  headers: Redacted.make({ "x-key": "s3cret" })
}

const textOf = ({ body }: HttpClientRequest.HttpClientRequest): string =>
  HttpBody.isHttpBody(body) && body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""

type Answer = (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<Response, HttpClientError.HttpClientError>

const answering = (answer: () => Answer, seen: Array<HttpClientRequest.HttpClientRequest>) =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) => {
      seen.push(request)
      return Effect.map(answer()(request), (response) => HttpClientResponse.fromWeb(request, response))
    })
  )

const ok: Answer = () => Effect.sync(() => new Response("{}"))
const away: Answer = (request) =>
  Effect.fail(new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) }))

/** Runs with an exporter to a collector that answers as told; `lines`: those of the log at Info and above. */
const exporting = <A, E>(
  body: (given: {
    readonly answers: (answer: Answer) => void
    readonly seen: ReadonlyArray<HttpClientRequest.HttpClientRequest>
    readonly lines: ReadonlyArray<string>
    readonly close: Effect.Effect<void>
  }) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    let answer: Answer = ok
    const seen: Array<HttpClientRequest.HttpClientRequest> = []
    const lines: Array<string> = []
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    yield* Layer.buildWithScope(
      OtlpExport.layer(collector).pipe(
        Layer.provide([answering(() => answer, seen), services(() => Effect.void)]),
        Layer.provide([
          Logger.layer([Logger.make(({ logLevel, message }) => {
            lines.push(`${logLevel} ${String(message)}`)
          })]),
          Layer.succeed(References.MinimumLogLevel, "Info")
        ])
      ),
      scope
    )
    return yield* body({
      answers: (next) => {
        answer = next
      },
      seen,
      lines,
      close: Scope.close(scope, Exit.void)
    })
  }).pipe(Effect.scoped)

const times = (n: number) => TestClock.adjust(n * Limits.otlpEveryMs)

describe("metrics by OTLP", () => {
  it.effect("are those of /metrics, of the moment in which they are sent", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const one = yield* start("10.0.0.1")
        const seen: Array<HttpClientRequest.HttpClientRequest> = []
        yield* Layer.build(
          OtlpExport.layer(collector).pipe(
            Layer.provide([answering(() => ok, seen), Layer.succeedContext(one.services)])
          )
        )
        yield* start("10.0.0.2", { peers: ["10.0.0.1"] })
        yield* times(1)
        const facts = yield* Effect.provideContext(MetricsPage.facts(0), one.services)
        const now = samplesOf(yield* Effect.provideContext(facts, one.services))
        const [request] = seen
        assert(request !== undefined && seen.length === 1)
        assert.strictEqual(request.url, collector.url)
        assert.strictEqual(request.headers["x-key"], "s3cret")
        const sent = seriesOf(textOf(request))
        // What the process has of memory and processor differs from one moment to the next.
        const isOfNode = ({ name }: { readonly name: string }) => !/memory|heap|cpu/.test(name)
        assert.deepStrictEqual(
          sent.filter(isOfNode).map(({ count, kind, labels, name, value }) => ({ name, kind, labels, value, count })),
          now.filter(isOfNode).map(({ histogram, labels, name, value }) => ({
            name,
            kind: Metric.definitions[name].kind,
            labels,
            value,
            count: histogram?.count
          }))
        )
        assert.deepInclude(sent, {
          name: "timemesh_peers",
          kind: "gauge",
          labels: { direction: "inbound", wire: "native" },
          value: 1,
          count: undefined
        })
        yield* times(3)
        assert.strictEqual(seen.length, 4)
      })))

  it.effect("a collector that is away is said once, is tried again, and is said once when it is back", () =>
    exporting(({ answers, lines, seen }) =>
      Effect.gen(function*() {
        answers(away)
        yield* times(40)
        assert.deepStrictEqual(lines, [
          "Warn metrics do not reach http://collector:4318/v1/metrics: no connection; the node works on, and tries again every minute: " +
          "start the collector, or correct --otlp"
        ])
        const tried = seen.length
        assert.isAbove(tried, 8)
        // Four attempts, then a minute of rest.
        assert.isAtMost(tried, 4 * Math.ceil(40 * Limits.otlpEveryMs / 60_000))
        answers(ok)
        yield* times(8)
        assert.isAbove(seen.length, tried)
        assert.deepStrictEqual(lines.slice(1), ["Info metrics reach http://collector:4318/v1/metrics again"])
      })
    ))

  it.effect("one that refuses is said with its answer", () =>
    exporting(({ answers, lines }) =>
      Effect.gen(function*() {
        answers(() => Effect.sync(() => new Response("no", { status: 401 })))
        yield* times(20)
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], "it answers 401")
      })
    ))

  it.effect("one that never answers has one request at a time, and does not hold up the node's end", () =>
    exporting(({ answers, close, lines, seen }) =>
      Effect.gen(function*() {
        let [open, most] = [0, 0]
        answers(() =>
          Effect.ensuring(
            Effect.suspend(() => {
              most = Math.max(most, ++open)
              return Effect.never
            }),
            Effect.sync(() => {
              open -= 1
            })
          )
        )
        yield* times(20)
        assert.strictEqual(most, 1)
        assert.isAbove(seen.length, 4)
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], "no answer within 10 s")
        const ended = yield* Deferred.make<void>()
        yield* Effect.forkChild(Effect.andThen(close, Deferred.succeed(ended, undefined)), { startImmediately: true })
        yield* TestClock.adjust(Limits.otlpCloseMs)
        assert.isTrue(yield* Deferred.isDone(ended))
      })
    ))

  it.effect("one whose answer has no end is left", () =>
    exporting(({ answers, lines }) =>
      Effect.gen(function*() {
        let pulled = 0
        answers(() =>
          Effect.sync(() =>
            new Response(
              new ReadableStream({
                pull: (controller) => {
                  pulled += 1
                  controller.enqueue(new Uint8Array(16_384))
                }
              })
            )
          )
        )
        yield* times(2)
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], `its answer exceeds ${Limits.otlpAnswerBytes} bytes`)
        assert.isBelow(pulled, 100)
      })
    ))

  it.live("go out over HTTP as OTLP has them, the last when the node ends", () =>
    Effect.gen(function*() {
      const heard = yield* Deferred.make<{ readonly path: string; readonly key: unknown; readonly text: string }>()
      const server = http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          response.end("{}")
          Effect.runFork(Deferred.succeed(heard, {
            path: `${request.method} ${request.url} ${request.headers["content-type"]}`,
            key: request.headers["x-key"],
            text: Buffer.concat(chunks).toString()
          }))
        })
      })
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
        () => Effect.promise(() => new Promise((resolve) => server.close(resolve)))
      )
      const { port } = server.address() as AddressInfo
      yield* Effect.scoped(Layer.build(
        OtlpExport.layer({ ...collector, url: `http://127.0.0.1:${port}/v1/metrics` }).pipe(
          Layer.provide([NodeHttpClient.layerNodeHttp, services(() => Effect.void)])
        )
      ))
      const { key, path, text } = yield* Deferred.await(heard)
      assert.strictEqual(path, "POST /v1/metrics application/json")
      assert.strictEqual(key, "s3cret")
      const [first] = (JSON.parse(text) as Export).resourceMetrics
      const named = first?.resource.attributes.map(({ key: name, value }) => `${name}=${value.stringValue}`)
      for (const one of ["service.name=timemesh", "service.version=timemesh/test", "timemesh.network=devnet"]) {
        assert.isTrue(named?.includes(one), one)
      }
      const [rtt] = first?.scopeMetrics.flatMap(({ metrics }) => metrics).find(({ name }) =>
        name === "timemesh_rtt_seconds"
      )
        ?.histogram?.dataPoints ?? []
      assert.strictEqual(rtt?.count, stats.roundTrips.count)
      assert.deepStrictEqual([rtt?.min, rtt?.max], [0.008, 0.022])
      assert.strictEqual(rtt?.bucketCounts?.length, Limits.rttBucketsMs.length + 1)
    }).pipe(Effect.scoped))
})
