/**
 * Bytes waiting in one node: of incomplete long frames, and of data that peers have not read yet. One budget for all peers, besides the
 * bounds of each, so that many peers together cannot multiply what one may take.
 *
 * **Full.** To be read beyond `Limits.arrivingFreeBytes`, a frame needs its whole length from the budget. Without it, its connection is not
 * read further (the peer's window closes) until its turn comes, first come, first served. While others wait, a frame has
 * `Limits.pressedFrameMs` from the start of its turn. While all outboxes together are full, an outbox over its fair share does not grow: a
 * sender that can wait waits, otherwise the peer loses its connection (`outbox-full`).
 */
import * as Limits from "../../domain/Limits.ts"

/** A connection on which a long frame is arriving. */
export interface Arrival {
  readonly pauseReading: () => void
  readonly resumeReading: () => void
  /** The frame took too long while others were waiting. */
  readonly giveUp: (afterMs: number) => void
}

export class WaitingBytes {
  /** Bytes in all outboxes. Counted by `Outbox`. */
  outgoing = 0
  private reserved = 0
  private readonly admitted = new Map<Arrival, { readonly bytes: number; readonly since: number }>()
  /** Paused, in order of arrival. */
  private readonly queue = new Map<Arrival, number>()

  /** Bytes reserved for long frames being read. At most `Limits.arrivingBytes`. */
  get arriving(): number {
    return this.reserved
  }

  /** A frame of `bytes` in all is arriving, and its free part has been read. Reading continues, or pauses until its turn. */
  want(arrival: Arrival, bytes: number, now: number): void {
    if (this.admitted.has(arrival) || this.queue.has(arrival)) return
    if (this.queue.size === 0 && this.fits(bytes)) return this.admit(arrival, bytes, now)
    this.queue.set(arrival, bytes)
    arrival.pauseReading()
  }

  /** Its frame is complete, or its connection is gone. */
  release(arrival: Arrival, now: number): void {
    if (this.queue.delete(arrival)) arrival.resumeReading()
    this.reserved -= this.admitted.get(arrival)?.bytes ?? 0
    this.admitted.delete(arrival)
    for (const [next, bytes] of this.queue) {
      if (!this.fits(bytes)) return
      this.queue.delete(next)
      this.admit(next, bytes, now)
      next.resumeReading()
    }
  }

  /** Gives up frames whose time is over while others wait. At most one beat late. */
  beat(now: number): void {
    if (this.queue.size === 0) return
    for (const [arrival, { since }] of this.admitted) {
      if (now - since > Limits.pressedFrameMs) arrival.giveUp(now - since)
    }
  }

  private fits(bytes: number): boolean {
    return this.reserved + bytes <= Limits.arrivingBytes
  }

  private admit(arrival: Arrival, bytes: number, now: number): void {
    this.reserved += bytes
    this.admitted.set(arrival, { bytes, since: now })
  }
}
