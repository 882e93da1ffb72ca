/**
 * Closed ends that are read for a while longer, so that no reset overtakes their Reject. Each holds a socket and its buffers for up to
 * `Limits.lingerMs`. A flood makes refused newcomers pile up, so beyond `Limits.lingeringEnds` of these the oldest is destroyed.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Timer, Timers } from "../time/Timers.ts"

/** A closed end that is still read. */
interface Closing {
  readonly destroy: () => void
}

export class Lingering {
  private readonly timers: Timers["Service"]
  private readonly all = new Map<Closing, Timer>()
  /** Ends that were never up, oldest first. */
  private readonly newcomers = new Set<Closing>()

  constructor(timers: Timers["Service"]) {
    this.timers = timers
  }

  /** Number of lingering ends. */
  get size(): number {
    return this.all.size
  }

  /** Destroys the end after `Limits.lingerMs`, or earlier if too many linger, unless `over` is called first. */
  begin(end: Closing, wasUp: boolean): void {
    this.all.set(end, this.timers.arm(Limits.lingerMs, () => this.destroy(end)))
    if (wasUp) return
    this.newcomers.add(end)
    const [oldest] = this.newcomers.size > Limits.lingeringEnds ? this.newcomers : []
    if (oldest !== undefined) this.destroy(oldest)
  }

  /** The end has closed by itself. */
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
