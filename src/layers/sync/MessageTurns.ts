/**
 * Handles peers' chain messages in the order received, a few milliseconds at a time. Thousands of blocks can arrive at once, and
 * a ping or a question to the admin API must not wait until all of them are checked.
 *
 * Sync takes what the rest of the process leaves of a turn of the event loop (`Limits.syncTurnMs`): a turn that answered the admin API or
 * put a stored batch on the chain gets a short step of sync, so that turns are alike and the next question waits no longer.
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
  /** ms of this turn that sync has used, and may use. */
  #spentMs = 0
  #budgetMs: number = Limits.syncTurnMs
  /** When sync last gave the turn away; monotonic ms. */
  #restedAt = 0
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
    // Messages arrive while sockets are read. The immediates of that turn follow at once, before any socket is read again: sync has had its part.
    this.#run(this.#restAfterReading)
  }

  #run(rest: Effect.Effect<void>): void {
    this.#isRunning = true
    try {
      while (this.#steps !== undefined || this.#next < this.#waiting.length) {
        const before = this.#now()
        if (this.#spentMs >= this.#budgetMs) {
          this.#isResting = true
          this.#restedAt = before
          this.#fork(rest)
          return
        }
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
      const othersMs = this.#now() - this.#restedAt
      this.#isResting = false
      this.#spentMs = 0
      this.#budgetMs = Math.max(Limits.syncTurnLeastMs, Limits.syncTurnMs - othersMs)
      this.#run(this.#rest)
    })
  )

  readonly #restAfterReading = Effect.andThen(Effect.yieldNow, this.#rest)
}
