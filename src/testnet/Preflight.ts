/** Checks before a testnet starts: an unused directory, and addresses that can be bound. */
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { Data, Effect, FileSystem } from "effect"
import { makeDirectory } from "../layers/store/makeDirectory.ts"
import { systemCode, systemReason } from "../layers/store/systemError.ts"

/** The testnet cannot run here. `detail`: why, and the fix. */
export class TestnetError extends Data.TaggedError("TestnetError")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

const bind = (ip: string, port: number) =>
  Effect.scoped(NodeSocketServer.make({ host: ip, port })).pipe(
    Effect.match({
      onSuccess: () => undefined,
      onFailure: (error) => ({ ip, port, code: systemCode(error) ?? "unknown" })
    })
  )

const unusable = (directory: string) => (error: unknown) =>
  new TestnetError({
    detail: `${directory} cannot be used: ${systemReason(error)}; name another directory with --dir DIR`
  })

const freshDirectory = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const entries = yield* Effect.andThen(
    Effect.tryPromise({ try: () => makeDirectory(directory), catch: unusable(directory) }),
    Effect.mapError(fs.readDirectory(directory), unusable(directory))
  )
  if (entries.some((entry) => entry.startsWith("node-"))) {
    return yield* new TestnetError({
      detail: `${directory} holds nodes of an earlier run; empty it, or name another directory with --dir DIR`
    })
  }
})

export const check = Effect.fnUntraced(function*(options: {
  readonly nodes: number
  readonly port: number
  readonly directory: string
}) {
  yield* freshDirectory(options.directory)
  const ips = Array.from({ length: options.nodes }, (_, i) => `127.0.0.${i + 1}`)
  const failures = yield* Effect.forEach(
    ips.flatMap((ip) => [[ip, options.port], [ip, options.port + 1]] as const),
    ([ip, port]) => bind(ip, port)
  )
  const found = failures.filter((failure) => failure !== undefined)
  const [first] = found
  if (first === undefined) return
  const missing = [...new Set(found.filter(({ code }) => code === "EADDRNOTAVAIL").map(({ ip }) => ip))]
  if (missing.length > 0) {
    return yield* new TestnetError({
      detail: `this machine does not have ${missing.join(", ")}, and each node needs an IP of its own; on macOS add ${
        missing.length === 1 ? "it" : "them"
      } with: ${missing.map((ip) => `sudo ifconfig lo0 alias ${ip} up`).join("; ")}`
    })
  }
  return yield* new TestnetError({
    detail: first.code === "EADDRINUSE"
      ? `address ${first.ip}:${first.port} already in use; stop the other program, or choose other ports with --port PORT`
      : `${first.ip}:${first.port} cannot be bound (${first.code}); choose other ports with --port PORT`
  })
})
