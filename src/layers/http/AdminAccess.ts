/**
 * Decides which requests the admin API accepts.
 *
 * **Commands** need the node's token, from any address. **Queries** are open on loopback unless `isClosed`. Without a token, commands are open
 * on loopback too (for programs that embed the server), and beyond it nothing is.
 */
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { createHash, timingSafeEqual } from "node:crypto"
import { Commanding, Reading, Unauthorized } from "./AccessApi.ts"

export interface Access {
  readonly token: Redacted.Redacted | undefined
  /** Queries need the token too: the API is beyond loopback, or its operator chose so. */
  readonly isClosed: boolean
}

/** Default: open, for a server on loopback. */
export const AdminAccess = Context.Reference<Access>("timemesh/layers/http/AdminAccess", {
  defaultValue: () => ({ token: undefined, isClosed: false })
})

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Whether both tokens are equal. Takes constant time: it compares digests of one length to the end. */
export const isSame = (token: Redacted.Redacted, given: Redacted.Redacted): boolean =>
  timingSafeEqual(digest(Redacted.value(token)), digest(Redacted.value(given)))

const where =
  "run the command as the user of the node with --data-dir DIR, which has the token, or name the token's file with --admin-token-file FILE"

/** Why the request is refused. Never shows the given token. */
const refusal = (token: Redacted.Redacted | undefined, authorization: string | undefined): string => {
  if (token === undefined) return "the node has no token, so it answers on loopback only"
  if (authorization === undefined) return `this needs the node's token; ${where}`
  return /^bearer /i.test(authorization)
    ? `the token is not that of this node; ${where}`
    : "the Authorization header must have the form: Bearer TOKEN"
}

/** Fails unless the request has this token. */
const check = (token: Redacted.Redacted | undefined, given: Redacted.Redacted) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
    token !== undefined && isSame(token, given)
      ? Effect.void
      : Effect.fail(new Unauthorized({ message: refusal(token, headers["authorization"]) })))

const layerCommanding = Layer.effect(
  Commanding,
  Effect.map(AdminAccess, ({ isClosed, token }) =>
    Commanding.of({
      token: (handled, { credential }) =>
        token === undefined && !isClosed ? handled : Effect.andThen(check(token, credential), handled)
    }))
)

const layerReading = Layer.effect(
  Reading,
  Effect.map(AdminAccess, ({ isClosed, token }) =>
    Reading.of({
      token: (handled, { credential }) => isClosed ? Effect.andThen(check(token, credential), handled) : handled
    }))
)

/** Enforces the `AdminAccess` in context. */
export const layer: Layer.Layer<Commanding | Reading> = Layer.mergeAll(layerCommanding, layerReading)
