import { Effect } from "effect"

/** A connection whose reading can be paused. */
export interface Paused {
  readonly pauseReading: () => void
  readonly resumeReading: () => void
}

/** Runs a step in a later turn of the event loop, after everything else in the process had its turn. At most one step waits. */
export class NextTurn {
  private readonly fork: (effect: Effect.Effect<void>) => unknown
  private readonly turn: Effect.Effect<void>
  /** The step waits for its turn. */
  waits = false

  /** `fork` runs an effect that ends with the node. */
  constructor(fork: (effect: Effect.Effect<void>) => unknown, step: () => void) {
    this.fork = fork
    this.turn = Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => {
        this.waits = false
        step()
      })
    )
  }

  /** Asks for a turn; the step may ask for the next one. */
  ask(): void {
    if (this.waits) return
    this.waits = true
    this.fork(this.turn)
  }
}
