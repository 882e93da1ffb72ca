import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as TimerWheel from "../../../src/layers/time/Timers.ts"

const make = TimerWheel.make(() => assert.fail("a virtual clock has no lag"))

describe("TimerWheel", () => {
  it.effect("fires in order of due time, then of arming", () =>
    Effect.gen(function*() {
      const wheel = yield* make
      const fired: Array<string> = []
      const arm = (name: string, ms: number) => wheel.arm(ms, () => fired.push(`${name}@${wheel.now()}`))
      arm("c", 30)
      arm("a", 10)
      arm("b1", 20)
      arm("b2", 20)
      arm("now", 0)
      assert.deepStrictEqual(fired, [], "never in the turn that arms it")
      yield* TestClock.adjust(25)
      assert.deepStrictEqual(fired, ["now@0", "a@10", "b1@20", "b2@20"])
      yield* TestClock.adjust(25)
      assert.deepStrictEqual(fired.slice(4), ["c@30"])
      assert.strictEqual(wheel.size(), 0)
    }))

  it.effect("a disarmed timer never fires, and a callback may arm and disarm others", () =>
    Effect.gen(function*() {
      const wheel = yield* make
      const fired: Array<number> = []
      const doomed = wheel.arm(20, () => fired.push(-1))
      wheel.arm(10, () => {
        wheel.disarm(doomed)
        wheel.arm(0, () => fired.push(wheel.now()))
        wheel.arm(5, () => fired.push(wheel.now()))
      })
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(fired, [10, 15])
      wheel.disarm(doomed)
      assert.strictEqual(wheel.size(), 0)
    }))

  it.effect("thousands of armed and disarmed timers: exactly the live ones fire, each once", () =>
    Effect.gen(function*() {
      const wheel = yield* make
      const fired = new Map<number, number>()
      const timers = Array.from(
        { length: 5_000 },
        (_, i) => wheel.arm((i * 7_919) % 1_000, () => fired.set(i, (fired.get(i) ?? 0) + 1))
      )
      timers.forEach((timer, i) => i % 3 === 0 ? undefined : wheel.disarm(timer))
      yield* TestClock.adjust(1_000)
      assert.strictEqual(fired.size, timers.filter((_, i) => i % 3 === 0).length)
      assert.isTrue([...fired].every(([i, times]) => i % 3 === 0 && times === 1))
    }))

  it.effect("a callback that throws does not stop the clock", () =>
    Effect.gen(function*() {
      const wheel = yield* make
      const fired: Array<number> = []
      wheel.arm(10, () => {
        throw new Error("a bug")
      })
      wheel.arm(20, () => fired.push(1))
      yield* TestClock.adjust(30)
      assert.deepStrictEqual(fired, [1])
    }))

  it.effect("nothing fires after the scope closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const wheel = yield* Scope.provide(make, scope)
      let fired = 0
      wheel.arm(10, () => fired++)
      yield* Scope.close(scope, Exit.void)
      wheel.arm(10, () => fired++)
      yield* TestClock.adjust(100)
      assert.strictEqual(fired, 0)
    }))
})
