import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { AlarmingClock } from "../../../src/layers/time/AlarmClock.ts"
import { LagMeter } from "../../../src/layers/time/LagMeter.ts"
import * as NodeFibers from "../../../src/layers/time/NodeFibers.ts"
import { TimerHeap } from "../../../src/layers/time/TimerHeap.ts"
import * as Timers from "../../../src/layers/time/Timers.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import { NodeRules } from "../../../src/services/NodeRules.ts"

const make = Effect.flatMap(
  Layer.build(NodeFibers.layer()),
  (fibers) => Effect.provide(Timers.make(new LagMeter(() => assert.fail("a virtual clock has no lag"))), fibers)
)

/** Timers on alarms that ring when the test says so. */
const byHand = Effect.gen(function*() {
  const base = yield* Clock.Clock
  let now = 0
  const alarms: Array<{ readonly ms: number; readonly run: () => void; on: boolean }> = []
  const clock: AlarmingClock = {
    ...base,
    alarms: {
      monotonicMs: () => now,
      alarm: (ms, run) => {
        const alarm = { ms, run, on: true }
        alarms.push(alarm)
        return () => {
          alarm.on = false
        }
      }
    }
  }
  const lag = new LagMeter(() => {})
  const fibers = yield* Layer.build(NodeFibers.layer())
  const timers = yield* Timers.make(lag).pipe(Effect.provide(fibers), Effect.provideService(Clock.Clock, clock))
  return {
    timers,
    lag,
    /** Number of alarms that were ever set. */
    made: () => alarms.length,
    /** ms that each alarm was set for, those that are not cancelled. */
    set: () => alarms.filter(({ on }) => on).map(({ ms }) => ms),
    /** At that moment the alarm that is set rings. */
    ring: (ms: number) => {
      now = ms
      const alarm = alarms.find(({ on }) => on) ?? assert.fail("no alarm is set")
      alarm.on = false
      alarm.run()
    }
  }
})

describe("Timers", () => {
  it.effect("keep one alarm, for the soonest", () =>
    Effect.gen(function*() {
      const { made, ring, set, timers } = yield* byHand
      const fired: Array<number> = []
      const arm = (ms: number) => timers.arm(ms, () => fired.push(ms))
      arm(50)
      arm(60)
      arm(50)
      assert.deepStrictEqual([set(), made()], [[50], 1])
      arm(20.5)
      assert.deepStrictEqual(set(), [21], "rounded up: it must not ring too early")
      ring(21)
      assert.deepStrictEqual([fired, set()], [[20.5], [29]])
      ring(50)
      assert.deepStrictEqual([fired, set()], [[20.5, 50, 50], [10]])
      ring(60)
      assert.deepStrictEqual([fired, set()], [[20.5, 50, 50, 60], []])
      // A callback that arms while another is due: the alarm is set once, at the end.
      timers.arm(5, () => arm(100))
      arm(5)
      ring(65)
      assert.deepStrictEqual(set(), [100])
    }).pipe(Effect.scoped))

  it.effect("do not wake for what is disarmed", () =>
    Effect.gen(function*() {
      const { ring, set, timers } = yield* byHand
      timers.arm(10, () => {})
      const doomed = timers.arm(20, () => assert.fail("it fired"))
      timers.arm(30, () => {})
      timers.disarm(doomed)
      ring(10)
      assert.deepStrictEqual([set(), timers.size()], [[20], 1])
      ring(30)
      const many = Array.from({ length: 65 }, () => timers.arm(10, () => assert.fail("it fired")))
      for (const timer of many) timers.disarm(timer)
      ring(40)
      assert.deepStrictEqual([set(), timers.size()], [[], 0])
    }).pipe(Effect.scoped))

  it.effect("measure how late the loop is, and say so to each callback", () =>
    Effect.gen(function*() {
      const { lag, ring, timers } = yield* byHand
      const late: Array<number> = []
      timers.arm(50, (ms) => late.push(ms))
      timers.arm(1_000, (ms) => late.push(ms))
      ring(2_350)
      assert.deepStrictEqual([late, lag.totalMs], [[2_300, 1_350], 2_300])
    }).pipe(Effect.scoped))

  it.effect("that are disarmed take no room once they are most of all", () =>
    Effect.gen(function*() {
      const kept: Array<number> = []
      const { keep } = TimerHeap.prototype
      const spy = function(this: TimerHeap<Timers.Timer>, which: (timer: Timers.Timer) => boolean) {
        keep.call(this, which as never)
        kept.push(this.length)
      }
      TimerHeap.prototype.keep = spy as never
      yield* Effect.addFinalizer(() => Effect.sync(() => void (TimerHeap.prototype.keep = keep)))
      const { timers } = yield* byHand
      const many = (count: number) => Array.from({ length: count }, (_, i) => timers.arm(1_000 + i, () => {}))
      const few = many(64)
      for (const timer of few) timers.disarm(timer)
      assert.deepStrictEqual(kept, [], "not for a few")
      const more = many(100)
      for (const timer of more.slice(0, 18)) timers.disarm(timer)
      assert.deepStrictEqual([kept, timers.size()], [[], 82], "half of them")
      timers.disarm(more[18] ?? assert.fail())
      assert.deepStrictEqual([kept, timers.size()], [[81], 81])
      timers.disarm(more[18] ?? assert.fail())
      assert.strictEqual(timers.size(), 81, "twice is once")
      for (const timer of more.slice(19)) timers.disarm(timer)
      assert.deepStrictEqual([kept, timers.size()], [[81, 16], 0], "counted anew")
    }).pipe(Effect.scoped))

  it.effect("set no alarm once they are closed, and none of theirs does anything", () =>
    Effect.gen(function*() {
      for (const cancelsAlarm of [true, false]) {
        const scope = yield* Scope.make()
        const { ring, set, timers } = yield* Scope.provide(byHand, scope).pipe(
          Effect.updateService(NodeRules, (rules) => ({ ...rules, cancelsAlarm }))
        )
        timers.arm(10, () => assert.fail("it fired"))
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(set(), cancelsAlarm ? [] : [10])
        timers.arm(5, () => assert.fail("it fired"))
        assert.deepStrictEqual(set(), cancelsAlarm ? [] : [10])
        if (!cancelsAlarm) ring(10)
        assert.deepStrictEqual(set(), [])
      }
    }))

  it.effect("log what fails in a callback", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => void logged.push(message))
      yield* Effect.gen(function*() {
        const timers = yield* make
        timers.arm(10, () => {
          throw new Error("a bug")
        })
        yield* TestClock.adjust(30)
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(logged.flat(), ["a timer failed", new Error("a bug")])
    }).pipe(Effect.scoped))

  it.effect("of a node report its stalls as events", () =>
    Effect.gen(function*() {
      const events: Array<unknown> = []
      const dependencies = Layer.merge(
        NodeFibers.layer(),
        Layer.succeed(NodeEvents, { emit: (event: unknown) => events.push(event) } as never)
      )
      const services = yield* Layer.build(Layer.provide(Timers.layer(), dependencies))
      const { lag, now } = Context.get(services, Timers.Timers)
      assert.strictEqual(now(), 0)
      lag.ran(1_000, 3_300)
      assert.deepStrictEqual(events, [{ _tag: "LoopLag", ms: 2_300 }])
    }).pipe(Effect.scoped))

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
