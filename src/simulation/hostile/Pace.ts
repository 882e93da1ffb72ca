/**
 * A misbehaving peer's average rate over all its connections: `SimulationLimits.hostileFramesPerSecond` and
 * `SimulationLimits.hostileBytesPerSecond`, with bursts of `SimulationLimits.hostileBurstMs`.
 */
import { Effect } from "effect"
import type { Clock } from "effect"
import { monotonicOf } from "../../layers/time/monotonicMs.ts"
import * as SimulationLimits from "../plan/Limits.ts"

export interface Pace {
  /** Waits until this much may be sent. */
  readonly pay: (frames: number, bytes: number) => Effect.Effect<void>
  /** Counts data sent without waiting: what follows waits longer. */
  readonly owe: (frames: number, bytes: number) => void
}

export const make = (clock: Clock.Clock): Pace => {
  const now = monotonicOf(clock)
  /** ms. When everything sent so far would have been sent at the average rate. */
  let paidUntil = now() - SimulationLimits.hostileBurstMs
  const owe = (frames: number, bytes: number) => {
    const seconds = Math.max(
      frames / SimulationLimits.hostileFramesPerSecond,
      bytes / SimulationLimits.hostileBytesPerSecond
    )
    paidUntil = Math.max(paidUntil, now() - SimulationLimits.hostileBurstMs) + seconds * 1_000
  }
  return {
    owe,
    pay: (frames, bytes) =>
      Effect.suspend(() => {
        owe(frames, bytes)
        const waitMs = Math.ceil(paidUntil - now())
        return waitMs > 0 ? Effect.sleep(waitMs) : Effect.void
      })
  }
}
