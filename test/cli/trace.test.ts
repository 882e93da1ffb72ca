/** What `timemesh trace --json` prints is what `timemesh replay` takes: to the last digit. */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Result } from "effect"
import { printFile } from "../../src/cli/trace.ts"
import * as PairTrace from "../../src/domain/pair/PairTrace.ts"
import * as PairTraceFile from "../../src/domain/pair/PairTraceFile.ts"
import { torment } from "../harness/pairTorment.ts"

describe("timemesh trace --json", () => {
  it.effect("prints a file that replays without a difference, fractions of ms and all", () =>
    Effect.gen(function*() {
      const console = yield* Console.Console
      for (const seed of [1, 2, 3]) {
        const trace = torment(seed, 60)
        assert.include(JSON.stringify(trace.steps.map(({ draw }) => draw.backoffMs)), "7.125")
        let printed = ""
        yield* printFile(PairTraceFile.of(trace)).pipe(
          Effect.provideService(Console.Console, {
            ...console,
            log: (...args: ReadonlyArray<unknown>) => {
              printed += args.join(" ")
            }
          })
        )
        const read = Result.getOrThrow(PairTraceFile.fromJson(JSON.parse(printed)))
        assert.deepStrictEqual(PairTrace.replay(read), [], `seed ${seed}`)
      }
    }))
})
