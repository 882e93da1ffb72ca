/**
 * Where strangers' sockets wait for their first frame while many sockets are unidentified. Waiting costs little: no peer row, no Hello and no
 * timer each. A socket enters as soon as its first frame is complete, in whatever order it came; a frame sent byte by byte keeps it waiting.
 * **Full**: the oldest is evicted, so a flood of silent connections shortens the wait but keeps out no stranger that speaks.
 */
import * as Limits from "../../domain/Limits.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import { silentPlaces } from "../../domain/protection/silentPlaces.ts"
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
  /** Oldest first. */
  private readonly waiting = new Set<Waiting>()
  private isWatched = false
  private entries: TokenBucket.TokenBucket

  /** `openFiles`: this process's limit of open files, if known. */
  constructor(timers: Timers["Service"], openFiles: number | undefined) {
    this.timers = timers
    this.entries = TokenBucket.full(Limits.lobbyEntries, timers.now())
    this.places = silentPlaces(Limits.lobbySockets, openFiles)
  }

  get size(): number {
    return this.waiting.size
  }

  /** Whether one more socket may begin to wait; if so it counts. Turns a flood away before it costs anything. */
  admits(): boolean {
    const left = TokenBucket.take(this.entries, Limits.lobbyEntries, this.timers.now())
    this.entries = left ?? this.entries
    return left !== undefined
  }

  /**
   * Waits until the socket has sent its first frame whole, then calls `enter`. Calls `leave` if it timed out, ended or was evicted first.
   * Exactly one of the two is called, once.
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

  /** One timer for all that wait, for the oldest of them. */
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
