/** Results of many seeds as they arrive: a line for each, the totals, and one verdict. */
import { Console, Effect, Stream } from "effect"
import * as Bounds from "../../simulation/plan/Bounds.ts"
import * as Recovery from "../../simulation/plan/Recovery.ts"
import type { SimulationResult } from "../../simulation/plan/SimulationResult.ts"
import * as SimulationText from "../../simulation/plan/SimulationText.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import { width } from "../terminal.ts"
import * as render from "./render.ts"
import type { Scenario } from "./request.ts"

/** Prints each result on standard output, then passes it on. */
export const printed = (
  scenario: Scenario,
  { after = () => {}, before = () => {}, json }: {
    readonly json: boolean
    readonly before?: (() => void) | undefined
    readonly after?: ((result: SimulationResult) => void) | undefined
  }
) =>
<E, R>(results: Stream.Stream<SimulationResult, E, R>): Stream.Stream<SimulationResult, E, R> =>
  Stream.tap(results, (result) =>
    Effect.suspend(() => {
      before()
      return json
        ? Json.print(result)
        // What failed has a command to copy: the terminal may wrap it, and no line of it is broken.
        : Console.log(render.line(result, SimulationText.replay({ ...scenario, seed: result.seed })))
    }).pipe(Effect.andThen(Effect.sync(() => after(result)))))

/** Running totals over all seeds. */
export interface Tally {
  readonly count: number
  readonly failedSeeds: ReadonlyArray<number>
  readonly maxRecoveryMs: number
  readonly recoveries: Recovery.Recoveries
  readonly healing: Recovery.Healing
}

export const none: Tally = {
  count: 0,
  failedSeeds: [],
  maxRecoveryMs: 0,
  recoveries: {},
  healing: Recovery.noHealing
}

export const add = (tally: Tally, result: SimulationResult): Tally => ({
  count: tally.count + 1,
  failedSeeds: result.ok ? tally.failedSeeds : [...tally.failedSeeds, result.seed],
  maxRecoveryMs: Math.max(tally.maxRecoveryMs, result.maxRecoveryMs),
  recoveries: Recovery.merge(tally.recoveries, result.recoveries),
  healing: Recovery.mergeHealing(tally.healing, result.healing)
})

/** Prints the totals and ends the command. Fails unless every seed passed and all recoveries together were in time. */
export const conclude = Effect.fnUntraced(function*(tally: Tally, wallSeconds: number, json: boolean) {
  const { count, failedSeeds, healing, maxRecoveryMs, recoveries } = tally
  const figures = Recovery.figures(recoveries)
  const problems = Bounds.problems(figures)
  const total: render.Total = {
    seeds: count,
    failedSeeds,
    wallSeconds,
    maxRecoveryMs,
    recovery: figures,
    dialsPerSecond: Recovery.dialsPerSecond(healing),
    problems,
    ok: failedSeeds.length === 0 && problems.length === 0
  }
  yield* json ? Json.print(total) : Console.log(render.total(total, yield* width))
  if (!total.ok) {
    const failed = failedSeeds.length === 0
      ? []
      : [`${failedSeeds.length} of ${count} seeds failed: ${failedSeeds.join(", ")}`]
    return yield* Failure.failed([...failed, ...problems].join("; "))
  }
})
