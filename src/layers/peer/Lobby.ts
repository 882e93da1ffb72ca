/**
 * Sockets of strangers whose first message has not come whole yet, while many are unidentified: they wait here, and cost little. The first that has said it
 * comes in first, however late it is; one that says it a byte at a time has no row, no Hello and no timer. **Full**: the oldest gives way, so a flood of silent connections shortens the wait and keeps out no stranger that speaks.
 */
import * as Limits from "../../domain/Limits.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import * as Frame from "../../domain/wire/Frame.ts"
import type { Accepted } from "../../services/PeerSocket.ts"
import type { Timers } from "../time/Timers.ts"

interface Waiting {
  readonly since: number
  readonly leave: () => void
}

const beginsWhole = (chunks: ReadonlyArray<Uint8Array>): boolean => Frame.beginsWhole(chunks, Limits.frameBeforeUpBytes)

export class Lobby {
  private readonly timers: Timers["Service"]
  private readonly places: number
  /** The oldest first. */
  private readonly waiting = new Set<Waiting>()
  private isWatched = false
  private entries: TokenBucket.TokenBucket

  /** `openFiles`: how many this process may have, if that is known. */
  constructor(timers: Timers["Service"], openFiles: number | undefined) {
    this.timers = timers
    this.entries = TokenBucket.full(Limits.lobbyEntries, timers.now())
    this.places = Math.min(Limits.lobbySockets, Math.floor((openFiles ?? Infinity) * Limits.lobbyShare))
  }

  get size(): number {
    return this.waiting.size
  }

  /** Whether one more may begin to wait; it counts. A flood is turned away before it costs anything. */
  admits(): boolean {
    const left = TokenBucket.take(this.entries, Limits.lobbyEntries, this.timers.now())
    this.entries = left ?? this.entries
    return left !== undefined
  }

  /**
   * The socket waits until it has said its first frame whole; then `enter` is called. `leave`: it did not in time, ended before, or gave way. One of the two is
   * called, once.
   */
  wait(accepted: Accepted, enter: () => void, leave: () => void): void {
    const place: Waiting = { since: this.timers.now(), leave }
    this.waiting.add(place)
    accepted.onceSpoken?.((hasSpoken) => {
      if (this.waiting.delete(place)) (hasSpoken ? enter : leave)()
    }, beginsWhole)
    if (this.waiting.size > this.places) this.dropOldest()
    this.watch()
  }

  private dropOldest(): void {
    const [oldest] = this.waiting
    if (oldest === undefined) return
    this.waiting.delete(oldest)
    oldest.leave()
  }

  /** One timer for all that wait. */
  private watch(): void {
    const [oldest] = this.waiting
    if (this.isWatched || oldest === undefined) return
    this.isWatched = true
    this.timers.arm(Math.max(0, oldest.since + Limits.helloMs - this.timers.now()), () => {
      this.isWatched = false
      const since = this.timers.now() - Limits.helloMs
      for (const place of this.waiting) {
        if (place.since > since) break
        this.dropOldest()
      }
      this.watch()
    })
  }
}
