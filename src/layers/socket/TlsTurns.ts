/**
 * What TLS does for strangers within one turn of the event loop. A handshake takes OpenSSL a millisecond, a chunk of records up to half of one,
 * or twenty if they are short, and the network may have something from hundreds of connections at once. All of it in one turn would keep every
 * other peer's ping waiting.
 *
 * **Order.** First come, first served, a share each; a connection that waits is not read, so its bytes stay in order.
 * **Bounds.** A turn costs up to `Limits.tlsTurnBytes`, and whatever it began last (`TlsRecords`). A handshake message costs
 * `Limits.tlsFlightCostBytes`. Up to `Limits.tlsTurnFreeBytes` that arrive alone never wait: pings, and what else keeps a connection alive.
 */
import * as Limits from "../../domain/Limits.ts"

/** A connection with bytes that wait for their turn. */
export interface Waiting {
  /** Its turn has come: handles bytes that cost about `most`, and returns what they cost. It may wait again. */
  readonly goOn: (most: number) => number
}

export class TlsTurns {
  private left: number = Limits.tlsTurnBytes
  private isAsked = false
  private readonly waiting = new Set<Waiting>()
  private readonly later: (turn: () => void) => void

  /** `later` calls its argument in the next turn of the event loop. */
  constructor(later: (turn: () => void) => void = (turn) => void setImmediate(turn)) {
    this.later = later
  }

  /** Connections that wait. */
  get size(): number {
    return this.waiting.size
  }

  /** What has just arrived must wait. */
  get isFull(): boolean {
    return this.left <= 0 || this.waiting.size > 0
  }

  /** So much was handled. */
  spent(cost: number): void {
    this.left -= cost
    this.ask()
  }

  /** Waits for a turn, at most once at a time. */
  wait(waiting: Waiting): void {
    this.waiting.add(waiting)
    this.ask()
  }

  /** It waits no longer, if it did. */
  leave(waiting: Waiting): void {
    this.waiting.delete(waiting)
  }

  private ask(): void {
    if (this.isAsked) return
    this.isAsked = true
    this.later(this.turn)
  }

  private readonly turn = (): void => {
    this.isAsked = false
    this.left = Limits.tlsTurnBytes
    // One that waits again is visited again, behind the others.
    for (const next of this.waiting) {
      if (this.left <= 0) break
      this.waiting.delete(next)
      this.spent(next.goOn(Limits.tlsTurnShareBytes))
    }
    if (this.waiting.size > 0) this.ask()
  }
}
