/**
 * What TLS does for strangers within one turn of the event loop. A handshake takes OpenSSL a millisecond, a chunk of records up to half of one,
 * and the network may have something from hundreds of connections at once. All of it in one turn would keep every other peer's ping waiting.
 *
 * **Order.** First come, first served; a connection that waits is not read, so its bytes stay in order.
 * **Bounds.** A turn takes up to `Limits.tlsTurnBytes`, and whatever it began last. A handshake message counts as `Limits.tlsFlightCostBytes`. Records
 * of at most `Limits.tlsTurnFreeBytes` never wait: pings, and what else keeps a connection alive.
 */
import * as Limits from "../../domain/Limits.ts"

/** A connection with a chunk that waits for its turn. */
export interface Waiting {
  /** What the chunk counts, bytes. */
  readonly cost: number
  /** Its turn has come. */
  readonly goOn: () => void
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

  /** Whether bytes of that cost may be handled at once; if so, they are counted. */
  take(cost: number): boolean {
    if (cost > Limits.tlsTurnFreeBytes && (this.left <= 0 || this.waiting.size > 0)) return false
    this.left -= cost
    this.ask()
    return true
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
    for (const next of this.waiting) {
      if (this.left <= 0) break
      this.waiting.delete(next)
      this.left -= next.cost
      this.ask()
      next.goOn()
    }
    if (this.waiting.size > 0) this.ask()
  }
}
