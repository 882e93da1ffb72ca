/**
 * Long lists that peers send, handled some entries in each turn of the event loop, of all peers together: a full list of addresses takes a millisecond
 * of compiled code and fifty before it is compiled, and a hundred peers may send one at the same moment. Pings, timers and the admin API have their
 * turn in between.
 *
 * **Order.** The entries of one list in their order; of several lists, a piece of each in turn, so that no peer waits for all that another sent.
 * **Bounds.** A connection whose list waits is not read: one list of each connection waits at most, nothing is dropped, and the peer is blamed for no
 * silence. A list is handled to its end although its connection ends meanwhile.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"

/** A connection that can be left unread. */
interface Paused {
  readonly pauseReading: () => void
  readonly resumeReading: () => void
}

interface Waiting {
  readonly connection: Paused
  readonly length: number
  readonly handle: (from: number, to: number) => void
  next: number
}

export class ListTurns {
  private readonly fork: (effect: Effect.Effect<void>) => unknown
  private readonly waiting: Array<Waiting> = []
  /** Entries that may still be handled in this turn. */
  private left: number = Limits.listEntriesPerTurn
  private isResting = false

  /** `fork` runs an effect for as long as the node. */
  constructor(fork: (effect: Effect.Effect<void>) => unknown) {
    this.fork = fork
  }

  /** Lists that are not handled to their end. */
  get size(): number {
    return this.waiting.length
  }

  /** Calls `handle` with the ranges `[from, to)` of a list of `length` entries: at once as far as this turn has room, the rest in the next ones. */
  push(connection: Paused, length: number, handle: (from: number, to: number) => void): void {
    const list = { connection, length, handle, next: 0 }
    if (!this.isResting) this.piece(list)
    if (list.next >= length) return
    connection.pauseReading()
    this.waiting.push(list)
    this.rest()
  }

  private piece(list: Waiting): void {
    const from = list.next
    const to = Math.min(list.length, from + this.left)
    list.next = to
    this.left -= to - from
    if (to > from) list.handle(from, to)
  }

  private rest(): void {
    if (this.isResting) return
    this.isResting = true
    this.fork(this.turn)
  }

  /** Everything else in the process has its turn first. */
  private readonly turn = Effect.andThen(
    Effect.yieldNow,
    Effect.sync(() => {
      this.isResting = false
      this.left = Limits.listEntriesPerTurn
      while (this.left > 0) {
        const list = this.waiting.shift()
        if (list === undefined) return
        this.piece(list)
        if (list.next < list.length) this.waiting.push(list)
        else list.connection.resumeReading()
      }
      if (this.waiting.length > 0) this.rest()
    })
  )
}
