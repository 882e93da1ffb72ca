/** Addresses that once showed TLS what no peer needs to show. Mutable, bounded: the oldest is forgotten first. */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"

export class Suspects {
  private readonly ips = new Set<PeerIp>()

  add(ip: PeerIp): void {
    this.ips.delete(ip)
    this.ips.add(ip)
    const [oldest] = this.ips
    if (this.ips.size > Limits.tlsSuspects && oldest !== undefined) this.ips.delete(oldest)
  }

  has(ip: PeerIp): boolean {
    return this.ips.has(ip)
  }
}
