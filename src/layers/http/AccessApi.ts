/** Access rules of the admin API as its definition states them; `AdminAccess` enforces them. */
import { Schema } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"

/** The request has no token, or a wrong one. `message` says where the token is. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", { message: Schema.String }, {
  httpApiStatus: 401
}) {}

/** Guards commands: they need the token, if the node has one. */
export class Commanding extends HttpApiMiddleware.Service<Commanding>()("timemesh/layers/http/Commanding", {
  error: Unauthorized,
  security: { token: HttpApiSecurity.bearer }
}) {}

/** Guards queries: they need the token beyond loopback, and wherever the node's configuration asks for it. */
export class Reading extends HttpApiMiddleware.Service<Reading>()("timemesh/layers/http/Reading", {
  error: Unauthorized,
  security: { token: HttpApiSecurity.bearer }
}) {}
