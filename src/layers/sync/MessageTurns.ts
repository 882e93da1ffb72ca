/**
 * Handles peers' chain messages in the order received, a few milliseconds at a time. Thousands of blocks can arrive at once, and
 * a ping must not wait until all of them are checked.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"

/** **Order**: first in, first out, per node. A task runs at once if none waits. */
export class MessageTurns {
  readonly #now: () => number
  readonly #fork: (effect: Effect.Effect<void>) => unknown
  readonly #waiting: Array<() => void> = []
  #next = 0
  #spentMs = 0
  #resting = false

  /** `now`: monotonic ms. `fork` runs an effect until the node stops. */
  constructor(now: () => number, fork: (effect: Effect.Effect<void>) => unknown) {
    this.#now = now
    this.#fork = fork
  }

  push(task: () => void): void {
    this.#waiting.push(task)
    if (!this.#resting && this.#waiting.length - this.#next === 1) this.#run()
  }

  #run(): void {
    while (this.#next < this.#waiting.length) {
      if (this.#spentMs >= Limits.syncTurnMs) {
        this.#resting = true
        this.#fork(this.#rest)
        return
      }
      const before = this.#now()
      this.#waiting[this.#next++]?.()
      // Release finished tasks even while new ones keep arriving.
      if (this.#next >= 256) {
        this.#waiting.splice(0, this.#next)
        this.#next = 0
      }
      this.#spentMs += this.#now() - before
    }
    this.#waiting.length = 0
    this.#next = 0
  }

  /** Lets everything else in the process run first. */
  readonly #rest = Effect.andThen(
    Effect.yieldNow,
    Effect.sync(() => {
      this.#resting = false
      this.#spentMs = 0
      this.#run()
    })
  )
}
