/** `simulate` with one seed, in this process. */
import { Clock, Console, Effect } from "effect"
import type { Stdio } from "effect"
import * as Search from "../../simulation/FailureSearch.ts"
import type { SimulationOptions } from "../../simulation/plan/SimulationReport.ts"
import * as SimulationResult from "../../simulation/plan/SimulationResult.ts"
import * as SimulationText from "../../simulation/plan/SimulationText.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import * as progress from "../progress.ts"
import { canAnimate } from "../terminal.ts"
import { say, width } from "../terminal.ts"
import * as bar from "./bar.ts"
import * as render from "./render.ts"
import type { Simulator } from "./simulator.ts"
import * as TraceFile from "./traceFile.ts"

/** How to run a seed. */
export interface How {
  readonly shrink: boolean
  readonly trace: string | undefined
  /** Where progress is drawn. */
  readonly line: progress.ProgressLine | undefined
}

/** Standard error, if it is a terminal: standard output is for the results. */
export const progressLine: Effect.Effect<progress.ProgressLine | undefined, never, Stdio.Stdio> = Effect.gen(
  function*() {
    return (yield* canAnimate("stderr")) ? progress.onTerminal(process.stderr) : undefined
  }
)

/** Runs the simulation and, if it failed, searches for a shorter failure. */
export const run = (simulator: Simulator, options: SimulationOptions, how: How) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const trace = how.trace === undefined ? undefined : yield* TraceFile.open(how.trace)
    const { line } = how
    if (line !== undefined) yield* Effect.addFinalizer(() => Effect.sync(line.clear))
    const draw = line === undefined ? undefined : bar.seldom(line, clock)
    const plan = draw === undefined ? [] : simulator.planOf(options)
    const wholeMs = Search.wholeMs(options)
    const startedAt = clock.monotonicTimeNanosUnsafe()
    const elapsed = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6
    const report = yield* simulator.run(options, {
      trace: trace?.line,
      progress: draw === undefined
        ? undefined
        : (virtualMs) => draw(() => bar.running(plan, virtualMs, wholeMs, elapsed()))
    })
    const wallSeconds = elapsed() / 1_000
    if (trace !== undefined) yield* trace.written
    line?.clear()
    const shrunk = report.ok || !how.shrink
      ? undefined
      : yield* Search.shrink(simulator.run, options, report, (state) => draw?.(() => bar.shrinking(state)))
    return { report, result: SimulationResult.ofReport(report, wallSeconds, shrunk) }
  }).pipe(Effect.scoped, Effect.catchTag("InvalidSimulation", (error) => Effect.fail(Failure.unusable(error))))

/** The whole command: its output and exit code. */
export const command = Effect.fnUntraced(function*(
  simulator: Simulator,
  options: SimulationOptions,
  { json, ...how }: Omit<How, "line"> & { readonly json: boolean }
) {
  if (!json) yield* say(render.header(options))
  const line = yield* progressLine
  const { report, result } = yield* run(simulator, options, { ...how, line })
  if (json) yield* Json.print(result)
  else {
    yield* Console.log(render.summary(report, result.wallSeconds, yield* width))
    yield* Console.log(render.verdict(result))
    if (result.shrunk !== undefined) yield* Console.log(render.shrunk(result.shrunk))
    else if (!result.ok) yield* Console.log(`replay:\n  ${SimulationText.replay(options)}`)
  }
  if (!result.ok) {
    const [first] = report.violations
    return yield* Failure.failed(
      `seed ${options.seed} failed${first === undefined ? "" : `: ${SimulationText.violation(first)}`}`
    )
  }
})
