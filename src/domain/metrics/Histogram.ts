/** A histogram of durations in plain numbers: cumulative counts up to each bound, the total count, the sum and the extremes. */

/** `buckets`: how many values were at most each bound; ascending and cumulative. */
export interface Counts {
  readonly buckets: ReadonlyArray<number>
  readonly count: number
  readonly sumMs: number
  /** 0 while empty. */
  readonly minMs: number
  readonly maxMs: number
}

export class Histogram {
  private readonly boundsMs: ReadonlyArray<number>
  /** How many values were at most each bound, and above the one before it. */
  private readonly own: Array<number>
  private count = 0
  private sumMs = 0
  private minMs = 0
  private maxMs = 0

  /** Bounds ascending, ms. */
  constructor(boundsMs: ReadonlyArray<number>) {
    this.boundsMs = boundsMs
    this.own = boundsMs.map(() => 0)
  }

  add(ms: number): void {
    this.minMs = this.count === 0 ? ms : Math.min(this.minMs, ms)
    this.maxMs = Math.max(this.maxMs, ms)
    this.count += 1
    this.sumMs += ms
    const { boundsMs, own } = this
    let i = 0
    while (i < own.length && ms > (boundsMs[i] ?? 0)) i += 1
    if (i < own.length) own[i] = (own[i] ?? 0) + 1
  }

  get counts(): Counts {
    let below = 0
    return {
      buckets: this.own.map((count) => below += count),
      count: this.count,
      sumMs: this.sumMs,
      minMs: this.minMs,
      maxMs: this.maxMs
    }
  }
}
