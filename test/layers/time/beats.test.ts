/** A cadence that only calls a function, and what it runs in its fiber. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, FiberSet, Schedule, Scheduler, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { AlarmingClock } from "../../../src/layers/time/AlarmClock.ts"
import { beats } from "../../../src/layers/time/beats.ts"
import type { Pace } from "../../../src/services/Cadence.ts"

const every = Schedule.spaced("1 second")

/** Runs a cadence on the test's clock; `beat` gets the number of the beat, from 1. */
const start = Effect.fnUntraced(function*(pace: Pace, beat: (n: number) => Effect.Effect<void> | undefined) {
  const fork = yield* FiberSet.makeRuntime<never>()
  const waits: Array<number> = []
  const stream = beats((effect) => fork(effect), pace, (waitMs) => beat(waits.push(waitMs)))
  return { waits, fiber: yield* Effect.forkChild(Stream.runDrain(stream), { startImmediately: true }) }
})

describe("beats", () => {
  it.effect("one call for each step of the pace, with its wait, until it is interrupted", () =>
    Effect.gen(function*() {
      const { fiber, waits } = yield* start(every, () => undefined)
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(waits, [])
      yield* TestClock.adjust("2001 millis")
      assert.deepStrictEqual(waits, [1_000, 1_000, 1_000])
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(waits.length, 3)
    }))

  it.effect("what a beat returns runs before the next wait begins", () =>
    Effect.gen(function*() {
      const saved = yield* Deferred.make<void>()
      const { fiber, waits } = yield* start(every, (n) => n === 2 ? Deferred.await(saved) : undefined)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(waits.length, 2)
      yield* Deferred.succeed(saved, undefined)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(waits.length, 2)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(waits.length, 3)
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("a pace whose steps are effects is followed, and the stream ends with its pace", () =>
    Effect.gen(function*() {
      let steps = 0
      const counted = Schedule.tap(Schedule.upTo(every, { times: 3 }), () =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => {
            steps += 1
          })
        ))
      const { fiber, waits } = yield* start(counted, () => undefined)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([steps, waits], [3, [1_000, 1_000, 1_000]])
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
    }))

  it.effect("a beat that throws ends the stream as a defect", () =>
    Effect.gen(function*() {
      const { fiber, waits } = yield* start(every, () => {
        throw new Error("a beat that fails")
      })
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(Exit.hasDies(yield* Fiber.await(fiber)))
      assert.strictEqual(waits.length, 1)
    }))

  it.effect("on a clock with alarms, beats that return nothing wake no fiber, and an interruption cancels the alarm", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let due: { readonly ms: number; readonly run: () => void } | undefined
      const alarming: AlarmingClock = {
        ...clock,
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
        sleep: () => Effect.die("the fiber slept by the clock"),
        alarms: {
          monotonicMs: () => 0,
          alarm: (ms, run) => {
            due = { ms, run }
            return () => {
              due = undefined
            }
          }
        }
      }
      // Asked before every step of a fiber.
      let steps = 0
      const mixed = new Scheduler.MixedScheduler("async")
      const counting: Scheduler.Scheduler = {
        executionMode: "async",
        makeDispatcher: () => mixed.makeDispatcher(),
        shouldYield: (fiber) => {
          steps += 1
          return mixed.shouldYield(fiber)
        }
      }
      const { fiber, waits } = yield* start(every, (n) => n < 5 ? undefined : Effect.void).pipe(
        Effect.provideService(Clock.Clock, alarming),
        Effect.provideService(Scheduler.Scheduler, counting)
      )
      steps = 0
      for (let i = 0; i < 4; i++) due?.run()
      assert.deepStrictEqual([steps, waits], [0, [1_000, 1_000, 1_000, 1_000]])
      due?.run()
      assert.isAbove(steps, 0, "the fifth beat returns an effect")
      assert.strictEqual(due?.ms, 1_000)
      yield* Fiber.interrupt(fiber)
      assert.isUndefined(due)
    }))
})
