/**
 * Limits dials to addresses known only by gossip: a peer that gossips addresses chooses what this node dials. No address is dialled more than
 * once per `Limits.toldDialEveryMs`, even if it left the table and came back. At most `toldDialsPerSecond` dials begin in all. So no address
 * list causes a dial storm, and no host is dialled over and over because peers advertise it.
 *
 * **Units**: monotonic ms. **Bounds**: remembers as many addresses as dials may begin within `toldDialEveryMs`.
 */
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"

export class ToldDials {
  /** When each address was last dialled, oldest first. */
  private readonly dialledAt = new Map<PeerIp, number>()
  private tokens: number = Limits.toldDialBurst
  private at: number | undefined

  /** ms until the address may be dialled; 0: now. */
  waitMs(ip: PeerIp, now: number): number {
    const dialledAt = this.dialledAt.get(ip)
    return dialledAt === undefined ? 0 : Math.max(0, dialledAt + Limits.toldDialEveryMs - now)
  }

  /** ms until any dial may begin; 0: now. */
  paceMs(now: number): number {
    this.refill(now)
    return this.tokens >= 1 ? 0 : (1 - this.tokens) / Limits.toldDialsPerSecond * 1_000
  }

  /** A dial to the address begins. */
  began(ip: PeerIp, now: number): void {
    this.refill(now)
    this.tokens -= 1
    for (const [old, at] of this.dialledAt) {
      if (now - at < Limits.toldDialEveryMs) break
      this.dialledAt.delete(old)
    }
    this.dialledAt.delete(ip)
    this.dialledAt.set(ip, now)
  }

  private refill(now: number): void {
    const gained = this.at === undefined ? 0 : (now - this.at) / 1_000 * Limits.toldDialsPerSecond
    this.tokens = Math.min(Limits.toldDialBurst, this.tokens + gained)
    this.at = now
  }
}
