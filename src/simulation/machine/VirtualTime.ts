/**
 * Virtual time for a whole simulated network: alarms in order of their moment, and between them the ready tasks of all
 * processes, in an order drawn from the seed. One thread, no real timer, no real event loop: everything runs inside `runUntil`.
 *
 * **Order.** Tasks of one fiber's queue keep their order (Effect promises that); which queue goes next is drawn. Alarms of one
 * moment ring in the order they were set, before any task. What `afterTurn` defers runs when the task that asked returns.
 */
import { TimerHeap } from "../../layers/time/TimerHeap.ts"

/** An alarm that was set; `cancel` it or let it ring. */
export interface Alarm {
  readonly dueMs: number
  readonly seq: number
  run: (() => void) | undefined
}

/** A queue of tasks that run in order. `next` runs the first; false when nothing is left after it. */
export interface Runnable {
  readonly next: () => boolean
}

export class VirtualTime {
  /** ms since the simulation began. */
  now = 0
  /** Tasks and alarms run so far. */
  steps = 0
  private readonly draw: (below: number) => number
  private readonly heap = new TimerHeap<Alarm>()
  private readonly ready: Array<Runnable> = []
  private deferred: Array<() => void> = []
  private seq = 0

  /** `draw`: a whole number from 0 to below the given one, of the simulation's seed. */
  constructor(draw: (below: number) => number) {
    this.draw = draw
  }

  /** Calls `run` at `ms`, or at the next moment if that is past. */
  at(ms: number, run: () => void): Alarm {
    const alarm: Alarm = { dueMs: Math.max(ms, this.now), seq: this.seq++, run }
    this.heap.push(alarm)
    return alarm
  }

  cancel(alarm: Alarm): void {
    alarm.run = undefined
  }

  /** The queue has tasks. Call it once, until `next` has said that there are none. */
  wake(queue: Runnable): void {
    this.ready.push(queue)
  }

  /** Runs `f` when the task or alarm that runs now has returned. */
  afterTurn(f: () => void): void {
    // Mostly the only one: an array that grows makes room for many.
    if (this.deferred.length === 0) this.deferred = [f]
    else this.deferred.push(f)
  }

  /**
   * Runs everything that is due up to `ms`, at most `steps` tasks and alarms of it. True when all is done: then it is `ms`
   * o'clock, and nothing is left to do before the next alarm.
   */
  runUntil(ms: number, steps = Number.POSITIVE_INFINITY): boolean {
    const { ready } = this
    const last = this.steps + steps
    this.settle()
    while (this.steps < last) {
      const alarm = this.heap.peek()
      if (alarm !== undefined && alarm.dueMs <= this.now) {
        this.heap.pop()
        this.ring(alarm)
        continue
      }
      if (ready.length > 0) {
        this.task()
        continue
      }
      if (alarm === undefined || alarm.dueMs > ms) {
        this.now = Math.max(this.now, ms)
        return true
      }
      this.now = alarm.dueMs
    }
    return false
  }

  private task(): void {
    const { ready } = this
    const i = ready.length === 1 ? 0 : this.draw(ready.length)
    const queue = ready[i]
    if (queue === undefined) return
    this.steps += 1
    const more = queue.next()
    this.settle()
    if (more) return
    // Meanwhile queues were added, none removed: it is where it was.
    const last = ready.pop()
    if (last !== undefined && i < ready.length) ready[i] = last
  }

  private ring({ run }: Alarm): void {
    if (run === undefined) return
    this.steps += 1
    run()
    this.settle()
  }

  private settle(): void {
    while (this.deferred.length > 0) {
      const due = this.deferred
      this.deferred = []
      for (const f of due) f()
    }
  }
}
