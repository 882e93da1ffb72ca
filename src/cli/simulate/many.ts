/** `simulate` with many seeds, distributed over one or more worker processes; and the worker itself. */
import { Clock, Console, Effect, Queue, Stdio, Stream } from "effect"
import type { Cause } from "effect"
import type { Self } from "../../layers/node/Self.ts"
import * as OutputFile from "../../layers/store/OutputFile.ts"
import * as ShardFile from "../../simulation/plan/ShardFile.ts"
import type { SimulationOptions } from "../../simulation/plan/SimulationReport.ts"
import * as SimulationResult from "../../simulation/plan/SimulationResult.ts"
import * as SimulationText from "../../simulation/plan/SimulationText.ts"
import * as SeedPool from "../../simulation/SeedPool.ts"
import * as Failure from "../Failure.ts"
import { software } from "../version.ts"
import * as bar from "./bar.ts"
import * as one from "./one.ts"
import type { Scenario } from "./request.ts"
import type { Simulator } from "./simulator.ts"
import * as verdict from "./verdict.ts"

/** Arguments that make this program a worker for the scenario. */
const workerArgs = (
  { faults, hours, mode, masternodes, mutant, nodes, store, wire }: Scenario,
  shrink: boolean
): ReadonlyArray<string> => [
  "simulate",
  "--worker",
  "--nodes",
  String(nodes),
  "--hours",
  String(hours),
  "--mode",
  mode,
  "--faults",
  SimulationText.kinds(faults),
  ...(store === undefined ? [] : ["--store", store]),
  ...(wire === undefined ? [] : ["--wire", wire]),
  ...(masternodes === true ? ["--masternodes"] : []),
  ...(mutant === undefined ? [] : ["--mutant", mutant]),
  ...(shrink ? [] : ["--no-shrink"])
]

const resultOf = (outcome: SeedPool.Outcome, scenario: Scenario): SimulationResult.SimulationResult =>
  outcome._tag === "Done"
    ? outcome.result
    : SimulationResult.crashed({ ...scenario, seed: outcome.seed }, outcome.wallSeconds, outcome.detail)

/** Output file with these seeds' results, for `simulate merge`. */
export interface Out {
  readonly file: string
  readonly shard: ShardFile.Shard
}

/** Fails before the simulation starts if the file cannot be written. */
const checkOut = Effect.fnUntraced(function*({ file }: Out) {
  if (OutputFile.isStandardOutput(file)) {
    return yield* Failure.unusable("--out: standard output has the verdicts", "name a file")
  }
  yield* Effect.mapError(OutputFile.check(file), (error) => Failure.unusable(`--out: ${error.what}`, error.fix))
})

const lines = <E, R>(header: ShardFile.Header, results: Stream.Stream<SimulationResult.SimulationResult, E, R>) =>
  Stream.concat(Stream.make(header), results).pipe(
    Stream.map((value) => new TextEncoder().encode(`${JSON.stringify(value)}\n`))
  )

export const command = Effect.fnUntraced(function*(
  self: Self,
  simulator: Effect.Effect<Simulator>,
  scenario: Scenario,
  { jobs, json, out, seeds, shrink }: {
    readonly seeds: ShardFile.Seeds
    readonly jobs: number
    readonly json: boolean
    readonly shrink: boolean
    readonly out: Out | undefined
  }
) {
  const clock = yield* Clock.Clock
  const startedAt = clock.monotonicTimeNanosUnsafe()
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6
  if (out !== undefined) yield* checkOut(out)
  const own = out === undefined ? seeds : ShardFile.seedsOf(seeds, out.shard)
  const count = own.last - own.first + 1
  let tally = verdict.none
  const line = yield* one.progressLine
  if (line !== undefined) yield* Effect.addFinalizer(() => Effect.sync(line.clear))
  const draw = () =>
    line?.show(bar.seeds(tally.count, count, tally.failedSeeds.length, elapsed()).slice(0, line.width()))
  yield* Effect.sync(draw)
  const results = SeedPool.outcomes({ ...own, jobs, self, args: workerArgs(scenario, shrink) }).pipe(
    Stream.mapError((error) => Failure.unusable(`no process can be started: ${error.message}`)),
    Stream.map((outcome) => resultOf(outcome, scenario)),
    verdict.printed(scenario, {
      json,
      before: line?.clear,
      after: (result) => {
        tally = verdict.add(tally, result)
        draw()
      }
    })
  )
  if (out === undefined) yield* Stream.runDrain(results)
  else {
    const behaviour = yield* (yield* simulator).run(ShardFile.probe).pipe(
      Effect.catchTag("InvalidSimulation", (error) => Effect.fail(Failure.failed(error)))
    )
    const header = ShardFile.header(scenario, {
      software,
      behaviour: behaviour.traceHash,
      seeds,
      shard: out.shard,
      shrink
    })
    yield* OutputFile.write(out.file, lines(header, results)).pipe(
      Effect.catchTag("FileError", (error) => Effect.fail(Failure.unusable(`--out: ${error.what}`, error.fix)))
    )
  }
  line?.clear()
  yield* verdict.conclude(tally, elapsed() / 1_000, json)
}, Effect.scoped)

/** Runs a worker: reads seeds from standard input and writes a line of JSON for each, until the input ends, even in the middle of a run. */
export const worker = Effect.fnUntraced(function*(simulator: Simulator, scenario: Scenario, shrink: boolean) {
  const stdio = yield* Stdio.Stdio
  const orders = yield* Queue.unbounded<string, Cause.Done>()
  const reading = stdio.stdin.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Queue.offer(orders, line)),
    Effect.ignore
  )
  const answering = Effect.gen(function*() {
    while (true) {
      const options: SimulationOptions = { ...scenario, seed: Number(yield* Queue.take(orders)) }
      const { result } = yield* one.run(simulator, options, { shrink, trace: undefined, line: undefined })
      yield* Console.log(JSON.stringify(result))
    }
  })
  yield* Effect.raceFirst(reading, answering)
})
