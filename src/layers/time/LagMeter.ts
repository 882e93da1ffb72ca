/**
 * How long the node's event loop stood still, in all. Whatever runs at a known moment tells how late it came; what several of them
 * saw of one stall counts once. Silence of peers in that time is not held against them.
 */
import * as Limits from "../../domain/Limits.ts"

export class LagMeter {
  private total = 0
  /** The stall counted last, monotonic ms. */
  private from = Number.NEGATIVE_INFINITY
  private to = Number.NEGATIVE_INFINITY
  private readonly onStall: (ms: number) => void

  /** `onStall` hears of every stall longer than `Limits.lagFloorMs`. */
  constructor(onStall: (ms: number) => void) {
    this.onStall = onStall
  }

  /** ms, ascending: two readings tell the lag between them. Stalls up to `Limits.lagFloorMs` are ordinary scheduling. */
  get totalMs(): number {
    return this.total
  }

  /** What was due at `dueMs` runs at `nowMs` (monotonic). */
  ran(dueMs: number, nowMs: number): void {
    if (nowMs - dueMs <= Limits.lagFloorMs) return
    const isNew = dueMs >= this.to
    const added = isNew ? nowMs - dueMs : Math.max(0, this.from - dueMs) + nowMs - this.to
    this.from = isNew ? dueMs : Math.min(this.from, dueMs)
    this.to = nowMs
    this.total += added
    if (added > Limits.lagFloorMs) this.onStall(added)
  }
}
