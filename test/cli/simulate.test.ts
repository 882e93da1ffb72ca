import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, FileSystem } from "effect"
import { Command } from "effect/cli"
import { Failure } from "../../src/cli/Failure.ts"
import * as simulate from "../../src/cli/simulate.ts"
import * as Search from "../../src/simulation/FailureSearch.ts"
import * as SimulationText from "../../src/simulation/plan/SimulationText.ts"
import { failing, fickle, simulator } from "../harness/simulatorStub.ts"

/** Runs the command in this process. `error`: what it failed with. */
const call = (...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const out: Array<string> = []
    const log = (text: unknown) => void out.push(...String(text).split("\n"))
    const console: Console.Console = { ...globalThis.console, log, error: () => {}, info: log }
    const command = simulate.make(["nobody"], Effect.succeed(simulator))
    const exit = yield* Command.runWith(command, { version: "0" })(args).pipe(
      Effect.provideService(Console.Console, console),
      Effect.result
    )
    return { out, error: exit._tag === "Failure" ? exit.failure : undefined }
  }).pipe(Effect.provide(NodeServices.layer))

const textOf = (error: unknown): string =>
  error instanceof Failure ? `${error.exitCode}: ${error.message}` : String(error)

describe("timemesh simulate, one seed", () => {
  it.live("tells a person what happened", () =>
    Effect.gen(function*() {
      const { error, out } = yield* call("--seed", "7", "--nodes", "4")
      assert.isUndefined(error)
      assert.strictEqual(out[0], "seed 7, 4 nodes, 1 h, safety, faults: all")
      const text = out.join("\n")
      assert.match(text, /^pause +8 +1111211\.{41}$/m)
      assert.include(text, "  #0  0:01:00.000  pause node 0, for 1.5 s; over it after 2.5 s")
      assert.match(text, /^downs +EOF 5, silent 2$/m)
      assert.match(text, /^recovery +worst 2.5 s$/m)
      assert.match(text, /^pairs +6 of 6 that can be are connected, 0 duplicates$/m)
      assert.match(text, /^heights +100 to 103, 1 reorg$/m)
      assert.match(text, /^pause +8 +2.5 s +2.5 s +2.5 s of 15 s +2.5 s of 60 s$/m)
      assert.include(text, "dials while pairs recover: 2.0 per second on average, p99 2, most 2; most of one node 1")
      assert.match(text, /^messages +12,345$/m)
      assert.match(text, /^trace +0{15}7$/m)
      assert.strictEqual(out.at(-1), "OK")
    }))

  it.live("gives exactly the promised JSON", () =>
    Effect.gen(function*() {
      const { out } = yield* call("--seed", "7", "--nodes", "4", "--json", "--mode", "liveness")
      assert.strictEqual(out.length, 1)
      const { wallSeconds, ...result } = JSON.parse(out[0] ?? "")
      assert.isAtLeast(wallSeconds, 0)
      assert.deepStrictEqual(result, {
        seed: 7,
        nodes: 4,
        mode: "liveness",
        virtualHours: 1,
        traceHash: "0000000000000007",
        pairs: 6,
        connected: 6,
        duplicates: 0,
        unfaultedDowns: 0,
        faults: { pause: 8 },
        downsByReason: { silent: 2, EOF: 5 },
        recoveries: { pause: Array.from({ length: 8 }, () => 2_500) },
        healing: { seconds: { 2: 8 }, mostPerNode: 1 },
        maxRecoveryMs: 2_507,
        heights: [100, 101, 102, 103],
        reorgs: 1,
        messages: 12_345,
        violations: [],
        ok: true
      })
    }))

  const replay = `timemesh simulate --seed ${failing} --nodes 4 --hours 1 --mode safety --faults all ` +
    "--keep-faults 2,5 --keep-nodes 1,2 --until-ms 420500"

  it.live("a failure is made shorter, and the replay fails in the same way", () =>
    Effect.gen(function*() {
      const args = ["--seed", String(failing), "--nodes", "4"]
      const { error, out } = yield* call(...args)
      assert.strictEqual(textOf(error), `1: seed ${failing} failed: at most one at 0:07:00.500: of 8 faults`)
      const text = out.join("\n")
      assert.include(text, "NOT OK\n  at most one at 0:07:00.500: of 8 faults\n")
      assert.match(text, /shortest failing run found in \d+ runs:\n {2}nodes 1, 2, until 0:07:00.500, 2 faults/)
      assert.include(text, "  #2  0:03:00.000  pause node 2, for 1.5 s\n  #5  0:06:00.000  pause node 1, for 1.5 s\n")
      assert.strictEqual(out.at(-1), `  ${replay}`)

      const json = JSON.parse((yield* call(...args, "--json")).out.join(""))
      assert.isFalse(json.ok)
      assert.deepStrictEqual(json.shrunk, {
        faults: ["#2  0:03:00.000  pause node 2, for 1.5 s", "#5  0:06:00.000  pause node 1, for 1.5 s"],
        nodes: [1, 2],
        untilMs: 420_500,
        violation: { atMs: 420_500, invariant: "at most one", detail: "of 2 faults" },
        runs: json.shrunk.runs,
        shortest: true,
        replay
      })
      const again = yield* call(...replay.split(" ").slice(2), "--no-shrink")
      assert.include(again.out[0], "of the plan 2 faults, only the nodes 1,2, until 0:07:00.500")
      assert.strictEqual(textOf(again.error), `1: seed ${failing} failed: at most one at 0:07:00.500: of 2 faults`)
      assert.strictEqual(again.out.at(-1), `  ${replay}`)
    }))

  it.live("another violation is another failure: what was found stays", () =>
    Effect.gen(function*() {
      const options = { seed: fickle, nodes: 3, hours: 1, mode: "safety", faults: ["pause"] } as const
      const report = yield* simulator.run(options)
      const shrunk = yield* Search.shrink(simulator.run, options, report)
      assert.strictEqual(shrunk?.violation.invariant, "seldom")
      assert.deepStrictEqual(shrunk?.nodes, [0, 1, 2])
      const { error, out } = yield* call("--seed", String(fickle), "--no-shrink")
      assert.match(textOf(error), /^1: /)
      assert.include(out.join("\n"), `replay:\n  timemesh simulate --seed ${fickle} --nodes 10 --hours 1`)
    }))

  it.live("a random seed is printed", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* call(), yield* call()]
      assert.match(one.out[0] ?? "", /^seed \d+, 10 nodes, 1 h, safety, faults: all$/)
      assert.notStrictEqual(one.out[0], other.out[0])
    }))

  it.live("writes the trace", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = `${yield* fs.makeTempDirectoryScoped()}/trace`
      yield* call("--seed", "3", "--trace", file)
      assert.strictEqual(yield* fs.readFileString(file), "{\"seed\":3}\n")
    })).pipe(Effect.provide(NodeServices.layer)))

  const wrong: ReadonlyArray<readonly [args: string, text: string]> = [
    ["--nodes 1", "--nodes: \"1\" is out of range; write 2 to 118"],
    ["--nodes 119", "--nodes: \"119\" is out of range; write 2 to 118"],
    ["--hours 0", "--hours: \"0\" is out of range; write 0.001 to 8784"],
    ["--hours 9000", "--hours: \"9000\" is out of range; write 0.001 to 8784"],
    ["--seed -1", "--seed: \"-1\" is out of range; write 0 to 9007199254740991"],
    ["--seeds 5", "--seeds: \"5\" is no range of seeds; write A..B, as 1..100"],
    ["--seeds 9..3", "--seeds: \"9..3\" goes backwards; write 3..9"],
    ["--seeds 1..2 --seed 3", "--seed and --seeds do not go together"],
    ["--jobs 2", "--jobs is for many seeds; write --seeds A..B as well"],
    ["--seeds 1..2 --jobs 0", "--jobs: \"0\" is out of range; write 1 to 256"],
    ["--seeds 1..9 --shard 1/2", "--shard needs a file for simulate merge; write --out FILE"],
    ["--seed 1 --out x", "--out is for many seeds; write --seeds A..B as well"],
    ["--seeds 1..9 --out x --shard 0/2", "--shard: \"0/2\" is no shard; write I/N, from 1/N to N/N"],
    ["--seeds 1..9 --out x --shard 3/2", "--shard: \"3/2\" is no shard"],
    ["--seeds 1..9 --out x --shard half", "--shard: \"half\" is no shard"],
    ["--seeds 1..9 --out x --shard 1/10", "--shard: 9 seeds cannot be parted into 10 shards"],
    ["--seeds 1..9 --out /nowhere/at/all", "--out: /nowhere/at/all cannot be written: no such file or directory"],
    ["--seeds 1..9 --out /dev/stdout", "--out: standard output has the verdicts; name a file"],
    ["merge /nowhere/at/all", "/nowhere/at/all cannot be read: no such file or directory"],
    ["--seeds 1..2 --trace x", "--trace is for one seed; write --seed instead of --seeds"],
    ["--seeds 1..2 --keep-nodes 1", "--keep-nodes is for one seed; write --seed instead of --seeds"],
    ["--faults cut,kil", "--faults: \"kil\" is no kind of fault; write all, none, or some of kill,pause,stall"],
    ["--keep-faults 1,x", "--keep-faults: \"x\" is no number; write numbers with commas between, as 0,3"],
    ["--keep-nodes 0,10", "--keep-nodes: \"10\" is no number from 0 to 9; write numbers with commas between, as 0,3"],
    ["--keep-nodes none", "--keep-nodes: a network has at least one node"],
    ["--until-ms 3600001", "--until-ms: \"3600001\" is out of range; write 1 to 3600000"],
    ["--seed 1 --trace /nowhere/at/all", "--trace: /nowhere/at/all cannot be written: no such file or directory"]
  ]
  for (const [args, text] of wrong) {
    it.live(`refuses ${args}`, () =>
      Effect.gen(function*() {
        const { error } = yield* call(...args.split(" "))
        assert.isTrue(textOf(error).startsWith(`2: ${text}`), textOf(error))
      }))
  }
})

describe("SimulationText", () => {
  it("writes moments, strips and kinds", () => {
    assert.deepStrictEqual([0, 999.9, 3_723_456, 360_000_000].map(SimulationText.moment), [
      "0:00:00.000",
      "0:00:00.999",
      "1:02:03.456",
      "100:00:00.000"
    ])
    const eleven = Array.from({ length: 11 }, () => 99)
    assert.strictEqual(SimulationText.strip([0, 1, 50, ...eleven], 100, 4), "2.1+")
    assert.strictEqual(SimulationText.kinds([]), "none")
    assert.strictEqual(SimulationText.kinds(["cut", "kill"]), "cut,kill")
  })

  it("a replay names what was left out", () => {
    const options = { seed: 1, nodes: 3, hours: 0.5, mode: "liveness", faults: [], keepFaults: [] } as const
    assert.strictEqual(
      SimulationText.replay(options),
      "timemesh simulate --seed 1 --nodes 3 --hours 0.5 --mode liveness --faults none --keep-faults none"
    )
  })
})
