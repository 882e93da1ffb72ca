/** `simulate` with many seeds, each in a process of its own or of a few of them; and what such a process does. */
import { Clock, Console, Effect, Queue, Stdio, Stream } from "effect"
import type { Cause } from "effect"
import type { Self } from "../../layers/node/Self.ts"
import * as Bounds from "../../simulation/plan/Bounds.ts"
import * as Recovery from "../../simulation/plan/Recovery.ts"
import type { SimulationOptions } from "../../simulation/plan/SimulationReport.ts"
import * as SimulationResult from "../../simulation/plan/SimulationResult.ts"
import * as SimulationText from "../../simulation/plan/SimulationText.ts"
import * as SeedPool from "../../simulation/SeedPool.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import * as bar from "./bar.ts"
import * as one from "./one.ts"
import * as render from "./render.ts"
import type { Scenario } from "./request.ts"
import type { Simulator } from "./simulator.ts"

/** What makes this program a worker for the scenario. */
const workerArgs = (
  { faults, hours, mode, mutant, nodes, store }: Scenario,
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
  ...(mutant === undefined ? [] : ["--mutant", mutant]),
  ...(shrink ? [] : ["--no-shrink"])
]

const resultOf = (outcome: SeedPool.Outcome, scenario: Scenario): SimulationResult.SimulationResult =>
  outcome._tag === "Done"
    ? outcome.result
    : SimulationResult.crashed({ ...scenario, seed: outcome.seed }, outcome.wallSeconds, outcome.detail)

export const command = Effect.fnUntraced(function*(
  self: Self,
  scenario: Scenario,
  { jobs, json, seeds, shrink }: {
    readonly seeds: SeedPool.Seeds
    readonly jobs: number
    readonly json: boolean
    readonly shrink: boolean
  }
) {
  const clock = yield* Clock.Clock
  const startedAt = clock.monotonicTimeNanosUnsafe()
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6
  const count = seeds.last - seeds.first + 1
  const failedSeeds: Array<number> = []
  let [done, maxRecoveryMs] = [0, 0]
  let recoveries: Recovery.Recoveries = {}
  let healing = Recovery.noHealing
  const line = yield* one.progressLine
  if (line !== undefined) yield* Effect.addFinalizer(() => Effect.sync(line.clear))
  const draw = () => line?.show(bar.seeds(done, count, failedSeeds.length, elapsed()).slice(0, line.width()))
  yield* Effect.sync(draw)
  yield* SeedPool.outcomes({ ...seeds, jobs, self, args: workerArgs(scenario, shrink) }).pipe(
    Stream.map((outcome) => resultOf(outcome, scenario)),
    Stream.runForEach(Effect.fnUntraced(function*(result) {
      done += 1
      maxRecoveryMs = Math.max(maxRecoveryMs, result.maxRecoveryMs)
      recoveries = Recovery.merge(recoveries, result.recoveries)
      healing = Recovery.mergeHealing(healing, result.healing)
      if (!result.ok) failedSeeds.push(result.seed)
      line?.clear()
      yield* json
        ? Json.print(result)
        : Console.log(render.line(result, SimulationText.replay({ ...scenario, seed: result.seed })))
      draw()
    })),
    Effect.mapError((error) => Failure.unusable(`no process can be started: ${error.message}`))
  )
  line?.clear()
  const figures = Recovery.figures(recoveries)
  const problems = Bounds.problems(figures)
  const total: render.Total = {
    seeds: count,
    failedSeeds,
    wallSeconds: elapsed() / 1_000,
    maxRecoveryMs,
    recovery: figures,
    dialsPerSecond: Recovery.dialsPerSecond(healing),
    problems,
    ok: failedSeeds.length === 0 && problems.length === 0
  }
  yield* json ? Json.print(total) : Console.log(render.total(total))
  if (!total.ok) {
    const failed = failedSeeds.length === 0
      ? []
      : [`${failedSeeds.length} of ${count} seeds failed: ${failedSeeds.join(", ")}`]
    return yield* Failure.failed([...failed, ...problems].join("; "))
  }
}, Effect.scoped)

/** A worker's life: seeds from standard input, a line of JSON for each, until the input ends, also in the middle of a run. */
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
