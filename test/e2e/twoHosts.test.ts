/** Two nodes with IPv4 and IPv6 each, on real sockets: hosts of their own, made of network namespaces. */
import { assert, describe } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { e2e, main } from "./program.ts"

const script = fileURLToPath(new URL("twoHosts.sh", import.meta.url))

const probe = "ip link add one type veth peer name two && ip -6 address add fd55::1/64 dev one nodad"

/** Hosts with a cable between them and IPv6 can be made here. */
const possible = spawnSync("unshare", ["-rn", "sh", "-c", probe]).status === 0

const Peers = Schema.fromJsonString(Schema.Struct({
  peers: Schema.Array(Schema.Struct({
    ip: Schema.String,
    connection: Schema.optional(Schema.Struct({ socket: Schema.String }))
  }))
}))

describe.skipIf(!possible)(`two hosts${possible ? "" : " (skipped: no network namespaces here)"}`, () => {
  e2e("with IPv4 and IPv6 each are connected once", (directory, fs) =>
    Effect.gen(function*() {
      const child = yield* ChildProcess.make("unshare", ["-rn", "sh", script, process.execPath, main, directory], {
        forceKillAfter: 6_000
      })
      const text = yield* Stream.mkString(Stream.decodeText(child.stdout))
      const said = yield* Effect.forEach(text.trim().split("\n"), (line) => Schema.decodeEffect(Peers)(line))
      const up = said.map(({ peers }) => peers.flatMap(({ connection }) => connection?.socket ?? []))
      const logs = yield* Effect.forEach(["one", "two"], (host) => fs.readFileString(`${directory}/${host}.log`))
      assert.deepStrictEqual(up.map((sockets) => sockets.length), [1, 1], logs.join("\n"))
      assert.deepStrictEqual(up[0], up[1])
    }))
})
