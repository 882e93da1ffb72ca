import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { LagMeter } from "../../../src/layers/time/LagMeter.ts"
import * as NodeFibers from "../../../src/layers/time/NodeFibers.ts"
import * as Timers from "../../../src/layers/time/Timers.ts"

const make = Effect.flatMap(
  Layer.build(NodeFibers.layer()),
  (fibers) => Effect.provide(Timers.make(new LagMeter(() => assert.fail("a virtual clock has no lag"))), fibers)
)

describe("Timers", () => {
  it.effect("fires in order of due time, then of arming", () =>
    Effect.gen(function*() {
      const timers = yield* make
      const fired: Array<string> = []
      const arm = (name: string, ms: number) => timers.arm(ms, () => fired.push(`${name}@${timers.now()}`))
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
      assert.strictEqual(timers.size(), 0)
    }))

  it.effect("a disarmed timer never fires, and a callback may arm and disarm others", () =>
    Effect.gen(function*() {
      const timers = yield* make
      const fired: Array<number> = []
      const doomed = timers.arm(20, () => fired.push(-1))
      timers.arm(10, () => {
        timers.disarm(doomed)
        timers.arm(0, () => fired.push(timers.now()))
        timers.arm(5, () => fired.push(timers.now()))
      })
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(fired, [10, 15])
      timers.disarm(doomed)
      assert.strictEqual(timers.size(), 0)
    }))

  it.effect("thousands of armed and disarmed timers: exactly the live ones fire, each once", () =>
    Effect.gen(function*() {
      const timers = yield* make
      const fired = new Map<number, number>()
      const armed = Array.from(
        { length: 5_000 },
        (_, i) => timers.arm((i * 7_919) % 1_000, () => fired.set(i, (fired.get(i) ?? 0) + 1))
      )
      armed.forEach((timer, i) => i % 3 === 0 ? undefined : timers.disarm(timer))
      yield* TestClock.adjust(1_000)
      assert.strictEqual(fired.size, armed.filter((_, i) => i % 3 === 0).length)
      assert.isTrue([...fired].every(([i, times]) => i % 3 === 0 && times === 1))
    }))

  it.effect("a callback that throws does not stop the clock", () =>
    Effect.gen(function*() {
      const timers = yield* make
      const fired: Array<number> = []
      timers.arm(10, () => {
        throw new Error("a bug")
      })
      timers.arm(20, () => fired.push(1))
      yield* TestClock.adjust(30)
      assert.deepStrictEqual(fired, [1])
    }))

  it.effect("nothing fires after the scope closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const timers = yield* Scope.provide(make, scope)
      let fired = 0
      timers.arm(10, () => fired++)
      yield* Scope.close(scope, Exit.void)
      timers.arm(10, () => fired++)
      yield* TestClock.adjust(100)
      assert.strictEqual(fired, 0)
    }))

  it.effect("what a part armed does not fire after its own scope, and leaves the other timers alone", () =>
    Effect.gen(function*() {
      const timers = yield* make
      const scope = yield* Scope.make()
      const part = yield* Scope.provide(Timers.inScope(timers), scope)
      const fired: Array<string> = []
      part.arm(10, () => fired.push("part, in time"))
      part.arm(30, () => fired.push("part, late"))
      timers.arm(30, () => fired.push("node"))
      yield* TestClock.adjust(20)
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(fired, ["part, in time", "node"])
    }))
})
