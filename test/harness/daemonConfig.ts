/** The settings of a daemon in tests, from flags, environment and a file as given. */
import { ConfigProvider, Effect, FileSystem, Layer } from "effect"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as ConfigSources from "../../src/layers/config/ConfigSources.ts"
import * as DaemonConfig from "../../src/layers/config/DaemonConfig.ts"
import type * as ThisHost from "../../src/layers/config/ThisHost.ts"

export const host: ThisHost.Host = {
  home: "/home/op",
  addresses: ["127.0.0.1", "::1", "192.0.2.10"].map((text) => PeerIp.fromStringUnsafe(text))
}

export interface Told {
  readonly flags?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly env?: Readonly<Record<string, string>>
  readonly file?: readonly [name: string, text: string]
}

export const load = ({ env = {}, file, flags = {} }: Told) =>
  Effect.gen(function*() {
    const all = file === undefined ? flags : { config: [file[0]], ...flags }
    const { given, warnings } = yield* ConfigSources.collect(all)
    const config = yield* Effect.fromResult(DaemonConfig.decode(given, host, "timemesh/test"))
    return { config, warnings }
  }).pipe(
    Effect.provide(Layer.merge(
      ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)),
      FileSystem.layerNoop({
        readFileString: (path) =>
          file !== undefined && path === file[0] ? Effect.succeed(file[1]) : Effect.die(`read ${path}`)
      })
    ))
  )

export const configOf = (told: Told) => Effect.map(load(told), ({ config }) => config)

export const textOf = (told: Told) => Effect.map(Effect.flip(load(told)), (error) => error.message)

export const json = (content: unknown) => ["/etc/timemesh.json", JSON.stringify(content)] as const
