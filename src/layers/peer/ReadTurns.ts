/**
 * Messages of all connections, a few milliseconds of them in each turn of the event loop. Each connection may send what its buckets hold
 * (`MessageRates`), and yet a hundred that do so at one moment would keep every other peer waiting until all of it is done.
 *
 * **Order.** A connection that has had its share waits behind those that wait already; its own messages stay in order.
 * **Bounds.** A connection that waits is not read. Data for a receiver is limited by its receiver, and is no part of this.
 * **Units.** Monotonic ms of the node's clock: in virtual time no turn is ever over.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"

/** A connection that can be left unread. */
interface Paused {
  readonly pauseReading: () => void
  readonly resumeReading: () => void
}

export class ReadTurns {
  private readonly now: () => number
  private readonly fork: (effect: Effect.Effect<void>) => unknown
  private readonly waiting: Array<Paused> = []
  /** What messages took in this turn, and those of the connection that is read now. */
  private turnMs = 0
  private shareMs = 0
  private since = 0
  private isResting = false

  /** `fork` runs an effect for as long as the node. */
  constructor(now: () => number, fork: (effect: Effect.Effect<void>) => unknown) {
    this.now = now
    this.fork = fork
  }

  /** Connections that wait. */
  get size(): number {
    return this.waiting.length
  }

  /** A connection begins to hand over what has come. */
  begins(): void {
    this.since = this.now()
    this.shareMs = 0
  }

  /** It has handed over a message: it waits when its share is used up, or the turn is over. Reading stops before this returns. */
  handled(connection: Paused): void {
    const now = this.now()
    this.turnMs += now - this.since
    this.shareMs += now - this.since
    this.since = now
    if (this.shareMs < Limits.readShareMs && this.turnMs < Limits.readTurnMs) return
    connection.pauseReading()
    this.waiting.push(connection)
    this.rest()
  }

  private rest(): void {
    if (this.isResting) return
    this.isResting = true
    this.fork(this.turn)
  }

  /** Everything else in the process has its turn first; then one connection that waits has its share. */
  private readonly turn = Effect.andThen(
    Effect.yieldNow,
    Effect.sync(() => {
      this.isResting = false
      this.turnMs = 0
      this.waiting.shift()?.resumeReading()
      if (this.waiting.length > 0) this.rest()
    })
  )
}
