/** One simulated process: its clocks, its chance, how it stands still, ends, and what it leaves behind. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Random, Scope } from "effect"
import * as AlarmClock from "../../../src/layers/time/AlarmClock.ts"
import { EventLoop } from "../../../src/services/EventLoop.ts"
import { RandomBytes } from "../../../src/services/RandomBytes.ts"
import * as Seeds from "../../../src/simulation/machine/Seeds.ts"
import { VirtualProcess, type VirtualProcessOptions } from "../../../src/simulation/machine/VirtualProcess.ts"
import { VirtualTime } from "../../../src/simulation/machine/VirtualTime.ts"

const wallMs = 1_800_000_000_000

const make = (options: Partial<VirtualProcessOptions> = {}, time = new VirtualTime(Seeds.below("order"))) => ({
  time,
  process: new VirtualProcess(time, { name: "p", seed: "seed", wallMs, rate: 1, ...options })
})

/** Both clocks of a process, ms. */
const clocks = Effect.map(
  Effect.all([Clock.currentTimeMillis, Clock.monotonicTimeNanos, Clock.currentTimeNanos]),
  ([wall, monotonic, nanos]) => ({ wall: wall - wallMs, monotonic: Number(monotonic / 1_000n) / 1_000, nanos })
)

/** Runs an effect in a process at a moment and gives what it gave. */
const ask = <A, E>(time: VirtualTime, process: VirtualProcess, effect: Effect.Effect<A, E>): A => {
  const answers: Array<Exit.Exit<A, E>> = []
  process.start(effect, (exit) => answers.push(exit))
  time.runUntil(time.now)
  const [answer] = answers
  assert(answer !== undefined && Exit.isSuccess(answer), `answered at once: ${String(answer)}`)
  return answer.value
}

describe("VirtualProcess: clocks", () => {
  it("the wall clock is off by a constant; the monotonic one begins at 0 and runs at its rate", () => {
    const time = new VirtualTime(Seeds.below("order"))
    time.runUntil(5_000)
    const { process } = make({ wallMs: wallMs - 700, rate: 1.01 }, time)
    assert.deepInclude(ask(time, process, clocks), { wall: 4_300, monotonic: 0 })
    time.runUntil(15_000)
    const { monotonic, nanos, wall } = ask(time, process, clocks)
    assert.strictEqual(wall, 14_300)
    assert.strictEqual(monotonic, 10_100)
    assert.strictEqual(nanos, BigInt(wallMs + 14_300) * 1_000_000n, "both units say the same")
  })

  it("the wall clock is set: the monotonic one and every sleep are as before", () => {
    const { process, time } = make()
    const woke: Array<number> = []
    process.start(Effect.sleep(3_000), () => woke.push(time.now))
    time.runUntil(1_000)
    process.jump(3_600_000)
    assert.deepInclude(ask(time, process, clocks), { wall: 3_601_000, monotonic: 1_000 })
    process.jump(-7_200_000)
    time.runUntil(4_000)
    assert.deepInclude(ask(time, process, clocks), { wall: 4_000 - 3_600_000, monotonic: 4_000 })
    assert.deepStrictEqual(woke, [3_000])
  })

  it("drift: neither clock jumps when it begins, both run at the rate, and a time service sets the wall clock right", () => {
    const { process, time } = make()
    time.runUntil(10_000)
    process.setRate(1.05, true)
    assert.deepInclude(ask(time, process, clocks), { wall: 10_000, monotonic: 10_000 })
    time.runUntil(110_000)
    assert.deepInclude(ask(time, process, clocks), { wall: 115_000, monotonic: 115_000 })
    process.setRate(0.95, true)
    assert.deepInclude(
      ask(time, process, clocks),
      { wall: 115_000, monotonic: 115_000 },
      "another rate: no jump either"
    )
    time.runUntil(210_000)
    assert.deepInclude(ask(time, process, clocks), { wall: 210_000, monotonic: 210_000 })
    time.runUntil(310_000)
    process.setRate(1, false)
    assert.deepInclude(ask(time, process, clocks), { wall: 310_000, monotonic: 305_000 }, "the wall is right again")
    time.runUntil(320_000)
    assert.deepInclude(ask(time, process, clocks), { wall: 320_000, monotonic: 315_000 })
  })

  it("a jump during a drift stays after it", () => {
    const { process, time } = make()
    process.setRate(1.1, true)
    time.runUntil(1_000)
    process.jump(500)
    process.setRate(1, false)
    assert.deepInclude(ask(time, process, clocks), { wall: 1_500, monotonic: 1_100 })
  })

  it("the monotonic clock never runs backwards, whatever is done to it", () => {
    const draw = Seeds.below("monotonic")
    const { process, time } = make()
    let last = 0
    for (let i = 0; i < 1_000; i++) {
      if (draw(2) === 0) process.setRate(0.95 + draw(100) / 1_000, draw(2) === 0)
      else process.jump(draw(20_000) - 10_000)
      time.runUntil(time.now + draw(100))
      assert.isAtLeast(process.monotonicMs, last, `step ${i}`)
      last = process.monotonicMs
    }
  })

  it("a sleep takes as long as the process's own clock says", () => {
    for (const [rate, due] of [[1, 1_000], [1.25, 800], [0.5, 2_000]] as const) {
      const { process, time } = make({ rate })
      const woke: Array<readonly [number, number]> = []
      process.start(Effect.sleep(1_000), () => woke.push([time.now, process.monotonicMs]))
      time.runUntil(due - 1)
      assert.deepStrictEqual(woke, [])
      time.runUntil(10_000)
      assert.deepStrictEqual(woke, [[due, 1_000]], `rate ${rate}`)
    }
  })

  it("a sleep begun in a drift has its rate; an endless one never ends and is no timer", () => {
    const { process, time } = make()
    process.setRate(2, true)
    const woke: Array<number> = []
    process.start(Effect.andThen(Effect.sleep(0), Effect.sleep(500)), () => woke.push(time.now))
    process.start(Effect.sleep(Number.POSITIVE_INFINITY), () => woke.push(-1))
    time.runUntil(100)
    assert.strictEqual(process.alarms, 1)
    time.runUntil(1e9)
    assert.deepStrictEqual(woke, [250])
  })

  it("the network has no event loop: its alarms come before every process's turn of that moment", () => {
    for (let seed = 0; seed < 20; seed++) {
      const time = new VirtualTime(Seeds.below(`network ${seed}`))
      const order: Array<string> = []
      const { process } = make({}, time)
      const network = make({ name: "network", isNetwork: true, rate: 1 }, time).process
      process.start(Effect.andThen(Effect.sleep(10), Effect.sync(() => order.push("process"))))
      time.runUntil(1)
      const clock = ask(time, network, Effect.clockWith(Effect.succeed))
      const alarms = AlarmClock.of(clock, () => assert.fail("it needs no fiber"))
      alarms.alarm(9, () => order.push("network"))
      alarms.ring?.(9, () => order.push("ring"))
      time.runUntil(20)
      assert.deepStrictEqual(order, ["network", "ring", "process"], `seed ${seed}`)
    }
  })

  it("real clocks are never read: a day of virtual time is a day by every clock, at once", () => {
    const { process, time } = make()
    const seen: Array<number> = []
    process.start(Effect.gen(function*() {
      const { ownClock } = yield* EventLoop
      yield* Effect.sleep("12 hours")
      yield* ownClock.sleep(Duration.hours(12))
      seen.push(ownClock.currentTimeMillisUnsafe() - wallMs, (yield* Clock.currentTimeMillis) - wallMs)
    }))
    time.runUntil(86_400_000)
    assert.deepStrictEqual(seen, [86_400_000, 86_400_000])
  })
})

describe("VirtualProcess: chance", () => {
  const drawn = (seed: string) => {
    const { process, time } = make({ seed })
    return ask(
      time,
      process,
      Effect.gen(function*() {
        const bytes = yield* RandomBytes
        return { numbers: yield* Effect.all([Random.next, Random.nextInt]), bytes: [...bytes(9)] }
      })
    )
  }

  it("numbers and secret bytes: the same for the same seed, others for another", () => {
    const a = drawn("node 1/0")
    assert.deepStrictEqual(drawn("node 1/0"), a)
    const b = drawn("node 1/1")
    assert.notDeepEqual(b.numbers, a.numbers)
    assert.notDeepEqual(b.bytes, a.bytes)
    assert.strictEqual(a.bytes.length, 9)
  })

  it("streams are independent: drawing from one does not disturb another", () => {
    const bytes = Seeds.bytes("seed/bytes")
    const quiet = [...bytes(4), ...bytes(4)]
    const { process, time } = make()
    const disturbed = ask(
      time,
      process,
      Effect.gen(function*() {
        const bytes = yield* RandomBytes
        const before = bytes(4)
        for (let i = 0; i < 100; i++) yield* Random.next
        return [...before, ...bytes(4)]
      })
    )
    assert.deepStrictEqual(disturbed, quiet)
  })

  it("bytes take every value, and numbers below n every one of them and no other", () => {
    const bytes = Seeds.bytes("all")(10_000)
    assert.strictEqual(new Set(bytes).size, 256)
    const below = Seeds.below("dice")
    const dice = Array.from({ length: 1_000 }, () => below(6))
    assert.deepStrictEqual([...new Set(dice)].toSorted(), [0, 1, 2, 3, 4, 5])
    assert.strictEqual(below(1), 0)
  })
})

/** Writes what it does until it is told otherwise: a timer, a fiber that yields, a fiber that waits. */
const busy = (log: (what: string) => void) =>
  Effect.gen(function*() {
    yield* Effect.forkChild(Effect.forever(Effect.andThen(Effect.sleep(10), Effect.sync(() => log("tick")))))
    for (let i = 0;; i++) {
      log(`turn ${i}`)
      yield* Effect.sleep(25)
      yield* Effect.yieldNow
    }
  })

describe("VirtualProcess: paused", () => {
  it("tasks and timers wait, none is lost, and its clocks run", () => {
    const { process, time } = make()
    const log: Array<string> = []
    process.start(busy((what) => log.push(`${what}@${time.now}`)))
    time.runUntil(12)
    assert.deepStrictEqual(log, ["turn 0@0", "tick@10"])
    process.pause()
    process.start(Effect.sync(() => log.push(`started@${time.now}`)))
    process.turn(() => log.push(`turned@${time.now}`))
    assert.isTrue(time.runUntil(1_000), "nothing spins meanwhile")
    assert.strictEqual(log.length, 2)
    assert.strictEqual(process.monotonicMs, 1_000)
    process.resume()
    time.runUntil(1_000)
    assert.sameMembers(log.slice(2), ["started@1000", "turned@1000", "tick@1000", "turn 1@1000"])
    time.runUntil(1_030)
    assert.sameMembers(log.slice(6), ["tick@1010", "tick@1020", "tick@1030", "turn 2@1025"])
  })

  it("paused and resumed at random, a program does everything it does otherwise, in its order", () => {
    for (let seed = 0; seed < 20; seed++) {
      const draw = Seeds.below(`pauses ${seed}`)
      const { process, time } = make({}, new VirtualTime(Seeds.below(`order ${seed}`)))
      const log: Array<number> = []
      let sent = 0
      for (let i = 0; i < 300; i++) {
        const number = sent++
        process.turn(() => log.push(number))
        if (draw(3) === 0) process.pause()
        if (draw(3) === 0) process.resume()
        time.runUntil(time.now + draw(2))
      }
      process.resume()
      time.runUntil(time.now + 1)
      assert.deepStrictEqual(log, Array.from({ length: sent }, (_, i) => i), `seed ${seed}`)
    }
  })

  it("ended while paused, it never runs again", () => {
    const { process, time } = make()
    const log: Array<string> = []
    process.start(busy((what) => log.push(what)))
    time.runUntil(12)
    process.pause()
    time.runUntil(100)
    process.end()
    process.resume()
    process.pause()
    time.runUntil(200)
    assert.strictEqual(process.state, "ended")
    assert.strictEqual(log.length, 2)
  })
})

describe("VirtualProcess: ended", () => {
  it("nothing runs any more: no timer, no task, no finalizer, nothing deferred, nothing new", () => {
    const { process, time } = make()
    const log: Array<string> = []
    const scope = Scope.makeUnsafe()
    process.start(
      Effect.gen(function*() {
        yield* Scope.provide(Effect.addFinalizer(() => Effect.sync(() => log.push("finalizer"))), scope)
        return yield* Effect.ensuring(busy((what) => log.push(what)), Effect.sync(() => log.push("ensured")))
      }),
      () => log.push("exit")
    )
    time.runUntil(12)
    const { afterTurn } = ask(time, process, EventLoop)
    log.length = 0
    process.turn(() => log.push("task"))
    afterTurn(() => log.push("deferred"))
    process.end()
    process.start(Effect.sync(() => log.push("started")))
    process.start(Scope.close(scope, Exit.void))
    assert.isTrue(time.runUntil(1_000))
    assert.deepStrictEqual(log, [])
  })

  it("others run in the same time", () => {
    const { process, time } = make()
    const other = make({ name: "other" }, time).process
    const log: Array<number> = []
    process.start(busy(() => {}))
    other.start(Effect.forever(Effect.andThen(Effect.sleep(100), Effect.sync(() => log.push(time.now)))))
    time.runUntil(150)
    process.end()
    time.runUntil(400)
    assert.deepStrictEqual(log, [100, 200, 300, 400])
  })
})

describe("VirtualProcess: what is left", () => {
  const program = Effect.gen(function*() {
    yield* Effect.forkScoped(Effect.forever(Effect.sleep(10)))
    yield* Effect.forkScoped(Effect.never)
    yield* Effect.forkScoped(Effect.sleep("1 hour"))
  })

  it("fibers and timers are counted, and none is left once a scope is closed", () => {
    const { process, time } = make()
    const scope = Scope.makeUnsafe()
    process.start(Scope.provide(program, scope))
    time.runUntil(95)
    assert.deepStrictEqual([process.fibers, process.alarms], [3, 2])
    process.start(Scope.close(scope, Exit.void))
    time.runUntil(96)
    assert.deepStrictEqual([process.fibers, process.alarms], [0, 0])
  })

  it("a fiber or a timer that is left shows", () => {
    for (
      const [name, left, expected] of [
        ["a detached fiber", Effect.forkDetach(Effect.never), [1, 0]],
        ["a detached sleep", Effect.forkDetach(Effect.sleep("1 hour")), [1, 1]],
        [
          "a timer",
          Effect.clockWith((clock) => Effect.sync(() => void Effect.runFork(clock.sleep(Duration.hours(1))))),
          [0, 1]
        ]
      ] as const
    ) {
      const { process, time } = make()
      const scope = Scope.makeUnsafe()
      process.start(Scope.provide(Effect.andThen(program, left), scope))
      time.runUntil(95)
      process.start(Scope.close(scope, Exit.void))
      time.runUntil(96)
      assert.deepStrictEqual([process.fibers, process.alarms], [...expected], name)
    }
  })

  it("a timer that is taken back or rings is counted once, however often it is taken back", () => {
    const { process, time } = make()
    process.start(Effect.gen(function*() {
      const fibers = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, i) => i),
        (i) => Effect.forkChild(Effect.sleep(10 + i), { startImmediately: true })
      )
      yield* Effect.sleep(30)
      yield* Fiber.interruptAll(fibers)
      yield* Fiber.interruptAll(fibers)
    }))
    time.runUntil(5)
    assert.deepStrictEqual([process.fibers, process.alarms], [51, 51])
    time.runUntil(29)
    assert.deepStrictEqual([process.fibers, process.alarms], [31, 31])
    time.runUntil(1_000)
    assert.deepStrictEqual([process.fibers, process.alarms], [0, 0])
  })
})

describe("VirtualProcess: logs", () => {
  it("what it logs is its host's, with the level and the cause", () => {
    const logs: Array<string> = []
    const { process, time } = make({ onLog: (level, message) => logs.push(`${level} ${message}`) })
    process.start(Effect.gen(function*() {
      yield* Effect.log("one", 2)
      yield* Effect.logError("bad")
      yield* Effect.logWarning("odd", Cause.fail("the cause"))
    }))
    time.runUntil(0)
    assert.deepStrictEqual(logs.slice(0, 2), ["Info one 2", "Error bad"])
    assert.match(logs[2] ?? "", /^Warn odd [\s\S]*the cause/)
    assert.strictEqual(logs.length, 3)
  })
})
