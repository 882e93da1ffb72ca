/**
 * Virtual time for a whole simulated network: alarms in order of time, and between them the ready tasks of all
 * processes, in an order drawn from the seed. Single-threaded, without real timers or a real event loop: everything runs inside `runUntil`.
 *
 * **Order.** Tasks of one fiber's queue keep their order (Effect promises that); the next queue to run is drawn. Alarms of the same
 * moment go off in the order in which they were set, before any task. What `afterTurn` defers runs when the task that asked returns.
 */
import { TimerHeap } from "../../layers/time/TimerHeap.ts"

/** An alarm that was set; `cancel` it or let it go off. */
export interface Alarm {
  readonly dueMs: number
  readonly seq: number
  run: (() => void) | undefined
}

/** A queue of tasks that run in order. `next` runs the first; false if the queue is then empty. */
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

  /** `draw`: a whole number from 0 to below its argument, from the simulation's seed. */
  constructor(draw: (below: number) => number) {
    this.draw = draw
  }

  /** Calls `run` at `ms`, or as soon as possible if that is past. */
  at(ms: number, run: () => void): Alarm {
    const alarm: Alarm = { dueMs: Math.max(ms, this.now), seq: this.seq++, run }
    this.heap.push(alarm)
    return alarm
  }

  cancel(alarm: Alarm): void {
    alarm.run = undefined
  }

  /** Announces that the queue has tasks. Call it once, and again only after `next` returned false. */
  wake(queue: Runnable): void {
    this.ready.push(queue)
  }

  /** Runs `f` when the current task or alarm has returned. */
  afterTurn(f: () => void): void {
    // Usually the only element: growing the array would reserve room for many.
    if (this.deferred.length === 0) this.deferred = [f]
    else this.deferred.push(f)
  }

  /**
   * Runs everything that is due up to `ms`, at most `steps` tasks and alarms. True if all of it is done: then the time is `ms`,
   * and nothing is left to do before the next alarm.
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
    // Queues were added meanwhile but none removed, so its index is unchanged.
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
