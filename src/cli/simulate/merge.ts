/** `timemesh simulate merge FILE…`: combines the shards of many seeds into one run with one verdict. */
import { Effect, Result, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as InputFile from "../../layers/store/InputFile.ts"
import * as Failure from "../Failure.ts"

const parts = Effect.promise(() =>
  Promise.all([
    import("../../simulation/plan/Limits.ts"),
    import("../../simulation/plan/ShardFile.ts"),
    import("./verdict.ts")
  ])
)

const read = Effect.fnUntraced(function*(name: string) {
  const [SimulationLimits, ShardFile] = yield* parts
  const text = yield* InputFile.text(name, SimulationLimits.shardFileBytes).pipe(
    Effect.mapError((error) => Failure.unusable(error))
  )
  return yield* Effect.fromResult(Result.mapError(ShardFile.read(name, text), Failure.unusable))
})

export const command = Command.make(
  "merge",
  {
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON object per seed and line, then one summary"),
      Flag.withDefault(false)
    ),
    files: Argument.String("file").pipe(
      Argument.withDescription("File of each shard, made by simulate --out; in any order"),
      Argument.atLeast(1)
    )
  },
  Effect.fnUntraced(function*({ files, json }) {
    const [, ShardFile, verdict] = yield* parts
    const shards = yield* Effect.forEach(files, read)
    const results = yield* Effect.fromResult(Result.mapError(ShardFile.merge(shards), Failure.unusable))
    const scenario = shards[0]?.header.settings
    if (scenario === undefined) return yield* Failure.unusable("no file is named")
    const tally = yield* Stream.fromIterable(results).pipe(
      verdict.printed(scenario, { json }),
      Stream.runFold(() => verdict.none, verdict.add)
    )
    yield* verdict.conclude(tally, results.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0), json)
  })
).pipe(
  Command.withDescription(
    "Merge the files of all shards of simulate --seeds A..B --shard I/N --out FILE and judge them as one run; its time is the sum over " +
      "seeds. Exit code 0 if every invariant held, 1 if not, 2 if the files do not belong together, or a shard is missing or named twice"
  ),
  Command.withExamples([
    { command: "timemesh simulate merge shard-1.jsonl shard-2.jsonl", description: "Both halves as one run" }
  ])
)
