/** Processor time of the process is read beside the event loop, and never waits for the threads of the process. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { existsSync } from "node:fs"
import * as Limits from "../../../src/domain/Limits.ts"
import * as ProcessTime from "../../../src/layers/http/processTime.ts"

const immediate = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Uses the processor for about that long. */
const burn = (ms: number) => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

const nowMs = () => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1_000
}

describe("processTime", () => {
  it("reads user and system time after a name that looks like fields", () => {
    const fields = ["S", ...Array.from({ length: 10 }, () => "1"), "250", "31", "7", "7"]
    assert.strictEqual(ProcessTime.timeOf(`4711 (a ) 1 2 (b) ${fields.join(" ")}\n`), 2_810)
    assert.strictEqual(ProcessTime.timeOf("nothing of the kind"), undefined)
  })

  it.effect.skipIf(!existsSync("/proc/self/stat"))(
    "is read each second, and asks nothing when it is asked",
    () =>
      Effect.gen(function*() {
        const before = nowMs()
        const time = yield* ProcessTime.make
        const first = time()
        assert.isAtLeast(first, before)
        burn(60)
        const { cpuUsage } = process
        let calls = 0
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            process.cpuUsage = (...given) => (calls++, cpuUsage.apply(process, given))
          }),
          () => Effect.sync(() => (process.cpuUsage = cpuUsage))
        )
        assert.strictEqual(time(), first, "not before a second is over")
        yield* TestClock.adjust(Limits.processTimeMs)
        for (let turn = 0; turn < 10_000 && time() === first; turn++) yield* immediate
        assert.isAtLeast(time(), first + 20)
        assert.strictEqual(calls, 0)
        assert.isAtMost(time(), nowMs() + 20)
      })
  )
})
