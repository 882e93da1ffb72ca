import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"
import { failing } from "../harness/simulatorStub.ts"

const main = fileURLToPath(new URL("../harness/simulatorStubMain.ts", import.meta.url))

const call = (...args: ReadonlyArray<string>) =>
  Effect.scoped(Effect.gen(function*() {
    const child = yield* ChildProcess.make(process.execPath, [main, "simulate", ...args], {
      extendEnv: true,
      stdin: "ignore"
    })
    const [stdout, stderr, code] = yield* Effect.all([
      Stream.mkString(Stream.decodeText(child.stdout)),
      Stream.mkString(Stream.decodeText(child.stderr)),
      child.exitCode
    ], { concurrency: "unbounded" })
    return { out: stdout.trimEnd().split("\n"), stderr, code: Number(code) }
  }))

/** The lines without real time, which no two runs share. */
const timeless = (lines: ReadonlyArray<string>) => lines.map((line) => ({ ...JSON.parse(line), wallSeconds: 0 }))

describe("timemesh simulate --shard", () => {
  it.live("merged shards say exactly what one run of all seeds says", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const seeds = ["--seeds", `${failing - 3}..${failing + 1}`, "--nodes", "4", "--jobs", "1", "--json"]
      const file = (index: number) => `${directory}/${index}.jsonl`
      const whole = yield* call(...seeds)
      const first = yield* call(...seeds, "--shard", "1/2", "--out", file(1))
      const second = yield* call(...seeds, "--shard", "2/2", "--out", file(2))
      assert.deepStrictEqual([whole.code, first.code, second.code], [1, 0, 1], first.stderr)
      const merged = yield* call("merge", "--json", file(2), file(1))
      assert.strictEqual(merged.code, 1, merged.stderr)
      assert.deepStrictEqual(timeless(merged.out), timeless(whole.out))
      assert.include(merged.stderr, `2 of 5 seeds failed: ${failing}, ${failing + 1}`)

      const text = yield* call("merge", file(1), file(2))
      assert.include(
        text.out.join("\n"),
        `replay: timemesh simulate --seed ${failing} --nodes 4 --hours 1 --mode safety`
      )
      assert.strictEqual(text.out.at(-1), `NOT OK: seeds ${failing}, ${failing + 1}`)
    })).pipe(Effect.provide(NodeServices.layer)))
})
