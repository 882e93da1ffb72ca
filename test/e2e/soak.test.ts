import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../soak/main.ts", import.meta.url))

const soak = (...args: ReadonlyArray<string>) =>
  ChildProcess.make(process.execPath, [main, "--nodes=3", "--faults", ...args], { forceKillAfter: 6_000 })

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const pidsIn = (directory: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* Effect.forEach(
      [1, 2, 3],
      (k) => Effect.map(fs.readFileString(`${directory}/node-${k}/lock.json`), (text): number => JSON.parse(text).pid)
    )
  })

const allGone = (pids: ReadonlyArray<number>, ms: number) =>
  Effect.suspend(() => pids.some(exists) ? Effect.fail("alive") : Effect.void).pipe(
    Effect.retry(Schedule.spaced(50)),
    Effect.timeout(ms)
  )

describe("the soak", () => {
  it.live(
    "measures three processes through a kill, and finds nothing amiss",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const child = yield* soak(
          "--minutes=0.3",
          "--fault-every=3",
          "--sample-every=1",
          "--port=24750",
          `--keep-logs=${directory}`,
          "--json"
        )
        const [stdout, stderr, code] = yield* Effect.all([
          Stream.mkString(Stream.decodeText(child.stdout)),
          Stream.mkString(Stream.decodeText(child.stderr)),
          child.exitCode
        ], { concurrency: "unbounded" })
        const report = JSON.parse(stdout)
        assert.deepStrictEqual(report.problems, [], stderr)
        assert.isTrue(report.ok)
        assert.strictEqual(Number(code), 0)
        assert.strictEqual(report.connected, 3)
        assert.strictEqual(report.unfaultedDowns, 0)
        assert.strictEqual(report.duplicates, 0)
        assert.isAbove(report.pongs.received.inbound, 0)
        // A kill, then no time for anything else; both peers of the victim lost their connection to it, and were heard.
        assert.deepStrictEqual(report.faults.map(({ kind }: { kind: string }) => kind), ["kill"])
        assert.isAtLeast(report.faults[0].recoveredMs, 0)
        const downs: ReadonlyArray<number> = Object.values(report.downsByReason)
        assert.strictEqual(downs.reduce((a, b) => a + b, 0), 2)
        // The victim's two processes and the two that lived on.
        assert.strictEqual(report.perNode.length, 4)
        const live = report.perNode.flatMap(({ live }: { live: { first: number } | null }) =>
          live === null ? [] : [live.first]
        )
        assert.isAbove(live.length, 0)
        for (const kib of live) assert.isAbove(kib, 5_000)
        if (process.platform === "linux") {
          const longest = report.perNode.filter(({ samples }: { samples: number }) => samples > 10)
          assert.isAtLeast(longest.length, 2)
          for (const { fds, rss, rssSlope } of longest) {
            assert.isAbove(fds.first, 2)
            assert.isAtLeast(rss.most, rss.last)
            assert.isAbove(rssSlope.error, 0)
          }
        }
        yield* allGone(yield* pidsIn(directory), 1_000)
      })).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("lets the nodes' clocks run faster when asked, and says so", () =>
    Effect.scoped(Effect.gen(function*() {
      const child = yield* ChildProcess.make(
        process.execPath,
        [main, "--nodes=2", "--minutes=0.15", "--faster=20", "--sample-every=1", "--port=24770", "--json"],
        { forceKillAfter: 6_000 }
      )
      const [stdout, stderr] = yield* Effect.all([
        Stream.mkString(Stream.decodeText(child.stdout)),
        Stream.mkString(Stream.decodeText(child.stderr))
      ], { concurrency: "unbounded" })
      const report = JSON.parse(stdout)
      assert.deepStrictEqual(report.problems, [], stderr)
      assert.strictEqual(report.quickened.factor, 20)
      // 9 s: 95 s of their own, six pings from each.
      assert.isAtLeast(report.quickened.nodeHours, 0.02)
      assert.isAtLeast(report.pings.received.inbound + report.pings.received.outbound, 8)
      assert.isBelow(report.settledMs, 10_000)
    })).pipe(Effect.provide(NodeServices.layer)))

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    it.live(
      `no process outlives a soak that got ${signal} while one stood still`,
      () =>
        Effect.scoped(Effect.gen(function*() {
          const fs = yield* FileSystem.FileSystem
          const directory = yield* fs.makeTempDirectoryScoped()
          const child = yield* soak("--minutes=1", "--fault-every=1", "--port=24760", `--keep-logs=${directory}`)
          yield* Stream.decodeText(child.stdout).pipe(
            Stream.splitLines,
            Stream.filter((line) => line.startsWith("SIGSTOP")),
            Stream.runHead
          )
          const pids = yield* pidsIn(directory)
          for (const pid of pids) assert.isTrue(exists(pid))
          yield* Effect.ignore(child.kill({ killSignal: signal }))
          // A shell wakes the one that stands still even if nobody else is left: after the 8 s of a short pause.
          yield* allGone(pids, 14_000)
        })).pipe(Effect.provide(NodeServices.layer))
    )
  }
})
