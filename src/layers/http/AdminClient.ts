/** Asks a running node over its admin API. */
import { Data, Effect } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import { AdminApi } from "./AdminApi.ts"
import type { Peers, Status, Why } from "./AdminApi.ts"

/**
 * The question was not answered. `nobody`: nothing listens there. `silent`: no answer in time. `refused`: the node says the
 * question is wrong. `foreign`: what answered is no timemesh node, or one of another version.
 */
export class AdminClientError extends Data.TaggedError("AdminClientError")<{
  readonly address: PeerAddress.PeerAddress
  readonly kind: "nobody" | "silent" | "refused" | "foreign"
  readonly detail: string
}> {
  override get message() {
    return `asking the node at ${PeerAddress.format(this.address)}: ${this.detail}`
  }
}

/** ms. A node that lives answers in a few; this long its event loop may be busy. */
const answerMs = 5_000

export interface AdminClient {
  readonly status: Effect.Effect<Status, AdminClientError>
  readonly peers: Effect.Effect<Peers, AdminClientError>
  readonly why: (ip: string) => Effect.Effect<Why, AdminClientError>
  /** `IP`, `IP:PORT` or `[IPv6]:PORT`. */
  readonly connect: (peer: string) => Effect.Effect<Why, AdminClientError>
  /** Whether there was a connection to end. */
  readonly disconnect: (ip: string) => Effect.Effect<boolean, AdminClientError>
  /** Cuts the node off from exactly these; none: from nobody any more. */
  readonly isolate: (ips: ReadonlyArray<string>) => Effect.Effect<void, AdminClientError>
}

/** Connects nothing yet: every call is one request. */
export const make = (
  address: PeerAddress.PeerAddress
): Effect.Effect<AdminClient, never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const api = yield* HttpApiClient.make(AdminApi, {
      transformClient: HttpClient.mapRequest(HttpClientRequest.prependUrl(`http://${PeerAddress.format(address)}`))
    })
    const failure = (kind: AdminClientError["kind"], detail: string) => new AdminClientError({ address, kind, detail })
    const translate = (error: { readonly _tag: string; readonly message: string; readonly reason?: unknown }) => {
      if (error._tag === "BadAddress") return failure("refused", error.message)
      const transport = typeof error.reason === "object" && error.reason !== null && "_tag" in error.reason &&
        error.reason._tag === "TransportError"
      return transport
        ? failure("nobody", "nobody answers; is the node running?")
        : failure("foreign", "what answers there is not the admin API of this version of timemesh")
    }
    const ask = <A, E extends { readonly _tag: string; readonly message: string }>(
      request: Effect.Effect<A, E>
    ): Effect.Effect<A, AdminClientError> =>
      request.pipe(
        Effect.mapError(translate),
        Effect.timeoutOrElse({
          duration: answerMs,
          orElse: () => Effect.fail(failure("silent", `no answer in ${answerMs / 1_000} s`))
        })
      )
    return {
      status: ask(api.status()),
      peers: ask(api.peers()),
      why: (ip) => ask(api.why({ params: { ip } })),
      connect: (peer) => ask(api.connect({ payload: { address: peer } })),
      disconnect: (ip) => ask(Effect.map(api.disconnect({ payload: { ip } }), (reply) => reply.disconnected)),
      isolate: (ips) => ask(Effect.asVoid(api.isolate({ payload: { ips } })))
    }
  })
