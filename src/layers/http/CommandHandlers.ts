/** Handlers of the admin API's commands. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { AdminApi } from "./AdminApi.ts"
import * as BanRequests from "./BanRequests.ts"
import * as PeerAnswers from "./PeerAnswers.ts"
import { readIp } from "./PeerAnswers.ts"
import { BadAddress } from "./PeerApi.ts"

export const layer = HttpApiBuilder.group(
  AdminApi,
  "commands",
  Effect.fnUntraced(function*(handlers) {
    const manager = yield* ConnectionManager
    const config = yield* NodeConfig
    const { why } = yield* PeerAnswers.make
    return handlers.handleAll({
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
