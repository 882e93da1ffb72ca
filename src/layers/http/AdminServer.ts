/**
 * Serves the admin API of a node. There is no password: any client that reaches the address can read and control the node,
 * so keep it on loopback. Web pages in a browser on the same machine cannot use it: see `guard`.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Clock, Context, Data, Effect, Layer, Option, Result } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { NetAddress } from "effect/net"
import { createServer } from "node:http"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../domain/peer/PeerRecord.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { PeerState } from "../../services/PeerState.ts"
import { Sync } from "../../services/Sync.ts"
import type { SyncReport } from "../../services/Sync.ts"
import { DroppedLines } from "../log/LogOutput.ts"
import { systemCode } from "../store/systemError.ts"
import { AdminApi, BadAddress } from "./AdminApi.ts"
import type { Chain, Peer } from "./AdminApi.ts"

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
  /** As bound: the port is never 0. */
  readonly address: PeerAddress.PeerAddress
}>()("timemesh/layers/http/AdminServer") {}

const hostName = (header: string): string | undefined =>
  /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d+)?$/.exec(header)?.slice(1).find((part) => part !== undefined)

/**
 * Refuses what a web page could make a browser send: host names that DNS may rebind to this address (Host must be an IP or
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

const guard = HttpRouter.middleware(
  (handled) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const refused = refusal(request)
      return refused === undefined
        ? handled
        : Effect.succeed(HttpServerResponse.jsonUnsafe({ error: refused[1] }, { status: refused[0] }))
    }),
  { global: true }
)

const readIp = (text: string) =>
  Effect.mapError(Effect.fromResult(PeerIp.fromString(text)), (error) => new BadAddress({ message: error.message }))

const sentence = (known: number, connected: number): string => {
  if (known === 0) return "No peers known: use --peer IP:PORT, or wait for an inbound connection"
  if (connected === 0) return `Connected to none of ${known} known peers; for the reason run: timemesh why IP`
  return connected === known
    ? `Connected to all ${known} known peers`
    : `Connected to ${connected} of ${known} known peers`
}

const chainOf = ({ headers, line, peers, reorgs, synced, tip, waiting }: SyncReport): Chain => ({
  height: tip.height,
  hash: tip.hash,
  headers,
  synced,
  line,
  reorgs,
  waiting,
  peers
})

const withSync = (row: PeerRecord, sync: Peer["sync"]): Peer => ({ ...row, sync })

const handlers = (startedAt: number) =>
  HttpApiBuilder.group(
    AdminApi,
    "node",
    Effect.fnUntraced(function*(handlers) {
      const state = yield* PeerState
      const manager = yield* ConnectionManager
      const events = yield* NodeEvents
      const config = yield* NodeConfig
      const droppedLines = yield* DroppedLines
      const report = Effect.transposeOption(
        Option.map(yield* Effect.serviceOption(Sync), (sync) => sync.report)
      )
      return handlers.handleAll({
        status: () =>
          Effect.gen(function*() {
            const known = (yield* state.peers).length
            const connected = (yield* state.connected).length
            const now = yield* Clock.currentTimeMillis
            return {
              network: config.network.name,
              listen: PeerAddress.format(manager.address),
              advertise: config.advertise,
              software: config.software,
              pid: process.pid,
              startedAt,
              uptimeMs: now - startedAt,
              known,
              connected,
              state: sentence(known, connected),
              chain: Option.getOrUndefined(Option.map(yield* report, chainOf)),
              logLinesDropped: droppedLines(),
              stats: yield* events.stats
            }
          }),
        peers: () =>
          Effect.gen(function*() {
            const at = yield* Clock.currentTimeMillis
            const stats = yield* events.stats
            const syncing = new Map(
              Option.match(yield* report, { onNone: () => [], onSome: ({ peers }) => peers }).map(({ ip, ...sync }) =>
                [ip, sync] as const
              )
            )
            const rows = yield* state.peers
            const peers = rows.map((row) => withSync(row, syncing.get(row.ip)))
            return { at, open: stats.ups - stats.downs, peers }
          }),
        why: ({ params }) => Effect.flatMap(readIp(params.ip), state.why),
        connect: ({ payload }) =>
          Effect.gen(function*() {
            const address = yield* Effect.fromResult(
              PeerAddress.fromString(payload.address, config.network.port)
            ).pipe(Effect.mapError((error) => new BadAddress({ message: error.message })))
            yield* Effect.mapError(manager.connect(address), ({ message }) => new BadAddress({ message }))
            return yield* state.why(address.ip)
          }),
        disconnect: ({ payload }) =>
          Effect.gen(function*() {
            const ip = yield* readIp(payload.ip)
            return { disconnected: yield* manager.disconnect(ip) }
          }),
        isolate: ({ payload }) =>
          Effect.gen(function*() {
            const ips = yield* Effect.forEach(payload.ips, readIp)
            yield* manager.isolate(ips)
            return { isolated: ips.length }
          })
      })
    })
  )

/** All routes behind their guard, for any HTTP server. `startedAt`: the node's, wall time in ms. */
export const routes = (startedAt: number) =>
  HttpApiBuilder.layer(AdminApi).pipe(Layer.provide(handlers(startedAt)), Layer.provideMerge(guard))

const warnBeyondLoopback = (address: PeerAddress.PeerAddress) =>
  PeerIp.classOf(address.ip) === "loopback"
    ? Effect.void
    : Effect.logWarning(
      `admin API on ${
        PeerAddress.format(address)
      }: any client that reaches it can control the node; keep it on loopback`
    )

/** Serves on `address` (port 0: any free port) until the scope closes. */
export const layer = (
  address: PeerAddress.PeerAddress
): Layer.Layer<AdminServer, AdminServerError, PeerState | ConnectionManager | NodeEvents | NodeConfig> => {
  const server = NodeHttpServer.layer(() =>
    createServer({
      requestTimeout: Limits.adminRequestMs,
      maxHeaderSize: Limits.adminHeaderBytes
    }), {
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
      return { address: bound }
    })
  ).pipe(
    Layer.provideMerge(Layer.unwrap(
      Effect.map(Clock.currentTimeMillis, (startedAt) =>
        HttpRouter.serve(
          routes(startedAt),
          { disableLogger: true, disableListenLog: true }
        ))
    )),
    Layer.provide(server)
  )
}
