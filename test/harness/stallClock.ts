/** A clock whose event loop stands still when the test says so: timers that are due meanwhile run late, as on a busy machine. */
import { Effect, Layer } from "effect"
import { Clock } from "effect"
import type { AlarmingClock } from "../../src/layers/time/AlarmClock.ts"
import { LagMeter } from "../../src/layers/time/LagMeter.ts"
import * as NodeFibers from "../../src/layers/time/NodeFibers.ts"
import * as Timers from "../../src/layers/time/Timers.ts"

export const make = Effect.gen(function*() {
  const base = yield* Clock.Clock
  let now = 0
  let alarms: Array<{ readonly at: number; readonly run: () => void }> = []
  const clock: AlarmingClock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: () => BigInt(Math.round(now * 1e6)),
    currentTimeNanos: Effect.sync(() => BigInt(Math.round(now * 1e6))),
    monotonicTimeNanosUnsafe: () => BigInt(Math.round(now * 1e6)),
    monotonicTimeNanos: Effect.sync(() => BigInt(Math.round(now * 1e6))),
    sleep: (duration) => base.sleep(duration),
    alarms: {
      monotonicMs: () => now,
      alarm: (ms, run) => {
        const alarm = { at: now + ms, run }
        alarms.push(alarm)
        return () => {
          alarms = alarms.filter((other) => other !== alarm)
        }
      }
    }
  }
  const ring = () => {
    const due = alarms.filter((alarm) => alarm.at <= now).toSorted((a, b) => a.at - b.at)
    alarms = alarms.filter((alarm) => alarm.at > now)
    for (const { run } of due) run()
  }
  const fibers = yield* Layer.build(NodeFibers.layer())
  const timers = yield* Timers.make(new LagMeter(() => {})).pipe(
    Effect.provide(fibers),
    Effect.provideService(Clock.Clock, clock)
  )
  return {
    timers,
    now: () => now,
    /** The loop runs: everything happens at its moment. */
    run: (ms: number) => {
      const end = now + ms
      for (;;) {
        const next = Math.min(...alarms.map((alarm) => alarm.at))
        if (next > end) break
        now = Math.max(now, next)
        ring()
      }
      now = end
    },
    /** The loop stands still, then runs what is due. */
    stall: (ms: number) => {
      now += ms
      ring()
    }
  }
})
