/**
 * Bytes that wait in one node: of long frames that are not whole yet, and of what peers have not read yet. One budget for all peers beside the
 * bounds of each, so that many peers together cannot take what one may.
 *
 * **Full.** A frame longer than `Limits.arrivingFreeBytes` needs its whole length of the budget to be read beyond that. Without it, its
 * connection is not read further (the peer's window closes) until its turn comes, first come first served; while others wait, a frame has
 * `Limits.pressedFrameMs` from its turn on. An outbox that holds more than its fair share does not grow while all outboxes together
 * are full: a sender that can wait waits, else the peer loses its connection (`outbox-full`).
 */
import * as Limits from "../../domain/Limits.ts"

/** A connection on which a long frame arrives. */
export interface Arrival {
  readonly pauseReading: () => void
  readonly resumeReading: () => void
  /** The frame took too long while others wait. */
  readonly giveUp: (afterMs: number) => void
}

export class WaitingBytes {
  /** Bytes in all outboxes. Counted by `Outbox`. */
  outgoing = 0
  private reserved = 0
  private readonly admitted = new Map<Arrival, { readonly bytes: number; readonly since: number }>()
  /** Paused, first come first. */
  private readonly queue = new Map<Arrival, number>()

  /** Bytes reserved for long frames that are read. At most `Limits.arrivingBytes`. */
  get arriving(): number {
    return this.reserved
  }

  /** A frame of `bytes` in all arrives, and what is free of it is read. It is read on, or paused until its turn. */
  want(arrival: Arrival, bytes: number, now: number): void {
    if (this.admitted.has(arrival) || this.queue.has(arrival)) return
    if (this.queue.size === 0 && this.fits(bytes)) return this.admit(arrival, bytes, now)
    this.queue.set(arrival, bytes)
    arrival.pauseReading()
  }

  /** Its frame is whole, or its connection is gone. */
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

  /** Ends frames that had their time while others wait. At most a beat late. */
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
