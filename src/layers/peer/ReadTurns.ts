/**
 * Handles messages of all connections for a few milliseconds per turn of the event loop. Each connection may send what its buckets hold
 * (`MessageRates`); a hundred that do so at once would otherwise keep every other peer waiting.
 *
 * **Order.** A connection that used up its share waits behind those already waiting; its own messages stay in order.
 * **Bounds.** A waiting connection is not read. `Data` is limited by its receiver, not here.
 * **Units.** Monotonic ms of the node's clock: in virtual time no turn ever ends.
 */
import type { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { NextTurn, type Paused } from "./NextTurn.ts"

export class ReadTurns {
  private readonly now: () => number
  private readonly next: NextTurn
  private readonly waiting: Array<Paused> = []
  /** Time spent on messages in this turn. Time that went to other work since then is taken off, so a few messages now and then never end a turn. */
  private turnMs = 0
  /** Time spent on messages of the connection being read. */
  private shareMs = 0
  private since = 0

  /** `fork` runs an effect that ends with the node. */
  constructor(now: () => number, fork: (effect: Effect.Effect<void>) => unknown) {
    this.now = now
    this.next = new NextTurn(fork, () => this.turn())
  }

  /** Number of waiting connections. */
  get size(): number {
    return this.waiting.length
  }

  /** A connection begins to hand over received messages. */
  begins(): void {
    const now = this.now()
    this.turnMs = Math.max(0, this.turnMs - (now - this.since))
    this.since = now
    this.shareMs = 0
  }

  /** It handled a message: pauses the connection if its share is used up or the turn is over. Reading stops before this returns. */
  handled(connection: Paused): void {
    const now = this.now()
    this.turnMs += now - this.since
    this.shareMs += now - this.since
    this.since = now
    if (this.shareMs < Limits.readShareMs && this.turnMs < Limits.readTurnMs) return
    connection.pauseReading()
    this.waiting.push(connection)
    this.next.ask()
  }

  /** Resumes one waiting connection. */
  private turn(): void {
    this.turnMs = 0
    this.waiting.shift()?.resumeReading()
    if (this.waiting.length > 0) this.next.ask()
  }
}
