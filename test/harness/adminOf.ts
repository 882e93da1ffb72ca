/** The admin API of a node of a mesh, asked without a server or a port: the routes that the server serves. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Scope } from "effect"
import { HttpClient, HttpClientResponse, HttpRouter } from "effect/http"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as AdminClient from "../../src/layers/http/AdminClient.ts"
import * as AdminServer from "../../src/layers/http/AdminServer.ts"
import { ip, type Running } from "./mesh.ts"
import { webResponse } from "./webAnswer.ts"

const routesOf = (node: Pick<Running, "services">) =>
  HttpRouter.toHttpEffect(AdminServer.routes(0).pipe(Layer.provide(Layer.succeedContext(node.services)))).pipe(
    Effect.provide(NodeHttpServer.layerHttpServices)
  )

/** Asks it: `get` gives the body of the answer to a path, `client` is what commands ask a node with, for questions. */
export const adminOf = Effect.fnUntraced(function*(node: Pick<Running, "services">) {
  const app = yield* routesOf(node)
  const scope = yield* Effect.scope
  const answer = (path: string) => Scope.provide(webResponse(app, path), scope)
  const client = yield* AdminClient.make(PeerAddress.make(ip("127.0.0.1"), 1)).pipe(
    Effect.provideService(
      HttpClient.HttpClient,
      HttpClient.make((request, url) =>
        Effect.map(
          Effect.orDie(answer(url.pathname + url.search)),
          (response) => HttpClientResponse.fromWeb(request, response)
        )
      )
    )
  )
  const get = (path: string) => Effect.flatMap(answer(path), (response) => Effect.promise(() => response.text()))
  return { answer, client, get }
})

/** The body of the answer to `GET path`. */
export const get = (node: Running, path: string) =>
  Effect.scoped(Effect.flatMap(adminOf(node), (admin) => admin.get(path)))

/** Series of Prometheus' text format: `name{label="value"}` → value. */
export const parse = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
      const space = line.lastIndexOf(" ")
      return [line.slice(0, space), Number(line.slice(space + 1))] as const
    })
  )

/** All series of a metric together. */
export const total = (series: ReadonlyMap<string, number>, name: string): number => {
  let sum = 0
  for (const [key, value] of series) if (key === name || key.startsWith(`${name}{`)) sum += value
  return sum
}

/** The series of a metric, by one label. */
export const byLabel = (
  series: ReadonlyMap<string, number>,
  name: string,
  label: string
): Readonly<Record<string, number>> => {
  const found: Record<string, number> = {}
  for (const [key, value] of series) {
    const of = key.startsWith(`${name}{`) ? new RegExp(`[{,]${label}="([^"]*)"`).exec(key)?.[1] : undefined
    if (of !== undefined) found[of] = (found[of] ?? 0) + value
  }
  return found
}
