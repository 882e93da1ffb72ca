import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Option, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"
import { crashing, dying, failing, hanging } from "../harness/simulatorStub.ts"

const main = fileURLToPath(new URL("../harness/simulatorStubMain.ts", import.meta.url))

const start = (args: ReadonlyArray<string>, pids?: string) =>
  ChildProcess.make(process.execPath, [main, ...(pids === undefined ? [] : [`pids=${pids}`]), "simulate", ...args], {
    extendEnv: true,
    stdin: "ignore",
    forceKillAfter: 6_000
  })

const call = (...args: ReadonlyArray<string>) =>
  Effect.scoped(Effect.gen(function*() {
    const child = yield* start(args)
    const [stdout, stderr, code] = yield* Effect.all([
      Stream.mkString(Stream.decodeText(child.stdout)),
      Stream.mkString(Stream.decodeText(child.stderr)),
      child.exitCode
    ], { concurrency: "unbounded" })
    return { out: stdout.trimEnd().split("\n"), stderr, code: Number(code) }
  })).pipe(Effect.provide(NodeServices.layer))

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe("timemesh simulate, many seeds", () => {
  it.live("a JSON line for each seed in order, and one for all", () =>
    Effect.gen(function*() {
      const { code, out, stderr } = yield* call("--seeds", "101..160", "--jobs", "2", "--nodes", "4", "--json")
      assert.strictEqual(code, 0, stderr)
      const lines = out.map((line) => JSON.parse(line))
      assert.deepStrictEqual(
        lines.slice(0, -1).map(({ ok, seed }) => [seed, ok]),
        Array.from({ length: 60 }, (_, i) => [101 + i, true])
      )
      assert.deepStrictEqual(lines.at(-1), {
        seeds: 60,
        failedSeeds: [],
        wallSeconds: lines.at(-1).wallSeconds,
        maxRecoveryMs: 2_660,
        recovery: [{ kind: "pause", count: 480, p50Ms: 2_500, p90Ms: 2_500, p99Ms: 2_500, worstMs: 2_500 }],
        dialsPerSecond: { mean: 2, p99: 2, most: 2, mostPerNode: 1 },
        problems: [],
        ok: true
      })
    }))

  it.live(
    "failed and crashed seeds are told with how to replay them, and the others run",
    () =>
      Effect.gen(function*() {
        const seeds = `${failing - 1}..${dying}`
        const { code, out, stderr } = yield* call("--seeds", seeds, "--jobs", "2", "--nodes", "4", "--json")
        assert.strictEqual(code, 1, stderr)
        const lines = out.map((line) => JSON.parse(line))
        const total = lines.at(-1)
        assert.deepStrictEqual(lines.slice(0, -1).map(({ seed }) => seed), [12, 13, 14, 15, 16])
        assert.deepStrictEqual(lines.map(({ ok }) => ok), [true, false, false, false, false, false])
        assert.deepStrictEqual(lines[1].shrunk.nodes, [1, 2])
        const [crashed] = lines[3].violations
        assert.strictEqual(crashed.invariant, "the simulation ends by itself")
        assert.strictEqual(crashed.detail, "its process ended with exit code 3: the stub gives up")
        assert.include(lines[4].violations[0].detail, "a defect of the stub")
        const { wallSeconds, ...rest } = total
        assert.isAbove(wallSeconds, 0)
        assert.deepStrictEqual(rest, {
          seeds: 5,
          failedSeeds: [13, 14, 15, 16],
          maxRecoveryMs: 2_514,
          recovery: rest.recovery,
          dialsPerSecond: { mean: 2, p99: 2, most: 2, mostPerNode: 1 },
          problems: [],
          ok: false
        })
        assert.include(stderr, "4 of 5 seeds failed: 13, 14, 15, 16")
      })
  )

  it.live("for people a line for each seed and a summary", () =>
    Effect.gen(function*() {
      const { code, out, stderr } = yield* call("--seeds", `${failing - 1}..${failing}`, "--jobs", "1", "--nodes", "4")
      assert.strictEqual(code, 1, stderr)
      const text = out.join("\n")
      assert.match(
        out[0] ?? "",
        /^seed 12: OK, 1 h in \d\.\d s, 8 faults, worst recovery 2.5 s, trace 0000000000000012$/
      )
      assert.include(text, "seed 13: NOT OK\n  at most one at 0:07:00.500: of 8 faults\n  #2")
      assert.include(text, `  replay: timemesh simulate --seed ${failing} --nodes 4 --hours 1 --mode safety`)
      assert.match(text, /^seeds +2, 1 failed$/m)
      assert.strictEqual(out.at(-1), "NOT OK: seeds 13")
    }))

  it.live("a crashed seed is replayed as a whole", () =>
    Effect.gen(function*() {
      const { out } = yield* call("--seeds", `${crashing}..${crashing}`, "--faults", "cut,kill")
      assert.include(
        out.join("\n"),
        `  replay: timemesh simulate --seed ${crashing} --nodes 10 --hours 1 --mode safety --faults kill,cut`
      )
    }))

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    it.live(`no worker outlives a parent that got ${signal}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const child = yield* start(["--seeds", `${hanging}..${hanging + 30}`, "--jobs", "2"], directory)
        const reading = yield* Effect.forkChild(Stream.mkString(Stream.decodeText(child.stdout)))
        const pids = yield* Effect.map(fs.readDirectory(directory), (names) => names.map(Number)).pipe(
          Effect.repeat({ schedule: Schedule.spaced(50), until: (pids) => pids.length >= 2 }),
          Effect.timeout(90_000)
        )
        assert.isTrue(pids.some(isAlive))
        yield* Effect.ignore(child.kill({ killSignal: signal }))
        const code = yield* Effect.option(child.exitCode)
        if (signal === "SIGINT") assert.strictEqual(Number(Option.getOrNull(code)), 130)
        yield* Effect.suspend(() => pids.some(isAlive) ? Effect.fail("alive") : Effect.void).pipe(
          Effect.retry(Schedule.spaced(50)),
          Effect.timeout(30_000)
        )
        yield* Fiber.interrupt(reading)
      })).pipe(Effect.provide(NodeServices.layer)))
  }
})
