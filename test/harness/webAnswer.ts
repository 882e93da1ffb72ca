/** Asks the admin API's routes without a server. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"

/** What `app` answers to a GET of the path from loopback, whatever its status. */
export const webResponse = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  path: string
): Effect.Effect<Response, E, Exclude<R, HttpServerRequest.HttpServerRequest>> =>
  Effect.gen(function*() {
    const request = HttpServerRequest.fromWeb(
      new Request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1" } })
    )
    return HttpServerResponse.toWeb(
      yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
    )
  })

/** The same. It must be 200. */
export const webAnswer = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  path: string
): Effect.Effect<Response, E, Exclude<R, HttpServerRequest.HttpServerRequest>> =>
  Effect.tap(
    webResponse(app, path),
    ({ status }) => Effect.sync(() => assert.strictEqual(status, 200, path))
  )
