/** Timers by due time, then in insertion order: a binary heap, soonest first. */

export interface Due {
  readonly dueMs: number
  readonly seq: number
}

const before = (a: Due, b: Due) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.seq < b.seq)

export class TimerHeap<T extends Due> {
  private readonly heap: Array<T> = []

  get length(): number {
    return this.heap.length
  }

  peek(): T | undefined {
    return this.heap[0]
  }

  push(timer: T): void {
    const { heap } = this
    let i = heap.push(timer) - 1
    while (i > 0) {
      const up = (i - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || !before(timer, parent)) break
      heap[i] = parent
      i = up
    }
    heap[i] = timer
  }

  /** Removes the soonest timer. */
  pop(): void {
    const { heap } = this
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let i = 0
    while (true) {
      let down = 2 * i + 1
      let child = heap[down]
      const right = heap[down + 1]
      if (child === undefined) break
      if (right !== undefined && before(right, child)) {
        child = right
        down += 1
      }
      if (!before(child, last)) break
      heap[i] = child
      i = down
    }
    heap[i] = last
  }

  /** Drops all timers except those that `which` selects. */
  keep(which: (timer: T) => boolean): void {
    const kept = this.heap.filter(which)
    this.heap.length = 0
    for (const timer of kept) this.push(timer)
  }
}
