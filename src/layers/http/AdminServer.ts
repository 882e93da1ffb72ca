/**
 * Serves the admin API of a node. Access rules: `AdminAccess`. Web pages in a browser on the same machine cannot use it: see `guard`.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Data, Effect, Layer, Result } from "effect"
import { HttpRouter, HttpServer, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { NetAddress } from "effect/net"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { ConnectionManager } from "../../services/ConnectionManager.ts"
import type { NodeConfig } from "../../services/NodeConfig.ts"
import type { NodeEvents } from "../../services/NodeEvents.ts"
import type { PeerState } from "../../services/PeerState.ts"
import { systemCode } from "../store/systemError.ts"
import { monotonicMs } from "../time/monotonicMs.ts"
import * as AdminAccess from "./AdminAccess.ts"
import { AdminApi } from "./AdminApi.ts"
import * as AdminConnections from "./AdminConnections.ts"
import * as CommandHandlers from "./CommandHandlers.ts"
import * as Dashboard from "./Dashboard.ts"
import * as EventFeed from "./EventFeed.ts"
import * as EventsHandlers from "./EventsHandlers.ts"
import * as HealthHandlers from "./HealthHandlers.ts"
import * as InsightHandlers from "./InsightHandlers.ts"
import { malformed } from "./malformed.ts"
import * as NodeHandlers from "./NodeHandlers.ts"

/** The address cannot be bound. `code`: the system's, such as `EADDRINUSE`. */
export class AdminServerError extends Data.TaggedError("AdminServerError")<{
  readonly address: PeerAddress.PeerAddress
  readonly code: string
}> {
  override get message() {
    return `the admin API cannot listen on ${PeerAddress.format(this.address)} (${this.code})`
  }
}

/** The running admin API. */
export class AdminServer extends Context.Service<AdminServer, {
  /** The bound address: the port is never 0. */
  readonly address: PeerAddress.PeerAddress
}>()("timemesh/layers/http/AdminServer") {}

const hostName = (header: string): string | undefined =>
  /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d+)?$/.exec(header)?.slice(1).find((part) => part !== undefined)

/**
 * Refuses requests that a web page could make a browser send: host names that DNS may rebind to this address (Host must be an IP or
 * `localhost`), requests from another origin, and POSTs that need no preflight.
 */
const refusal = (request: HttpServerRequest.HttpServerRequest): readonly [status: number, text: string] | undefined => {
  const { host, origin, "content-type": type = "", "sec-fetch-site": site = "none" } = request.headers
  const name = hostName(host ?? "")
  if (name === undefined || (name.toLowerCase() !== "localhost" && Result.isFailure(NetAddress.ipFromString(name)))) {
    return [403, "the Host header must be an IP address or localhost"]
  }
  if (origin !== undefined && origin !== `http://${host ?? ""}`) return [403, "cross-origin requests are refused"]
  if (site !== "none" && site !== "same-origin") return [403, "cross-site requests are refused"]
  if (request.method !== "POST") return undefined
  if (!/^application\/json\s*(?:;|$)/i.test(type)) return [415, "the body must be application/json"]
  return Number(request.headers["content-length"] ?? Number.NaN) <= Limits.adminBodyBytes
    ? undefined
    : [413, `the body needs a Content-Length of at most ${Limits.adminBodyBytes}`]
}

/** Refusals by the API itself. A bad address in a request is `BadAddress`, which has a `message` too. */
const errorResponse = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ _tag: "Refused", message, error: message }, { status })

const unreadable: Readonly<Record<number, string>> = {
  400: "the request is malformed: its body or path does not have the form that the API says",
  404:
    "there is no such path and method: GET /status, /peers, /masternodes, /bans, /why/IP, /trace/IP, /story/IP, /events, /own, /settings, /resources, /refusals, /clock, /book, /health/live, /health/ready, /metrics, /openapi.json; " +
    "POST /connect, /disconnect, /ban, /unban, /trust, /isolate",
  413: `the body exceeds ${Limits.adminBodyBytes} bytes`
}

/** Adds a body with the reason where the server answers with a status only. */
const explained = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  app.pipe(
    Effect.catchCause((cause) =>
      Effect.flatMap(HttpServerError.causeResponse(cause), ([response]) => {
        if (response.status < 400 || response.status >= 499) return Effect.failCause(cause)
        const text = malformed(cause)
        return Effect.succeed(text === undefined ? response : errorResponse(response.status, text))
      })
    ),
    Effect.map((response) =>
      response.status === 401 ? HttpServerResponse.setHeader(response, "www-authenticate", "Bearer") : response
    ),
    Effect.map((response) =>
      response.status >= 400 && response.body._tag === "Empty"
        ? errorResponse(response.status, unreadable[response.status] ?? "the request is refused")
        : response
    )
  )

const guard = HttpRouter.middleware(
  (handled) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const refused = refusal(request)
      return refused === undefined
        ? explained(handled)
        : Effect.succeed(errorResponse(refused[0], refused[1]))
    }),
  { global: true }
)

/** Without HEAD, which the router answers as GET. */
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const
const noSuchPath = HttpServerResponse.empty({ status: 404 })

/** All routes behind their guard, for any HTTP server. `startedAt`: the node's start, monotonic ms. */
export const routes = (startedAt: number) =>
  HttpApiBuilder.layer(AdminApi, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide([
      NodeHandlers.layer(startedAt),
      CommandHandlers.layer,
      HealthHandlers.layer(startedAt),
      EventsHandlers.layer,
      InsightHandlers.layer
    ]),
    Layer.provide(AdminAccess.layer),
    Layer.merge(Dashboard.layer),
    Layer.merge(HttpRouter.addAll(methods.map((method) => HttpRouter.route(method, "/*", noSuchPath)))),
    Layer.provideMerge(guard),
    Layer.provideMerge(EventFeed.layer)
  )

const warnBeyondLoopback = (address: PeerAddress.PeerAddress) =>
  PeerIp.classOf(address.ip) === "loopback"
    ? Effect.void
    : Effect.logWarning(
      `admin API on ${
        PeerAddress.format(address)
      } is not encrypted: whoever sees the traffic reads the token; put a TLS proxy or an SSH tunnel before it`
    )

/**
 * Serves on `address` (port 0: any free port) until the scope closes. `access`: by default open on loopback; beyond it, queries need the token
 * regardless.
 */
export const layer = (
  address: PeerAddress.PeerAddress,
  access: AdminAccess.Access = { token: undefined, isClosed: false }
): Layer.Layer<AdminServer, AdminServerError, PeerState | ConnectionManager | NodeEvents | NodeConfig> => {
  const server = NodeHttpServer.layer(() => AdminConnections.make(), {
    host: address.ip,
    port: address.port,
    gracefulShutdownTimeout: Limits.adminShutdownMs
  }).pipe(
    Layer.catchTag(
      "ServeError",
      (error) =>
        Layer.effectContext(Effect.fail(new AdminServerError({ address, code: systemCode(error) ?? "unknown" })))
    )
  )
  return Layer.effect(
    AdminServer,
    Effect.gen(function*() {
      const http = yield* HttpServer.HttpServer
      const bound = NetAddress.isInetAddress(http.address) ? PeerAddress.fromInet(http.address) : address
      yield* warnBeyondLoopback(bound)
      // End it before the server closes, which waits for answers under way.
      const feed = yield* EventFeed.EventFeed
      yield* Effect.addFinalizer(() => feed.end)
      return { address: bound }
    })
  ).pipe(
    Layer.provideMerge(Layer.unwrap(
      Effect.map(monotonicMs, (startedAt) =>
        HttpRouter.serve(
          routes(startedAt),
          { disableLogger: true, disableListenLog: true }
        ))
    )),
    Layer.provide([
      server,
      Layer.succeed(AdminAccess.AdminAccess, {
        ...access,
        isClosed: access.isClosed || PeerIp.classOf(address.ip) !== "loopback"
      })
    ])
  )
}
