/** `timemesh replay FILE`: repeats the steps of a trace with this version's rules. */
import { Effect, Result, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import * as Limits from "../domain/Limits.ts"
import { step } from "../domain/pair/Pair.ts"
import type { Decision } from "../domain/pair/PairDecision.ts"
import * as PairStory from "../domain/pair/PairStory.ts"
import * as PairTrace from "../domain/pair/PairTrace.ts"
import * as PairTraceFile from "../domain/pair/PairTraceFile.ts"
import * as InputFile from "../layers/store/InputFile.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { say } from "./terminal.ts"

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const read = Effect.fnUntraced(function*(file: string) {
  const text = yield* InputFile.text(file, Limits.traceFileBytes).pipe(
    Effect.mapError((error) => Failure.unusable(error))
  )
  const trace = Result.match(decodeJson(text), {
    onFailure: () => Result.fail("is not JSON; make a trace with timemesh trace IP --json"),
    onSuccess: PairTraceFile.fromJson
  })
  if (Result.isFailure(trace)) return yield* Failure.unusable(`${file} ${trace.failure}`)
  return trace.success
})

const words = (decisions: ReadonlyArray<Decision>) => decisions.map(PairStory.decision)

/** For `--json`: the differences, in words. */
const summary = (trace: PairTrace.PairTrace, differences: ReadonlyArray<PairTrace.Difference>) => ({
  ip: trace.ip,
  software: trace.software,
  steps: trace.steps.length,
  differences: differences.flatMap(({ index, input, now }) => {
    const kept = trace.steps[index]
    if (kept === undefined) return []
    return [{
      step: index + 1,
      at: kept.at,
      event: PairStory.event(kept.event),
      ...(input === undefined ? {} : { input }),
      kept: { decisions: words(kept.decisions), actions: PairStory.done(kept.actions) },
      now: { decisions: words(now.decisions), actions: PairStory.done(now.actions) }
    }]
  })
})

export const command = Command.make(
  "replay",
  {
    json: flags.json,
    file: Argument.String("file").pipe(
      Argument.withDescription("Trace made by timemesh trace IP --json; - reads standard input")
    )
  },
  Effect.fnUntraced(function*({ file, json }) {
    const trace = yield* read(file === "-" ? "/dev/stdin" : file)
    const differences = PairTrace.replay(trace, step)
    yield* json
      ? Json.print(summary(trace, differences))
      : say(PairStory.verdict(trace, differences).join("\n"))
    if (differences.length > 0) {
      return yield* Failure.failed(`this version differs in ${differences.length} of ${trace.steps.length} steps`)
    }
  })
).pipe(
  Command.withDescription(
    "Take the steps of a trace again by this version's rules. Exit code 1: it decides differently; 2: the file is no trace"
  ),
  Command.withExamples([
    { command: "timemesh replay trace.json", description: "Print the steps that this version decides differently" }
  ])
)
