/**
 * Ends that were closed with a Reject and are read on for a while, so that no reset overtakes it. Each holds a socket and its buffers for up to
 * `Limits.lingerMs`: refused newcomers come as fast as a flood knocks, so of those that were never up the oldest gives way beyond `Limits.lingeringEnds`.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Timer, Timers } from "../time/Timers.ts"

/** An end that is read on. */
interface Closing {
  readonly destroy: () => void
}

export class Lingering {
  private readonly timers: Timers["Service"]
  private readonly all = new Map<Closing, Timer>()
  /** Those that were never up, the oldest first. */
  private readonly newcomers = new Set<Closing>()

  constructor(timers: Timers["Service"]) {
    this.timers = timers
  }

  /** Ends that linger. */
  get size(): number {
    return this.all.size
  }

  /** The end is destroyed in a while, or when too many linger, unless it is `over` before. */
  begin(end: Closing, wasUp: boolean): void {
    this.all.set(end, this.timers.arm(Limits.lingerMs, () => this.destroy(end)))
    if (wasUp) return
    this.newcomers.add(end)
    const [oldest] = this.newcomers.size > Limits.lingeringEnds ? this.newcomers : []
    if (oldest !== undefined) this.destroy(oldest)
  }

  /** The end has ended. */
  over(end: Closing): void {
    const timer = this.all.get(end)
    if (timer === undefined) return
    this.timers.disarm(timer)
    this.all.delete(end)
    this.newcomers.delete(end)
  }

  private destroy(end: Closing): void {
    this.over(end)
    end.destroy()
  }
}
