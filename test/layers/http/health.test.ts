/** Health, the past of a peer, and OpenAPI, of real nodes on the network in memory. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { OpenApi } from "effect/http-api"
import { TestClock } from "effect/testing"
import { AdminApi, Status } from "../../../src/layers/http/AdminApi.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { Verdict } from "../../../src/layers/http/HealthApi.ts"
import { Why } from "../../../src/layers/http/PeerApi.ts"
import { ip, onMesh, type Running } from "../../harness/mesh.ts"

const get = Effect.fnUntraced(
  function*(node: Running, path: string) {
    const app = yield* HttpRouter.toHttpEffect(
      AdminServer.routes(0).pipe(Layer.provide(Layer.succeedContext(node.services)))
    )
    const request = HttpServerRequest.fromWeb(
      new Request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1" } })
    )
    const response = HttpServerResponse.toWeb(
      yield* app.pipe(Effect.provideService(HttpServerRequest.HttpServerRequest, request))
    )
    return { status: response.status, body: JSON.parse(yield* Effect.promise(() => response.text())) as unknown }
  },
  Effect.scoped,
  Effect.provide(NodeHttpServer.layerHttpServices)
)

const NotReady = Schema.Struct({ message: Schema.String, verdict: Verdict })
const decode = <A>(schema: Schema.Decoder<A>) => Schema.decodeUnknownEffect(schema)

const [L, H] = ["10.0.0.1", "10.0.0.2"] as const

describe("health", () => {
  it.effect("a node is live from the start, and ready once a peer is connected; status has the same verdict", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        assert.deepStrictEqual(yield* get(node, "/health/live"), { status: 200, body: { live: true, uptimeMs: 0 } })
        const early = yield* get(node, "/health/ready")
        assert.strictEqual(early.status, 503)
        const { message, verdict } = yield* decode(NotReady)(early.body)
        assert.strictEqual(message, verdict.text)
        assert.match(message, /^PROBLEM: no peers known; /)
        yield* start(H, { peers: [L] })
        yield* TestClock.adjust("10 seconds")
        const ready = yield* get(node, "/health/ready")
        assert.strictEqual(ready.status, 200)
        const now = yield* decode(Verdict)(ready.body)
        assert.strictEqual(now.text, "OK: 1 peer (1 in, 0 out)")
        const status = yield* decode(Status)((yield* get(node, "/status")).body)
        assert.deepStrictEqual(status.verdict, now)
      })))

  it.effect("a node with a chain is ready when it has the best peer's", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start(L, { chain: [] })
        yield* start(H, { peers: [L], chain: [] })
        yield* TestClock.adjust("10 seconds")
        const ready = yield* get(node, "/health/ready")
        assert.strictEqual(ready.status, 200)
        assert.include((yield* decode(Verdict)(ready.body)).text, "OK: 1 peer (1 in, 0 out), height 0 = best peer")
      })))
})

describe("why", () => {
  it.effect("has the past of the peer: Ups, Downs and attempts, with their reasons", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L, { peers: [H] })
        yield* TestClock.adjust("2 seconds")
        const peer = yield* start(H)
        yield* TestClock.adjust("60 seconds")
        yield* network.reset(ip(L), ip(H))
        yield* TestClock.adjust("5 seconds")
        yield* peer.stop
        const { past = [] } = yield* decode(Why)((yield* get(node, `/why/${H}`)).body)
        const told = past.filter(({ connection, what }) => what !== "attempt" || connection < 3)
          .map((
            { direction, reason, upMs, what }
          ) => [what, direction, reason?.kind, upMs === undefined ? "" : "timed"])
        assert.deepStrictEqual(told.filter(([what]) => what !== "attempt"), [
          ["up", "outbound", undefined, ""],
          ["down", "outbound", "reset", "timed"],
          ["up", "outbound", undefined, ""],
          ["down", "outbound", "shutdown", "timed"]
        ])
        assert.deepStrictEqual(told[0], ["attempt", "outbound", "dial-failed", ""])
        assert.deepStrictEqual(past.map(({ at }) => at).toSorted((a, b) => a - b), past.map(({ at }) => at))
        assert.isUndefined((yield* decode(Why)((yield* get(node, "/why/10.0.0.77")).body)).past)
      })))
})

describe("OpenAPI", () => {
  it.effect("is served as the code makes it, and names every path", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const { body, status } = yield* get(yield* start(L), "/openapi.json")
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(body, JSON.parse(JSON.stringify(OpenApi.fromApi(AdminApi))))
        const { paths } = yield* decode(Schema.Struct({ paths: Schema.Record(Schema.String, Schema.Unknown) }))(body)
        for (const path of ["/status", "/peers", "/why/{ip}", "/trace/{ip}", "/health/ready", "/metrics", "/bans"]) {
          assert.property(paths, path)
        }
      })))
})
