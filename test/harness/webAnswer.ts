/** Asks the admin API's routes without a server. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"

/** What `app` answers to a GET of the path from loopback. It must be 200. */
export const webAnswer = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  path: string
): Effect.Effect<Response, E, Exclude<R, HttpServerRequest.HttpServerRequest>> =>
  Effect.gen(function*() {
    const request = HttpServerRequest.fromWeb(
      new Request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1" } })
    )
    const response = HttpServerResponse.toWeb(
      yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
    )
    assert.strictEqual(response.status, 200, path)
    return response
  })
