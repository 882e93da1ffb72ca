/**
 * Serves the admin API of a node. There is no password: any client that reaches the address can read and control the node,
 * so keep it on loopback. Web pages in a browser on the same machine cannot use it: see `guard`.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Clock, Context, Data, Effect, Layer, Option, Result } from "effect"
import { HttpRouter, HttpServer, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { NetAddress } from "effect/net"
import * as Limits from "../../domain/Limits.ts"
import * as MasternodeReport from "../../domain/masternode/MasternodeReport.ts"
import * as PairPast from "../../domain/pair/PairPast.ts"
import * as PairTraceFile from "../../domain/pair/PairTraceFile.ts"
import type { Explanation } from "../../domain/peer/Explanation.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../domain/peer/PeerRecord.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import { Masternodes } from "../../services/Masternodes.ts"
import { NodeConfig, type NodeSetup } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { PeerState } from "../../services/PeerState.ts"
import { Sync } from "../../services/Sync.ts"
import type { SyncPeerReport, SyncReport } from "../../services/Sync.ts"
import { DroppedLines } from "../log/LogOutput.ts"
import { systemCode } from "../store/systemError.ts"
import { AdminApi, BadAddress, NoMasternodes, NoTrace } from "./AdminApi.ts"
import type { Chain, Peer, Why } from "./AdminApi.ts"
import * as AdminConnections from "./AdminConnections.ts"
import * as BanRequests from "./BanRequests.ts"
import * as EventFeed from "./EventFeed.ts"
import * as EventsHandlers from "./EventsHandlers.ts"
import * as HealthHandlers from "./HealthHandlers.ts"
import * as NodeHealth from "./NodeHealth.ts"
import { present } from "./present.ts"

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

/** Refusals of the API itself; those of a request's address are `BadAddress`, which has a `message` as well. */
const errorResponse = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ _tag: "Refused", message, error: message }, { status })

const unreadable: Readonly<Record<number, string>> = {
  400: "the request is malformed: its body or path does not have the form that the API says",
  404: "there is no such path and method: GET /status, /peers, /masternodes, /bans, /why/IP, /trace/IP, /events; " +
    "POST /connect, /disconnect, /ban, /unban, /trust, /isolate",
  413: `the body exceeds ${Limits.adminBodyBytes} bytes`
}

/** What the server answers with a status alone gets a body that says why. */
const explained = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  app.pipe(
    Effect.catchCause((cause) =>
      Effect.flatMap(HttpServerError.causeResponse(cause), ([response]) =>
        response.status >= 400 && response.status < 499 ? Effect.succeed(response) : Effect.failCause(cause))
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

/** `IP`, or `IP:PORT` where the public port is another one. */
const advertised = ({ advertise, advertisePort }: NodeSetup): string | undefined =>
  advertise === undefined || advertisePort === undefined
    ? advertise
    : PeerAddress.format(PeerAddress.make(advertise, advertisePort))

const monotonicMs = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const readIp = (text: string) =>
  Effect.mapError(Effect.fromResult(PeerIp.fromString(text)), (error) => new BadAddress({ message: error.message }))

const syncOf = ({ blocks, height, use }: SyncPeerReport): NonNullable<Peer["sync"]> => ({ height, blocks, use })

const chainOf = ({ headers, line, peers, reorgs, synced, tip, waiting }: SyncReport): Chain => ({
  height: tip.height,
  hash: tip.hash,
  headers,
  synced,
  line,
  reorgs,
  waiting,
  peers: peers.map((peer) => ({ ip: peer.ip, ...syncOf(peer) }))
})

const rttOf = ({ lastMs, leastMs, smoothedMs }: NonNullable<NonNullable<PeerRecord["connection"]>["rtt"]>) => ({
  smoothedMs: Math.round(smoothedMs),
  leastMs: Math.round(leastMs),
  lastMs: Math.round(lastMs),
  smoothedMicros: Math.round(smoothedMs * 1_000)
})

const rowOf = (record: PeerRecord): Peer => {
  const { connection } = record
  if (connection === undefined) return { ...record, connection }
  return {
    ...record,
    connection: { ...connection, rtt: connection.rtt === undefined ? undefined : rttOf(connection.rtt) }
  }
}

const whyOf = ({ cause, fix, ip, offences, record, situation, state, text }: Explanation): Why => ({
  ip,
  state,
  situation,
  cause,
  fix,
  text,
  record: record === undefined ? undefined : rowOf(record),
  offences: offences?.map((offence) => ({ ...offence, agoMs: Math.round(offence.agoMs) }))
})

/** `startedAt`: monotonic ms of the start. */
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
      const health = yield* NodeHealth.make
      const report = Effect.transposeOption(
        Option.map(yield* Effect.serviceOption(Sync), (sync) => sync.report)
      )
      const syncPeers = Effect.map(report, (found) =>
        new Map(
          Option.match(found, { onNone: () => [], onSome: ({ peers }) => peers }).map((peer) =>
            [peer.ip, peer] as const
          )
        ))
      const why = (ip: PeerIp.PeerIp) =>
        Effect.flatMap(
          syncPeers,
          (peers) =>
            Effect.zipWith(
              state.why(ip, peers.get(ip)?.clockBehindS),
              state.trace(ip),
              (why, trace) =>
                present({
                  ...whyOf(why),
                  past: Option.getOrUndefined(Option.map(trace, (kept) => PairPast.of(kept, Limits.pastShown)))
                })
            )
        )
      const masternodes = Effect.transposeOption(
        Option.map(yield* Effect.serviceOption(Masternodes), (registry) => registry.report)
      )
      return handlers.handleAll({
        status: () =>
          Effect.gen(function*() {
            const { links, peers, sync, verdict } = yield* health
            const { apart, connected, known, missing, sentence, troubled } = peers
            const now = yield* Clock.currentTimeMillis
            const uptimeMs = Math.round((yield* monotonicMs) - startedAt)
            const stats = yield* events.stats
            return present({
              network: config.network.name,
              listen: PeerAddress.format(manager.address),
              advertise: advertised(config),
              own: yield* state.own,
              software: config.software,
              pid: process.pid,
              startedAt: now - uptimeMs,
              uptimeMs,
              known,
              connected,
              ...(missing.length === 0 ? {} : { missing }),
              ...(Object.keys(troubled).length === 0 ? {} : { troubled }),
              ...(Object.keys(apart).length === 0 ? {} : { apart }),
              ...(connected === 0 ? {} : { links }),
              verdict: NodeHealth.toApi(verdict),
              state: sentence,
              chain: sync === undefined ? undefined : chainOf(sync),
              masternodes: Option.getOrUndefined(yield* masternodes)?.counts,
              logLinesDropped: droppedLines(),
              stats: { ...stats, maxLagMs: Math.round(stats.maxLagMs), lagMs: Math.round(stats.lagMs) }
            })
          }),
        peers: () =>
          Effect.gen(function*() {
            const at = yield* Clock.currentTimeMillis
            const stats = yield* events.stats
            const syncing = yield* syncPeers
            const rows = yield* state.explained((ip) => syncing.get(ip)?.clockBehindS)
            const peers = rows.flatMap(({ cause, fix, ip, record, situation }) => {
              if (record === undefined) return []
              const sync = syncing.get(ip)
              return [{ ...rowOf(record), situation, cause, fix, sync: sync === undefined ? undefined : syncOf(sync) }]
            })
            return present({ at, open: stats.ups - stats.downs, peers })
          }),
        masternodes: () =>
          Effect.gen(function*() {
            const found = yield* masternodes
            if (Option.isNone(found)) {
              return yield* new NoMasternodes({ message: "this node keeps no registry of masternodes" })
            }
            const { conflicts, counts, masternodes: rows } = found.value
            const at = yield* Clock.currentTimeMillis
            return present({
              at,
              counts,
              masternodes: rows,
              conflicts: conflicts.map(MasternodeReport.describeConflict)
            })
          }),
        why: ({ params }) => Effect.flatMap(readIp(params.ip), why),
        trace: ({ params }) =>
          Effect.gen(function*() {
            const ip = yield* readIp(params.ip)
            const trace = yield* state.trace(ip)
            if (Option.isSome(trace)) return PairTraceFile.of(trace.value)
            return yield* new NoTrace({ message: `nothing has happened between this node and ${ip}; ask why instead` })
          }),
        connect: ({ payload }) =>
          Effect.gen(function*() {
            const address = yield* Effect.fromResult(
              PeerAddress.fromString(payload.address, config.network.port)
            ).pipe(Effect.mapError((error) => new BadAddress({ message: error.message })))
            yield* Effect.mapError(manager.connect(address), ({ message }) => new BadAddress({ message }))
            return yield* why(address.ip)
          }),
        disconnect: ({ payload }) =>
          Effect.gen(function*() {
            const ip = yield* readIp(payload.ip)
            return { disconnected: yield* manager.disconnect(ip) }
          }),
        bans: () =>
          Effect.gen(function*() {
            return { at: yield* Clock.currentTimeMillis, bans: yield* manager.bans }
          }),
        ban: ({ payload }) => BanRequests.ban(manager, payload),
        unban: ({ payload }) => BanRequests.unban(manager, payload.subnet),
        trust: ({ payload }) =>
          Effect.gen(function*() {
            return { forgotten: yield* manager.trust(yield* readIp(payload.ip)) }
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

/** Without HEAD, which the router answers as GET. */
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const
const noSuchPath = HttpServerResponse.empty({ status: 404 })

/** All routes behind their guard, for any HTTP server. `startedAt`: the node's, monotonic ms. */
export const routes = (startedAt: number) =>
  HttpApiBuilder.layer(AdminApi, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide([handlers(startedAt), HealthHandlers.layer(startedAt), EventsHandlers.layer]),
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
      }: any client that reaches it can control the node; keep it on loopback`
    )

/** Serves on `address` (port 0: any free port) until the scope closes. */
export const layer = (
  address: PeerAddress.PeerAddress
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
      // Before the server closes, which waits for answers under way.
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
    Layer.provide(server)
  )
}
