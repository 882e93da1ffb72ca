import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Schedule } from "effect"
import { call, start } from "./program.ts"

/** Whether a process of that id exists. */
const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const pidsOf = (directory: string, nodes: number) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* Effect.forEach(
      Array.from({ length: nodes }, (_, i) => `${directory}/node-${i + 1}/lock.json`),
      (file) => Effect.map(fs.readFileString(file), (text): number => JSON.parse(text).pid)
    )
  })

describe("timemesh testnet", () => {
  it.live("judges a network with a kill, from what its nodes say and log", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const args = ["testnet", "--nodes", "4", "--seconds", "45", "--chaos", "20", "--port", "24650", "--json"]
      // Settings of whoever starts it must not reach its nodes.
      const result = yield* call([...args, "--dir", directory], { TIMEMESH_PEER: "127.0.0.1", TIMEMESH_PING: "1h" })
      const verdict = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "")
      assert.deepStrictEqual(verdict.problems, [], result.stderr)
      assert.isTrue(verdict.ok)
      assert.strictEqual(result.code, 0)
      assert.strictEqual(verdict.pairs, 6)
      assert.strictEqual(verdict.connected, 6)
      assert.strictEqual(verdict.duplicates, 0)
      assert.strictEqual(verdict.recoveriesMs.length, 1)
      assert.isAbove(verdict.pings.sent.inbound, 0)
      assert.isAbove(verdict.pongs.received.outbound, 0)
      assert.isAbove(verdict.rttMs.p50, 0)
      // Each was given the seed alone, and the seed nothing. The seed knows no peer, unless one reached it while it started.
      const log = yield* fs.readFileString(`${directory}/node-2.log`)
      assert.match(
        log.split("\n").find((line) => /No peers known|PeerConnection established|dial/.test(line)) ?? "",
        /No peers known: use --peer|established with \S+ \(inbound/
      )
      for (const k of [1, 3, 4]) {
        assert.notInclude(yield* fs.readFileString(`${directory}/node-${k}.log`), "No peers known")
      }
      for (const pid of yield* pidsOf(directory, 4)) assert.isFalse(exists(pid))
    })).pipe(Effect.provide(NodeServices.layer)))

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    it.live(`no node outlives a testnet that got ${signal}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const testnet = yield* start([
          "testnet",
          "--nodes",
          "3",
          "--seconds",
          "60",
          "--port",
          "24660",
          "--dir",
          directory
        ])
        yield* testnet.line(/3 of 3 pairs/)
        const pids = yield* pidsOf(directory, 3)
        for (const pid of pids) assert.isTrue(exists(pid))
        if (signal === "SIGINT") {
          const second = yield* call(["testnet", "--port", "24660", "--dir", `${directory}/second`])
          assert.strictEqual(second.code, 2)
          assert.include(
            second.stderr,
            "address 127.0.0.1:24660 already in use; stop the other program, or choose other ports with --port PORT"
          )
        }
        yield* testnet.signal(signal)
        if (signal === "SIGINT") assert.strictEqual(yield* testnet.exitCode, 130)
        yield* Effect.suspend(() => pids.some(exists) ? Effect.fail("alive") : Effect.void).pipe(
          Effect.retry(Schedule.spaced(50)),
          Effect.timeout(6_000)
        )
      })).pipe(Effect.provide(NodeServices.layer)))
  }
})
