/** A histogram of durations in plain numbers: cumulative counts up to each bound, all of them, and their sum. */

/** `buckets`: how often a value was at most each bound, ascending and cumulative. */
export interface Counts {
  readonly buckets: ReadonlyArray<number>
  readonly count: number
  readonly sumMs: number
}

export class Histogram {
  private readonly boundsMs: ReadonlyArray<number>
  private readonly buckets: Array<number>
  private count = 0
  private sumMs = 0

  /** Bounds ascending, ms. */
  constructor(boundsMs: ReadonlyArray<number>) {
    this.boundsMs = boundsMs
    this.buckets = boundsMs.map(() => 0)
  }

  add(ms: number): void {
    this.count += 1
    this.sumMs += ms
    for (let i = this.boundsMs.length - 1; i >= 0 && ms <= (this.boundsMs[i] ?? 0); i--) {
      this.buckets[i] = (this.buckets[i] ?? 0) + 1
    }
  }

  get counts(): Counts {
    return { buckets: [...this.buckets], count: this.count, sumMs: this.sumMs }
  }
}
