/**
 * Handles peers' chain messages in the order received, a few milliseconds at a time. Thousands of blocks can arrive at once, and
 * a ping or a question to the admin API must not wait until all of them are checked.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"

/** A task in steps: other work of the process may run at each `yield`, and the node's state may have changed after it. */
export type Steps = Generator<void, void, void>

/** Does all steps at once. */
export const finish = (steps: Steps): void => {
  for (const _ of steps);
}

/** **Order**: first in, first out, per node; no task starts before the one before it ended. A task starts at once if none waits. */
export class MessageTurns {
  readonly #now: () => number
  readonly #fork: (effect: Effect.Effect<void>) => unknown
  readonly #waiting: Array<() => Steps | void> = []
  #next = 0
  /** The rest of the task under way. */
  #steps: Steps | undefined
  #spentMs = 0
  #isRunning = false
  #isResting = false

  /** `now`: monotonic ms. `fork` runs an effect until the node stops. */
  constructor(now: () => number, fork: (effect: Effect.Effect<void>) => unknown) {
    this.#now = now
    this.#fork = fork
  }

  push(task: () => Steps | void): void {
    this.#waiting.push(task)
    if (this.#isResting || this.#isRunning) return
    this.#run()
  }

  #run(): void {
    this.#isRunning = true
    try {
      while (this.#steps !== undefined || this.#next < this.#waiting.length) {
        if (this.#spentMs >= Limits.syncTurnMs) {
          this.#isResting = true
          this.#fork(this.#rest)
          return
        }
        const before = this.#now()
        this.#step()
        this.#spentMs += this.#now() - before
      }
      this.#waiting.length = 0
      this.#next = 0
    } finally {
      this.#isRunning = false
    }
  }

  #step(): void {
    const steps = this.#steps ?? this.#begin()
    // Forgotten first: a step that throws ends its task.
    this.#steps = undefined
    if (steps?.next().done === false) this.#steps = steps
  }

  #begin(): Steps | undefined {
    const task = this.#waiting[this.#next++]
    // Release finished tasks even while new ones keep arriving.
    if (this.#next >= 256) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    return task?.() ?? undefined
  }

  /** Lets everything else in the process run first. */
  readonly #rest = Effect.andThen(
    Effect.yieldNow,
    Effect.sync(() => {
      this.#isResting = false
      this.#spentMs = 0
      this.#run()
    })
  )
}
