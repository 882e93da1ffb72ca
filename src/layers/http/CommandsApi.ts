/** Commands that change a node: the part of the admin API that needs the node's token. Shapes and units as in `AdminApi`. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Commanding } from "./AccessApi.ts"
import { BadAddress, Ban, NoBan, Why } from "./PeerApi.ts"

export const group = HttpApiGroup.make("commands", { topLevel: true }).annotate(
  OpenApi.Description,
  "What changes the node: needs its token"
).add(
  /** Adds an address. The ranks decide which end dials. */
  HttpApiEndpoint.post("connect", "/connect", {
    payload: Schema.Struct({ address: Schema.String }),
    success: Why,
    error: BadAddress
  }).annotate(OpenApi.Summary, "Add an address; which end dials follows from the ranks"),
  /** Closes the connection and stops dialling the peer until it is named again. */
  HttpApiEndpoint.post("disconnect", "/disconnect", {
    payload: Schema.Struct({ ip: Schema.String }),
    success: Schema.Struct({ disconnected: Schema.Boolean }),
    error: BadAddress
  }).annotate(OpenApi.Summary, "Close the connection and dial the peer no more until it is named again"),
  /** Bans an address or a block, for a day or `forMs`, replacing an earlier ban of the same. */
  HttpApiEndpoint.post("ban", "/ban", {
    payload: Schema.Struct({
      subnet: Schema.String,
      forMs: Schema.optional(Schema.Finite),
      reason: Schema.optional(Schema.String)
    }),
    success: Ban,
    error: BadAddress
  }).annotate(OpenApi.Summary, "Ban an address or a block, for a day or forMs; replaces an earlier ban of the same"),
  /** Lifts exactly that ban. */
  HttpApiEndpoint.post("unban", "/unban", {
    payload: Schema.Struct({ subnet: Schema.String }),
    success: Schema.Struct({ unbanned: Schema.String }),
    error: [BadAddress, NoBan]
  }).annotate(OpenApi.Summary, "Lift exactly that ban"),
  /** Forgets the key by which the peer is known: the next key that it shows is trusted. */
  HttpApiEndpoint.post("trust", "/trust", {
    payload: Schema.Struct({ ip: Schema.String }),
    success: Schema.Struct({ forgotten: Schema.Boolean }),
    error: BadAddress
  }).annotate(OpenApi.Summary, "Forget the key by which a peer is known: the one that it shows next is trusted"),
  /** For drills: isolates the node from exactly these addresses, as `ConnectionManager.isolate` does. An empty list ends the isolation. */
  HttpApiEndpoint.post("isolate", "/isolate", {
    payload: Schema.Struct({ ips: Schema.Array(Schema.String) }),
    success: Schema.Struct({ isolated: Schema.Int }),
    error: BadAddress
  }).annotate(OpenApi.Summary, "For drills: cut the node off from exactly these addresses; an empty list ends that")
).middleware(Commanding)
