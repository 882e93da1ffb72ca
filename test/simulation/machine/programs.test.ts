/**
 * Programs in virtual time: what Effect promises holds (nothing is lost, one permit is one), the same seed does the same, and
 * other seeds interleave otherwise. The programs have forks, races, timeouts, semaphores, queues and deferreds in them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Queue, Random, Scheduler, Semaphore } from "effect"
import * as Seeds from "../../../src/simulation/machine/Seeds.ts"
import { Trace } from "../../../src/simulation/machine/Trace.ts"
import { VirtualProcess } from "../../../src/simulation/machine/VirtualProcess.ts"
import { VirtualTime } from "../../../src/simulation/machine/VirtualTime.ts"

type Log = (what: string) => Effect.Effect<void>

/** A program for the test. What it returns must be the same whatever the order; what it logs need not be. */
type Program = (log: Log) => Effect.Effect<unknown>

const race: Program = (log) =>
  Effect.gen(function*() {
    const winner = yield* Effect.raceAll(
      [30, 10, 20].map((ms) => Effect.sleep(ms).pipe(Effect.as(ms), Effect.onInterrupt(() => log(`${ms} interrupted`))))
    )
    const turns = Effect.forEach([1, 2, 3], () => Effect.yieldNow)
    const same = yield* Effect.raceAll(["a", "b", "c"].map((name) => Effect.as(turns, name)))
    yield* log(`same ${same}`)
    return [winner, ["a", "b", "c"].includes(same)]
  })

const timeouts: Program = (log) =>
  Effect.gen(function*() {
    const orElse = () => Effect.succeed("late")
    const results = yield* Effect.forEach([5, 15, 25], (ms) =>
      Effect.sleep(ms).pipe(
        Effect.as("in time"),
        Effect.timeoutOrElse({ duration: 20, orElse }),
        Effect.tap((result) => log(`${ms} ${result}`))
      ), { concurrency: "unbounded" })
    return [results, yield* Clock.currentTimeMillis]
  })

const permits: Program = (log) =>
  Effect.gen(function*() {
    const semaphore = yield* Semaphore.make(2)
    let [inside, most, done] = [0, 0, 0]
    yield* Effect.forEach(Array.from({ length: 12 }, (_, i) => i), (i) =>
      semaphore.withPermit(Effect.gen(function*() {
        inside += 1
        most = Math.max(most, inside)
        yield* log(`enter ${i}`)
        yield* Effect.sleep(1 + (yield* Random.nextIntBetween(0, 3)))
        yield* Effect.yieldNow
        yield* log(`leave ${i}`)
        inside -= 1
        done += 1
      })), { concurrency: "unbounded" })
    return [most, done, inside]
  })

const queues: Program = (log) =>
  Effect.gen(function*() {
    const queue = yield* Queue.bounded<number>(3)
    const got: Array<number> = []
    const consumers = yield* Effect.forEach(["x", "y"], (name) =>
      Effect.forkChild(Effect.forever(Effect.gen(function*() {
        const item = yield* Queue.take(queue)
        got.push(item)
        yield* log(`${name} ${item}`)
        yield* Effect.yieldNow
      }))))
    yield* Effect.forEach([0, 1, 2, 3], (producer) =>
      Effect.forEach([0, 1, 2, 3, 4], (i) =>
        Effect.andThen(Queue.offer(queue, producer * 10 + i), Effect.yieldNow)), {
      concurrency: "unbounded",
      discard: true
    })
    yield* Effect.sleep(1)
    yield* Fiber.interruptAll(consumers)
    // Each producer's items stay in order only through one consumer; none is lost or doubled.
    return got.toSorted((a, b) =>
      a - b
    )
  })

const deferreds: Program = (log) =>
  Effect.gen(function*() {
    const go = yield* Deferred.make<void>()
    const fibers = yield* Effect.forEach([0, 1, 2, 3, 4, 5, 6, 7], (i) =>
      Effect.forkChild(Effect.andThen(Deferred.await(go), Effect.andThen(Effect.yieldNow, log(`woken ${i}`))), {
        startImmediately: i % 2 === 0
      }))
    yield* Effect.yieldNow
    yield* Deferred.succeed(go, undefined)
    yield* Effect.forEach(fibers, Fiber.join)
    return fibers.length
  })

const programs = { race, timeouts, permits, queues, deferreds }

/** Two processes that run the program, and a third that runs nothing: what they returned, logged, and the run's fingerprint. */
const run = (program: Program, seed: string) => {
  const time = new VirtualTime(Seeds.below(`${seed}/order`))
  const trace = new Trace()
  const log: Array<string> = []
  const results: Array<unknown> = []
  const processes = ["a", "b"].map((name) =>
    new VirtualProcess(time, { name, seed: `${seed}/${name}`, wallMs: 0, rate: 1 })
  )
  for (const process of processes) {
    const note: Log = (what) =>
      Effect.sync(() => {
        log.push(`${process.name} ${what}`)
        trace.number(time.now)
        trace.number(time.steps)
        trace.text(`${process.name} ${what}`)
      })
    process.start(program(note), (exit) => {
      results.push(exit._tag === "Success" ? exit.value : String(exit.cause))
    })
  }
  assert.isTrue(time.runUntil(10_000, 100_000), "it ends")
  for (const process of processes) assert.deepStrictEqual([process.fibers, process.alarms], [0, 0], seed)
  return { results, log, hash: trace.hash, steps: time.steps }
}

const expected: Readonly<Record<keyof typeof programs, unknown>> = {
  race: [10, true],
  timeouts: [["in time", "in time", "late"], 20],
  permits: [2, 12, 0],
  queues: [0, 1, 2, 3].flatMap((producer) => [0, 1, 2, 3, 4].map((i) => producer * 10 + i)),
  deferreds: 8
}

describe("programs in virtual time", () => {
  for (const [name, program] of Object.entries(programs)) {
    it(`${name}: does what it promises under every seed; the same seed does the same again`, () => {
      const hashes = new Set<string>()
      const orders = new Set<string>()
      for (let seed = 0; seed < 60; seed++) {
        const once = run(program, `${seed}`)
        const want = expected[name as keyof typeof programs]
        assert.deepStrictEqual(once.results, [want, want], `seed ${seed}`)
        assert.deepStrictEqual(run(program, `${seed}`), once, `seed ${seed} again`)
        hashes.add(once.hash)
        orders.add(once.log.filter((line) => line.startsWith("a ")).join())
      }
      assert.isAtLeast(hashes.size, 8, "other seeds, other runs")
      // `timeouts` leaves nothing to choose but which process goes first.
      assert.isAtLeast(orders.size, name === "timeouts" ? 1 : 3, "one process alone is interleaved otherwise as well")
    })
  }

  it("another order alone changes the run, and so do other random numbers alone", () => {
    const hash = (order: string, chance: string) => {
      const time = new VirtualTime(Seeds.below(order))
      const trace = new Trace()
      for (const name of ["a", "b", "c"]) {
        const process = new VirtualProcess(time, { name, seed: `${chance}/${name}`, wallMs: 0, rate: 1 })
        process.start(permits((what) => Effect.sync(() => trace.text(`${name} ${what}`))))
      }
      time.runUntil(1_000)
      return trace.hash
    }
    assert.strictEqual(hash("1", "1"), hash("1", "1"))
    assert.notStrictEqual(hash("2", "1"), hash("1", "1"))
    assert.notStrictEqual(hash("1", "2"), hash("1", "1"))
  })

  it("a fiber's own tasks keep their order, those of a lower priority go last", () => {
    for (let seed = 0; seed < 20; seed++) {
      const time = new VirtualTime(Seeds.below(`lane ${seed}`))
      const process = new VirtualProcess(time, { name: "p", seed: "s", wallMs: 0, rate: 1 })
      const ran: Array<string> = []
      process.start(Effect.withFiber((fiber) =>
        Effect.sync(() => {
          const { currentDispatcher: lane } = fiber
          for (const [name, priority] of [["low 1", 5], ["a", 0], ["mid", 2], ["b", 0], ["low 2", 5]] as const) {
            lane.scheduleTask(() => ran.push(name), priority)
          }
          lane.scheduleTask(() => lane.scheduleTask(() => ran.push("added"), 0), 0)
        })
      ))
      time.runUntil(0)
      assert.deepStrictEqual(ran, ["a", "b", "added", "mid", "low 1", "low 2"], `seed ${seed}`)
    }
  })

  it("a fiber that never waits gives others their turn", () => {
    const time = new VirtualTime(Seeds.below("turns"))
    const process = new VirtualProcess(time, { name: "p", seed: "s", wallMs: 0, rate: 1 })
    let spun = 0
    let seen = -1
    let stop = false
    process.start(Effect.whileLoop({
      while: () => !stop,
      body: () => Effect.sync(() => spun++),
      step: () => {}
    }))
    process.start(Effect.sync(() => {
      seen = spun
      stop = true
    }))
    assert.isTrue(time.runUntil(0, 1_000))
    assert.isAtLeast(seen, 0)
    assert.isAtMost(seen, 20 * 2_048)
  })

  it("runSync within a process is done at once, in its own clock", () => {
    const time = new VirtualTime(Seeds.below("sync"))
    const process = new VirtualProcess(time, { name: "p", seed: "s", wallMs: 500, rate: 1 })
    time.runUntil(100)
    const asked = Effect.gen(function*() {
      yield* Effect.yieldNow
      return [yield* Clock.currentTimeMillis, (yield* Scheduler.Scheduler).executionMode]
    })
    assert.deepStrictEqual(Effect.runSync(Effect.provideContext(asked, process.context)), [600, "async"])
  })
})
