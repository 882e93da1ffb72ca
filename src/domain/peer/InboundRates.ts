/**
 * How often inbound connections are admitted, per IP and per netgroup. There is no overall limit, because one stranger could use it up.
 * Mutable, bounded; times in monotonic ms.
 */
import { putLatest } from "../latest.ts"
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"
import * as TokenBucket from "./TokenBucket.ts"

/** Buckets by key. Beyond `most` keys, the least recently used is forgotten. */
class Buckets {
  private readonly byKey = new Map<string, TokenBucket.TokenBucket>()
  private readonly rate: TokenBucket.Rate
  private readonly most: number

  constructor(rate: TokenBucket.Rate, most: number) {
    this.rate = rate
    this.most = most
  }

  get size(): number {
    return this.byKey.size
  }

  available(key: string, now: number): number {
    const bucket = this.byKey.get(key)
    return bucket === undefined ? this.rate.burst : TokenBucket.available(bucket, this.rate, now)
  }

  take(key: string, now: number): void {
    const left = TokenBucket.spend(this.byKey.get(key) ?? TokenBucket.full(this.rate, now), this.rate, now, 1)
    putLatest(this.byKey, key, left, this.most)
  }
}

export class InboundRates {
  private readonly ips = new Buckets(Limits.inboundPerIp, Limits.inboundIps)
  private readonly netgroups = new Buckets(Limits.inboundPerNetgroup, Limits.inboundNetgroups)

  /** Number of keys remembered. */
  get size(): number {
    return this.ips.size + this.netgroups.size
  }

  /** Whether a connection from the address may come in now; the call counts it. `isKnown`: exempt from its netgroup's limit. */
  take(ip: PeerIp.PeerIp, isKnown: boolean, now: number): boolean {
    const ofIp = this.ips.available(ip, now)
    if (ofIp < 1) return false
    // Also when its netgroup refuses it; otherwise it would soon count as one that did not connect recently.
    this.ips.take(ip, now)
    if (!isKnown) {
      const netgroup = PeerIp.netgroup(ip)
      const cameLately = ofIp < Limits.inboundPerIp.burst - Limits.inboundFew
      const least = cameLately ? Limits.inboundPerNetgroup.burst / 2 : 1
      if (this.netgroups.available(netgroup, now) < least) return false
      this.netgroups.take(netgroup, now)
    }
    return true
  }
}
