/**
 * This node's own addresses, now or at any time since it started. A node that listens on all addresses of its host is reachable at each.
 * A host may also change its addresses (IPv6 privacy addresses change daily). Own addresses are never dialled.
 */
import { addLatest } from "../../domain/latest.ts"
import * as Limits from "../../domain/Limits.ts"
import { knownAddress } from "../../domain/NodeSetup.ts"
import { count, type Observation, type OwnView, scopeOf, view } from "../../domain/peer/OwnAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Reach from "../../domain/peer/Reach.ts"
import type { OwnAddress } from "../../domain/peer/Situation.ts"
import type { NodeSetup } from "../../services/NodeConfig.ts"

const hasFamily = (ips: Iterable<PeerIp.PeerIp>, isIpv6: boolean): boolean => {
  for (const ip of ips) {
    const ipClass = PeerIp.classOf(ip)
    if (PeerIp.isIpv6(ip) === isIpv6 && ipClass !== "loopback" && ipClass !== "special") return true
  }
  return false
}

export class OwnAddresses {
  private readonly listensOnAll: boolean
  private readonly announced: PeerIp.PeerIp | undefined
  private readonly host: () => ReadonlyArray<PeerIp.PeerIp> | undefined
  private readonly now: () => number
  private readonly named = new Map<PeerIp.PeerIp, OwnAddress>()
  /** Addresses of the host's interfaces since the start, oldest first. */
  private readonly former = new Set<PeerIp.PeerIp>()
  private current: ReadonlySet<PeerIp.PeerIp> = new Set()
  private readAt: number | undefined
  /** Addresses confirmed by peers' votes, one per scope (`domain/peer/OwnAddress`). An announced address needs no confirmation. */
  private readonly byScope = new Map<string, PeerIp.PeerIp>()
  /** A count of the votes is scheduled. */
  isCounting = false
  /** `reach`: results of peers' dial-backs. `cameInAt`: when an outside peer last connected to this node's listener (monotonic ms). */
  reach: Reach.Reach = Reach.none
  cameInAt: number | undefined = undefined
  /** The reachability that was last reported. */
  reported: Reach.Reachable = "unknown"

  /** @param host returns the addresses of the host's interfaces. `now`: monotonic ms. */
  constructor(
    { advertise, listen }: NodeSetup,
    host: () => ReadonlyArray<PeerIp.PeerIp> | undefined,
    now: () => number
  ) {
    this.listensOnAll = listen.ip === "any"
    this.host = host
    this.now = now
    if (advertise !== undefined) this.named.set(advertise, "advertise")
    if (listen.ip !== "any") this.named.set(listen.ip, "listen")
    const announced = knownAddress({ advertise, listen })
    if (announced !== undefined) this.byScope.set(scopeOf(announced), announced)
    this.announced = announced
  }

  /** Addresses confirmed by votes: the latest of each scope. */
  get confirmed(): ReadonlyArray<PeerIp.PeerIp> {
    return [...this.byScope.values()].filter((ip) => ip !== this.announced)
  }

  /** Records an address that peers confirm. Returns the address it replaces, if any; `undefined`: nothing changed. */
  confirm(ip: PeerIp.PeerIp): { readonly before: PeerIp.PeerIp | undefined } | undefined {
    const before = this.byScope.get(scopeOf(ip))
    if (before === ip) return undefined
    this.byScope.set(scopeOf(ip), ip)
    // Earlier dial-backs were about the former address.
    this.reach = Reach.none
    return { before }
  }

  /** Whether a peer from outside connected to this node's listener recently. */
  cameIn(now: number): boolean {
    return this.cameInAt !== undefined && now - this.cameInAt <= Limits.dialBackFreshMs
  }

  reachable(now: number): Reach.Reachable {
    return Reach.verdict(this.reach, this.cameIn(now), now)
  }

  /** What peers see, and what is known otherwise. `isTaken`: a peer is connected to another process at this address. `now`: monotonic ms. */
  view(observations: Iterable<Observation>, isTaken: boolean, now: number): OwnView {
    this.read()
    return view(count(observations), {
      announced: this.announced,
      host: this.readAt === undefined || this.current.size === 0 ? undefined : [...this.current],
      reachable: this.reachable(now),
      hasSecondNode: isTaken || Reach.foundAnother(this.reach, now),
      confirmed: this.confirmed
    })
  }

  /** How the address is known to be this node's own; `undefined`: it is not. */
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

  /**
   * Whether the host lacks the address family of `ip`: since the start it had an address that reaches beyond a link only in the other
   * family. A host that lost all its addresses has no network, which is a different fault.
   */
  lacksFamily(ip: PeerIp.PeerIp): boolean {
    if (PeerIp.classOf(ip) === "loopback") return false
    this.read()
    const isIpv6 = PeerIp.isIpv6(ip)
    return !hasFamily(this.former, isIpv6) && hasFamily(this.former, !isIpv6)
  }

  private read(): void {
    const now = this.now()
    if (this.readAt !== undefined && now - this.readAt < Limits.hostAddressesMs) return
    this.readAt = now
    const ips = this.host()
    // The host's addresses could not be read: keep those known before.
    if (ips === undefined) return
    this.current = new Set(ips)
    for (const ip of this.current) addLatest(this.former, ip, Limits.ownAddresses)
  }
}
