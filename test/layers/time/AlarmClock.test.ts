/** An alarm clock of any clock: here of the test's. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, FiberSet } from "effect"
import { TestClock } from "effect/testing"
import * as AlarmClock from "../../../src/layers/time/AlarmClock.ts"
import { monotonicMs } from "../../../src/layers/time/monotonicMs.ts"

const make = Effect.gen(function*() {
  const fibers = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(fibers)<never>()
  const alarms = AlarmClock.of(yield* Clock.Clock, (effect) => run(effect))
  return { alarms, fibers }
})

describe("AlarmClock of a clock", () => {
  it.effect("rings at its moment, in order, each once, and never in the turn that set it", () =>
    Effect.gen(function*() {
      const { alarms } = yield* make
      const rung: Array<string> = []
      const set = (name: string, ms: number) => alarms.alarm(ms, () => rung.push(`${name}@${alarms.monotonicMs()}`))
      set("b", 20)
      set("a", 10)
      set("now", 0)
      set("past", -5)
      set("part", 10.5)
      assert.deepStrictEqual(rung, [])
      yield* TestClock.adjust(9)
      assert.deepStrictEqual(rung, ["now@0", "past@0"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(rung.slice(2), ["a@10"])
      yield* TestClock.adjust(90)
      assert.sameMembers(rung.slice(3).map((line) => line.split("@")[0]), ["part", "b"])
      assert.strictEqual(rung.length, 5)
    }))

  it.effect("taken back before its moment it never rings, afterwards that does nothing", () =>
    Effect.gen(function*() {
      const { alarms, fibers } = yield* make
      const rung: Array<string> = []
      const doomed = alarms.alarm(10, () => rung.push("doomed"))
      const atOnce = alarms.alarm(0, () => rung.push("at once"))
      atOnce()
      const kept = alarms.alarm(10, () => {
        rung.push("kept")
        kept()
      })
      yield* TestClock.adjust(5)
      doomed()
      yield* TestClock.adjust(100)
      kept()
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(rung, ["kept"])
      assert.strictEqual(yield* FiberSet.size(fibers), 0, "no fiber is left")
    }))

  it.effect("its alarms end with whoever uses it", () =>
    Effect.gen(function*() {
      const rung: Array<number> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const { alarms } = yield* make
        alarms.alarm(10, () => rung.push(1))
        yield* TestClock.adjust(5)
      }))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(rung, [])
    }))

  it.effect("the monotonic side is in milliseconds and moves with the clock", () =>
    Effect.gen(function*() {
      const { alarms } = yield* make
      const before = alarms.monotonicMs()
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual(alarms.monotonicMs() - before, 90_000)
      assert.strictEqual((yield* monotonicMs) - before, 90_000)
      assert.isUndefined(alarms.ring, "alarms of fibers cost something")
    }))
})
