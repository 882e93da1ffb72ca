/**
 * The addresses that are this node's own, now or at any time since it started: a node that listens on all addresses of its host is at each
 * of them, and a host may change its addresses (IPv6 privacy addresses do so daily). None of them is ever dialled.
 */
import * as Limits from "../../domain/Limits.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { OwnAddress } from "../../domain/peer/Situation.ts"
import type { NodeSetup } from "../../services/NodeConfig.ts"

export class OwnAddresses {
  private readonly listensOnAll: boolean
  private readonly host: () => ReadonlyArray<PeerIp.PeerIp>
  private readonly now: () => number
  private readonly named = new Map<PeerIp.PeerIp, OwnAddress>()
  /** Of the host's interfaces since the start, oldest first. */
  private readonly former = new Set<PeerIp.PeerIp>()
  private current: ReadonlySet<PeerIp.PeerIp> = new Set()
  private readAt: number | undefined

  /** @param host the addresses of the host's interfaces. `now`: monotonic ms. */
  constructor({ advertise, listen }: NodeSetup, host: () => ReadonlyArray<PeerIp.PeerIp>, now: () => number) {
    this.listensOnAll = listen.ip === "any"
    this.host = host
    this.now = now
    if (advertise !== undefined) this.named.set(advertise, "advertise")
    if (listen.ip !== "any") this.named.set(listen.ip, "listen")
  }

  /** How the address is known to be this node's own; `undefined`: it is not, as far as is known. */
  how(ip: PeerIp.PeerIp): OwnAddress | undefined {
    const named = this.named.get(ip)
    if (named !== undefined || !this.listensOnAll) return named
    this.read()
    return this.current.has(ip) ? "host" : this.former.has(ip) ? "former" : undefined
  }

  /** A dial to the address reached this node. */
  met(ip: PeerIp.PeerIp): void {
    if (this.named.size < Limits.ownAddresses) this.named.set(ip, "dialled")
  }

  /** Whether the host has an address that reaches beyond its links, of the family of `ip`. Loopback addresses are always reached. */
  reaches(ip: PeerIp.PeerIp): boolean {
    if (PeerIp.classOf(ip) === "loopback") return true
    this.read()
    for (const own of this.current) {
      const ipClass = PeerIp.classOf(own)
      if (own.includes(":") === ip.includes(":") && ipClass !== "loopback" && ipClass !== "special") return true
    }
    return false
  }

  private read(): void {
    const now = this.now()
    if (this.readAt !== undefined && now - this.readAt < Limits.hostAddressesMs) return
    this.readAt = now
    this.current = new Set(this.host())
    for (const ip of this.current) {
      this.former.delete(ip)
      this.former.add(ip)
    }
    for (const oldest of this.former) {
      if (this.former.size <= Limits.ownAddresses) break
      this.former.delete(oldest)
    }
  }
}
