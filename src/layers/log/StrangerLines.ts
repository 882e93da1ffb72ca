/**
 * Bounds the log lines that strangers can cause in the long run: connecting and leaving costs a peer a few packets, and us two lines each time. A
 * stranger is a peer that the operator did not name and that was never connected for `Limits.steadyUpMs`. Strangers' lines never use up the
 * budget of others. Mutable; `now` in monotonic ms.
 */
import { addLatest } from "../../domain/latest.ts"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"

export class StrangerLines {
  /** Least recently seen first. */
  private readonly known = new Set<PeerIp>()
  private bucket: TokenBucket.TokenBucket

  constructor(now: number) {
    this.bucket = TokenBucket.full(Limits.logStrangers, now)
  }

  /** Whether a line about this event counts as a stranger's. Call it for every event, in order. */
  isOfStranger(event: NodeEvent): boolean {
    if (!("ip" in event)) return false
    const { ip } = event
    const becomesKnown =
      (event._tag === "PeerLearned" && (event.source === "configured" || event.source === "stored")) ||
      (event._tag === "Down" && event.upMs >= Limits.steadyUpMs)
    if (becomesKnown || this.known.has(ip)) addLatest(this.known, ip, Limits.knownPeers)
    return !this.known.has(ip)
  }

  /** Takes one line from the budget; false when none is left. */
  take(now: number): boolean {
    const left = TokenBucket.take(this.bucket, Limits.logStrangers, now)
    this.bucket = left ?? this.bucket
    return left !== undefined
  }
}
