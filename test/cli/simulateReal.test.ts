/** The command with the real simulator, as a process: short runs. */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { call, e2e } from "../e2e/program.ts"

const json = (stdout: string) => stdout.trimEnd().split("\n").map((line) => JSON.parse(line))

const short = ["simulate", "--nodes", "4", "--hours", "0.05"]

describe("timemesh simulate", () => {
  e2e("the same seed runs the same way, another seed another way", (directory, fs) =>
    Effect.gen(function*() {
      const run = Effect.fnUntraced(function*(seed: string, ...more: ReadonlyArray<string>) {
        const { code, stderr, stdout } = yield* call([...short, "--seed", seed, "--json", ...more])
        assert.strictEqual(code, 0, `seed ${seed}: ${stdout}${stderr}`)
        const { wallSeconds, ...result } = json(stdout)[0]
        assert.isAbove(wallSeconds, 0)
        return result
      })
      const [first, again, other] = yield* Effect.all([
        run("7", "--trace", `${directory}/trace`),
        run("7"),
        run("8")
      ])
      assert.match(first.traceHash, /^[0-9a-f]{16}$/)
      assert.deepStrictEqual(again, first)
      assert.notStrictEqual(other.traceHash, first.traceHash)
      assert.strictEqual(first.virtualHours, 0.05)
      assert.deepStrictEqual([first.pairs, first.connected, first.unfaultedDowns], [6, 6, 0])
      const trace = (yield* fs.readFileString(`${directory}/trace`)).trimEnd().split("\n")
      assert.isAbove(trace.length, 12)
      for (const line of trace) assert.isObject(JSON.parse(line))
    }))

  e2e("many seeds in processes give what one in this process gives", () =>
    Effect.gen(function*() {
      const many = yield* call([...short, "--seeds", "7..9", "--jobs", "2", "--json"])
      assert.strictEqual(many.code, 0, many.stdout)
      const [seven, eight, nine, total] = json(many.stdout)
      assert.deepStrictEqual([seven.seed, eight.seed, nine.seed], [7, 8, 9])
      assert.deepStrictEqual([total.seeds, total.failedSeeds, total.ok], [3, [], true])
      // In the worker it may have been the second seed: nothing of the first is left.
      const alone = json((yield* call([...short, "--seed", "9", "--json"])).stdout)[0]
      assert.deepStrictEqual({ ...alone, wallSeconds: 0 }, { ...nine, wallSeconds: 0 })
    }))

  e2e("a part of a plan, some of the nodes, until some moment", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* call(
        "simulate --nodes 5 --seed 3 --json --keep-faults none --keep-nodes 0,2,3 --until-ms 90000".split(" ")
      )
      assert.strictEqual(code, 0, stdout)
      const [{ faults, heights, nodes, pairs, virtualHours }] = json(stdout)
      assert.deepStrictEqual([faults, nodes, pairs, virtualHours, heights.length], [{}, 3, 3, 0.025, 3])
    }))

  e2e("bad flags end with 2 and say what to write instead", () =>
    Effect.gen(function*() {
      const unknown = yield* call([...short, "--faults", "kill,meteor"])
      assert.strictEqual(unknown.code, 2)
      assert.include(unknown.stderr, "--faults: \"meteor\" is no kind of fault; write all, none, or some of kill,")
      const mode = yield* call([...short, "--mode", "fun"])
      assert.strictEqual(mode.code, 2)
      assert.include(`${mode.stdout}${mode.stderr}`, "safety")
    }))
})
