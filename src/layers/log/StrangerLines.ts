/**
 * How many lines of the log strangers may cause in the long run: a peer comes up and goes for a few packets, and each time that is two lines. A
 * stranger is whoever the operator did not name, and was never connected for `Limits.steadyUpMs`; nothing a stranger does takes lines away
 * from the others. Mutable; `now` in monotonic ms.
 */
import { addLatest } from "../../domain/latest.ts"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"

export class StrangerLines {
  /** The one that was seen longest ago first. */
  private readonly known = new Set<PeerIp>()
  private bucket: TokenBucket.TokenBucket

  constructor(now: number) {
    this.bucket = TokenBucket.full(Limits.logStrangers, now)
  }

  /** Whether a line about this event counts as one of a stranger. Tell it of every event, in order. */
  isOfStranger(event: NodeEvent): boolean {
    if (!("ip" in event)) return false
    const { ip } = event
    const becomesKnown =
      (event._tag === "PeerLearned" && (event.source === "configured" || event.source === "stored")) ||
      (event._tag === "Down" && event.upMs >= Limits.steadyUpMs)
    if (becomesKnown || this.known.has(ip)) addLatest(this.known, ip, Limits.knownPeers)
    return !this.known.has(ip)
  }

  /** Takes a line; false when there is none left. */
  take(now: number): boolean {
    const left = TokenBucket.take(this.bucket, Limits.logStrangers, now)
    this.bucket = left ?? this.bucket
    return left !== undefined
  }
}
