/**
 * What a misbehaving peer may send in the long run, over all its connections: `SimulationLimits.hostileFramesPerSecond` and
 * `SimulationLimits.hostileBytesPerSecond`, with bursts of `SimulationLimits.hostileBurstMs`.
 */
import { Effect } from "effect"
import type { Clock } from "effect"
import * as SimulationLimits from "../plan/Limits.ts"

export interface Pace {
  /** Waits until so much may be sent. */
  readonly pay: (frames: number, bytes: number) => Effect.Effect<void>
  /** Sent without waiting, at the cost of what comes later. */
  readonly owe: (frames: number, bytes: number) => void
}

export const make = (clock: Clock.Clock): Pace => {
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  /** ms. When all that was sent would have been sent at the long run's pace. */
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
