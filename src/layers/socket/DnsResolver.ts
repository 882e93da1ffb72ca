/** `NameResolver` over DNS, using the system's name servers. The hosts file is not read: a seed is a public name. */
import { Effect, Layer, Result } from "effect"
import { Resolver } from "node:dns/promises"
import * as Limits from "../../domain/Limits.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import { NameError, NameResolver } from "../../services/NameResolver.ts"
import { systemCode } from "../store/systemError.ts"

/** @param servers name servers as `IP:PORT`; absent: the system's */
export const layer = (servers?: ReadonlyArray<string>): Layer.Layer<never> =>
  Layer.succeed(NameResolver, {
    resolve: (name) =>
      Effect.suspend(() => {
        const resolver = new Resolver({ timeout: Limits.seedResolveMs / 2, tries: 2 })
        if (servers !== undefined) resolver.setServers([...servers])
        const question = (type: "A" | "AAAA") =>
          Effect.result(Effect.tryPromise({
            try: () => resolver.resolve(name, type) as Promise<Array<string>>,
            catch: (error) => new NameError({ name, code: systemCode(error) ?? "unknown" })
          }))
        return Effect.all([question("A"), question("AAAA")], { concurrency: 2 }).pipe(
          Effect.flatMap((answers) => {
            const ips = answers.flatMap((answer) => Result.isSuccess(answer) ? answer.success : [])
              .flatMap((text) =>
                Result.match(PeerIp.fromString(text), { onFailure: () => [], onSuccess: (ip) => [ip] })
              )
            const failed = answers.find(Result.isFailure)
            return ips.length > 0
              ? Effect.succeed(ips)
              : Effect.fail(failed?.failure ?? new NameError({ name, code: "ENODATA" }))
          }),
          Effect.onInterrupt(() => Effect.sync(() => resolver.cancel()))
        )
      })
  })
