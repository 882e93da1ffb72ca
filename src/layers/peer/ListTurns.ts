/**
 * Handles long lists from peers in pieces, a bounded number of entries per turn of the event loop over all peers. A full address list takes 1 ms
 * once compiled and 50 ms before, and a hundred peers may send one at the same moment. Pings, timers and the admin API get their turn in
 * between.
 *
 * **Order.** Entries of one list in order; several lists take turns, one piece each, so that no peer waits for another's whole list.
 * **Bounds.** A connection whose list waits is not read, so at most one list per connection waits. Nothing is dropped, and the pause does not
 * count as the peer's silence. A list is handled to its end even if its connection ends meanwhile.
 */
import type { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { NextTurn, type Paused } from "./NextTurn.ts"

interface Waiting {
  readonly connection: Paused
  readonly length: number
  readonly handle: (from: number, to: number) => void
  next: number
}

export class ListTurns {
  private readonly next: NextTurn
  private readonly waiting: Array<Waiting> = []
  /** Entries that may still be handled in this turn. */
  private left: number = Limits.listEntriesPerTurn

  /** `fork` runs an effect that ends with the node. */
  constructor(fork: (effect: Effect.Effect<void>) => unknown) {
    this.next = new NextTurn(fork, () => this.turn())
  }

  /** Lists with entries still to be handled. */
  get size(): number {
    return this.waiting.length
  }

  /** Calls `handle` with ranges `[from, to)` of a list of `length` entries: those that fit into this turn at once, the rest in later turns. */
  push(connection: Paused, length: number, handle: (from: number, to: number) => void): void {
    const list = { connection, length, handle, next: 0 }
    if (!this.next.waits) this.piece(list)
    if (list.next >= length) return
    connection.pauseReading()
    this.waiting.push(list)
    this.next.ask()
  }

  private piece(list: Waiting): void {
    const from = list.next
    const to = Math.min(list.length, from + this.left)
    list.next = to
    this.left -= to - from
    if (to > from) list.handle(from, to)
  }

  private turn(): void {
    this.left = Limits.listEntriesPerTurn
    while (this.left > 0) {
      const list = this.waiting.shift()
      if (list === undefined) return
      this.piece(list)
      if (list.next < list.length) this.waiting.push(list)
      else list.connection.resumeReading()
    }
    if (this.waiting.length > 0) this.next.ask()
  }
}
