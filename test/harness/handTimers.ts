/** The timers of a node, moved by hand: nothing runs but what `to` makes due. */
import { LagMeter } from "../../src/layers/time/LagMeter.ts"
import type { Timer, Timers } from "../../src/layers/time/Timers.ts"

export interface HandTimers {
  readonly timers: Timers["Service"]
  /** Goes to that moment, ms, and runs what is due on the way, in order. */
  readonly to: (ms: number) => void
}

export const make = (): HandTimers => {
  let now = 0
  let seq = 0
  const armed = new Set<Timer>()
  const timers: Timers["Service"] = {
    now: () => now,
    arm: (ms, run) => {
      const timer: Timer = { dueMs: now + ms, seq: seq++, run }
      armed.add(timer)
      return timer
    },
    disarm: (timer) => void armed.delete(timer),
    lag: new LagMeter(() => {}),
    size: () => armed.size
  }
  const to = (ms: number): void => {
    for (;;) {
      const [next] = [...armed].filter(({ dueMs }) => dueMs <= ms).toSorted((a, b) =>
        a.dueMs - b.dueMs || a.seq - b.seq
      )
      if (next === undefined) break
      armed.delete(next)
      now = Math.max(now, next.dueMs)
      next.run?.(0)
    }
    now = Math.max(now, ms)
  }
  return { timers, to }
}
