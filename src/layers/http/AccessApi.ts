/** Who may ask what of the admin API, as the API's definition has it; `AdminAccess` decides. */
import { Schema } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"

/** The request has no token, or not that of the node. `message` says where the token is. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", { message: Schema.String }, {
  httpApiStatus: 401
}) {}

/** Before a command: the token, if the node has one. */
export class Commanding extends HttpApiMiddleware.Service<Commanding>()("timemesh/layers/http/Commanding", {
  error: Unauthorized,
  security: { token: HttpApiSecurity.bearer }
}) {}

/** Before any other question: the token beyond loopback, and where the node's configuration asks for it. */
export class Reading extends HttpApiMiddleware.Service<Reading>()("timemesh/layers/http/Reading", {
  error: Unauthorized,
  security: { token: HttpApiSecurity.bearer }
}) {}
