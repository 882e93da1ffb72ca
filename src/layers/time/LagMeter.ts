/**
 * How long the node's event loop was blocked, in all. Anything due at a known time reports how late it ran; several reports of one stall count
 * once. Peers' silence during a stall is not held against them.
 */
import * as Limits from "../../domain/Limits.ts"

export class LagMeter {
  private total = 0
  /** The stall counted last, monotonic ms. */
  private from = Number.NEGATIVE_INFINITY
  private to = Number.NEGATIVE_INFINITY
  private readonly onStall: (ms: number) => void

  /** `onStall` is called for every stall longer than `Limits.lagFloorMs`. */
  constructor(onStall: (ms: number) => void) {
    this.onStall = onStall
  }

  /** ms, never decreasing: the difference of two readings is the lag between them. Stalls up to `Limits.lagFloorMs` are ordinary scheduling. */
  get totalMs(): number {
    return this.total
  }

  /** Reports that something due at `dueMs` ran at `nowMs` (monotonic). */
  ran(dueMs: number, nowMs: number): void {
    if (nowMs - dueMs <= Limits.lagFloorMs) return
    const isNew = dueMs > this.to
    const added = isNew ? nowMs - dueMs : Math.max(0, this.from - dueMs) + nowMs - this.to
    this.from = isNew ? dueMs : Math.min(this.from, dueMs)
    this.to = nowMs
    this.total += added
    if (added > Limits.lagFloorMs) this.onStall(added)
  }
}
