/** Client of a running node's admin API. */
import { Data, Effect, Option, type Redacted, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as Limits from "../../domain/Limits.ts"
import type { PairTraceFile } from "../../domain/pair/PairTraceFile.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as Problem from "../../domain/Problem.ts"
import { systemCode, systemReason } from "../store/systemError.ts"
import { AdminApi } from "./AdminApi.ts"
import type { Masternodes, Status } from "./AdminApi.ts"
import type { Sent } from "./EventsApi.ts"
import type { Book, ClockReport, Own, Refusals, Resources, Settings } from "./InsightApi.ts"
import type { Ban, Bans, Peers, Why } from "./PeerApi.ts"
import { present } from "./present.ts"

/**
 * The request failed. `unreachable`: no connection to that address. `timeout`: no answer in time. `refused`: the node
 * rejected the request as invalid. `absent`: the node has nothing that matches. `busy`: the node cannot answer now.
 * `unauthorized`: the node's token is needed. `foreign`: the answer is not from a timemesh node of this version.
 */
export class AdminClientError extends Data.TaggedError("AdminClientError")<{
  readonly address: PeerAddress.PeerAddress
  readonly kind: "unreachable" | "timeout" | "refused" | "absent" | "busy" | "unauthorized" | "foreign"
  readonly detail: string
  readonly fix?: string | undefined
}> {
  get what() {
    return `admin API ${PeerAddress.format(this.address)}: ${this.detail}`
  }
  override get message() {
    return Problem.text(this)
  }
}

export interface AdminClient {
  readonly status: Effect.Effect<Status, AdminClientError>
  readonly peers: Effect.Effect<Peers, AdminClientError>
  readonly masternodes: Effect.Effect<Masternodes, AdminClientError>
  readonly why: (ip: string) => Effect.Effect<Why, AdminClientError>
  /** Fails with `absent` when nothing has happened with that address. */
  readonly trace: (ip: string) => Effect.Effect<PairTraceFile, AdminClientError>
  readonly resources: Effect.Effect<Resources, AdminClientError>
  readonly clock: Effect.Effect<ClockReport, AdminClientError>
  readonly own: Effect.Effect<Own, AdminClientError>
  readonly settings: Effect.Effect<Settings, AdminClientError>
  readonly refusals: Effect.Effect<Refusals, AdminClientError>
  /** A page of the peer book after the first `skip` addresses. */
  readonly book: (skip: number) => Effect.Effect<Book, AdminClientError>
  /** `IP`, `IP:PORT` or `[IPv6]:PORT`. */
  readonly connect: (peer: string) => Effect.Effect<Why, AdminClientError>
  /** Returns whether there was a connection to close. */
  readonly disconnect: (ip: string) => Effect.Effect<boolean, AdminClientError>
  readonly bans: Effect.Effect<Bans, AdminClientError>
  /** Bans an address or a block. `forMs`: default a day. */
  readonly ban: (
    subnet: string,
    options?: { readonly forMs?: number | undefined; readonly reason?: string | undefined }
  ) => Effect.Effect<Ban, AdminClientError>
  /** Returns the address or block whose ban was lifted, as the node writes it. Fails with `absent` when there is no such ban. */
  readonly unban: (subnet: string) => Effect.Effect<string, AdminClientError>
  /** Returns whether the node knew a key of the peer, which is now forgotten. */
  readonly trust: (ip: string) => Effect.Effect<boolean, AdminClientError>
  /** Events after that id, or first the latest `last`. Ends when the node stops sending them, or sends no sign of life. */
  readonly events: (after: string | undefined, last: number) => Stream.Stream<Sent, AdminClientError>
  /** Isolates the node from exactly these addresses; an empty list ends the isolation. */
  readonly isolate: (ips: ReadonlyArray<string>) => Effect.Effect<void, AdminClientError>
}

/** A client for that address; every call is one request. `token`: the node's, which commands need; read for each request. */
export const make = (
  address: PeerAddress.PeerAddress,
  token: Effect.Effect<Option.Option<Redacted.Redacted>> = Effect.succeedNone
): Effect.Effect<AdminClient, never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const api = yield* HttpApiClient.make(AdminApi, {
      transformClient: HttpClient.mapRequestEffect((request) =>
        Effect.map(token, (found) =>
          HttpClientRequest.prependUrl(
            Option.isNone(found) ? request : HttpClientRequest.bearerToken(request, found.value),
            `http://${PeerAddress.format(address)}`
          ))
      )
    })
    const failure = (kind: AdminClientError["kind"], detail: string, fix?: string) =>
      new AdminClientError({ address, kind, detail, fix })
    const translate = (error: { readonly _tag: string; readonly message: string; readonly reason?: unknown }) => {
      if (error._tag === "BadAddress") return failure("refused", error.message)
      if (error._tag === "TooManyReaders") return failure("busy", error.message)
      if (["NoBan", "NoMasternodes", "NoTrace"].includes(error._tag)) return failure("absent", error.message)
      if (error._tag === "Unauthorized") return failure("unauthorized", error.message)
      const transport = typeof error.reason === "object" && error.reason !== null && "_tag" in error.reason &&
        error.reason._tag === "TransportError"
      return transport
        ? ["ECONNRESET", undefined].includes(systemCode(error))
          ? failure(
            "unreachable",
            "the connection was closed without an answer",
            "the admin API is at the port above that for peers, unless --admin names another"
          )
          : failure("unreachable", systemReason(error), "is the node running there?")
        : failure("foreign", "the answer is not from an admin API of this timemesh version", "check the address")
    }
    const ask = <A, E extends { readonly _tag: string; readonly message: string }>(
      request: Effect.Effect<A, E>
    ): Effect.Effect<A, AdminClientError> =>
      request.pipe(
        Effect.mapError(translate),
        Effect.timeoutOrElse({
          duration: Limits.adminAnswerMs,
          orElse: () => Effect.fail(failure("timeout", `no answer within ${Limits.adminAnswerMs / 1_000} s`))
        })
      )
    return {
      status: ask(api.status()),
      peers: ask(api.peers()),
      masternodes: ask(api.masternodes()),
      why: (ip) => ask(api.why({ params: { ip } })),
      trace: (ip) => ask(api.trace({ params: { ip } })),
      resources: ask(api.resources()),
      clock: ask(api.clock()),
      own: ask(api.own()),
      settings: ask(api.settings()),
      refusals: ask(api.refusals()),
      book: (skip) => ask(api.book({ query: { skip } })),
      connect: (peer) => ask(api.connect({ payload: { address: peer } })),
      disconnect: (ip) => ask(Effect.map(api.disconnect({ payload: { ip } }), (reply) => reply.disconnected)),
      bans: ask(api.bans()),
      ban: (subnet, { forMs, reason } = {}) => ask(api.ban({ payload: present({ subnet, forMs, reason }) })),
      unban: (subnet) => ask(Effect.map(api.unban({ payload: { subnet } }), ({ unbanned }) => unbanned)),
      trust: (ip) => ask(Effect.map(api.trust({ payload: { ip } }), ({ forgotten }) => forgotten)),
      events: (after, last) =>
        Stream.unwrap(ask(api.events({ headers: present({ "last-event-id": after }), query: { last } }))).pipe(
          Stream.catch((error) =>
            Stream.fail(error instanceof AdminClientError ? error : failure("unreachable", "the events ended"))
          ),
          Stream.timeout(2 * Limits.eventBeatMs)
        ),
      isolate: (ips) => ask(Effect.asVoid(api.isolate({ payload: { ips } })))
    }
  })
