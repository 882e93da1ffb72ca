/**
 * State of dial-backs: our pending request, which netgroups we asked, and which askers we dialled. `Reachability` asks and answers.
 *
 * **Units**: monotonic ms. **Bounds**: `Limits.dialBackAskers` netgroups and askers, `dialBacks` concurrent dials, `dialBackRate` overall.
 */
import { putLatest } from "../../domain/latest.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import type { Up } from "./PeerEnd.ts"

export class DialBacks {
  private asked: { readonly request: number; readonly up: Up; readonly at: number } | undefined = undefined
  private lastRequest = 0
  /** The peer whose dial-back may still arrive. */
  private expected: { readonly ip: PeerIp; readonly at: number } | undefined = undefined
  /** When a peer of each netgroup was last asked, oldest first. */
  private readonly askedGroups = new Map<string, number>()
  /** When each asker was last dialled back, oldest first. */
  private readonly dialledAskers = new Map<PeerIp, number>()
  private tokens = TokenBucket.full(Limits.dialBackRate, 0)
  private underWay = 0

  /** Whether an answer may still arrive. */
  isWaiting(now: number): boolean {
    return this.asked !== undefined && now - this.asked.at < Limits.dialBackAnswerMs
  }

  /** When a peer of that netgroup was last asked. */
  askedAt(group: string): number {
    return this.askedGroups.get(group) ?? Number.NEGATIVE_INFINITY
  }

  /** Records that the peer is asked. Returns the number of the request. */
  ask(up: Up, group: string, now: number): number {
    putLatest(this.askedGroups, group, now, Limits.dialBackAskers)
    this.lastRequest += 1
    this.asked = { request: this.lastRequest, up, at: now }
    this.expected = { ip: up.end.ip, at: now }
    return this.lastRequest
  }

  /** Whether this answers the pending request; if so it is no longer pending. */
  answered(up: Up, request: number): boolean {
    if (this.asked?.up !== up || this.asked.request !== request) return false
    this.asked = undefined
    return true
  }

  /** Whether a connection from `ip` that ended before its Hello is the dial-back that this node asked for. True once per request. */
  took(ip: PeerIp, now: number): boolean {
    const { expected } = this
    if (expected?.ip !== ip || now - expected.at >= Limits.dialBackAnswerMs) return false
    this.expected = undefined
    return true
  }

  /** Whether the asker may be dialled back now. If so the dial counts: call `dialled` when it is over. */
  mayDial(asker: PeerIp, now: number): boolean {
    const at = this.dialledAskers.get(asker)
    if (this.underWay >= Limits.dialBacks || (at !== undefined && now - at < Limits.dialBackAgainMs)) return false
    const tokens = TokenBucket.take(this.tokens, Limits.dialBackRate, now)
    if (tokens === undefined) return false
    this.tokens = tokens
    putLatest(this.dialledAskers, asker, now, Limits.dialBackAskers)
    this.underWay += 1
    return true
  }

  dialled(): void {
    this.underWay -= 1
  }
}
