/**
 * A node's bans: addresses and subnets, each with its end. A look-up costs one map access while only addresses are banned, plus one for
 * each prefix length in use. At most `Limits.bans`: when full, the ban by score that ends soonest is dropped; an operator's ban never is.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import * as Subnet from "../peer/Subnet.ts"

export type BannedBy = "operator" | "score"

/** Times in ms of any one clock that the caller uses. */
export interface Ban {
  readonly subnet: Subnet.Subnet
  readonly since: number
  readonly until: number
  readonly by: BannedBy
  /** For the operator. */
  readonly reason: string
}

/** Subnets of one family, by prefix length, then by digits. */
type Blocks = Map<number, Map<Subnet.Digits, Ban>>

export class BanList {
  private readonly all = new Map<Subnet.Subnet, Ban>()
  private readonly blocks: { readonly ipv4: Blocks; readonly ipv6: Blocks } = { ipv4: new Map(), ipv6: new Map() }

  get size(): number {
    return this.all.size
  }

  entries(): Iterable<Ban> {
    return this.all.values()
  }

  get(subnet: Subnet.Subnet): Ban | undefined {
    return this.all.get(subnet)
  }

  /** The ban that covers an address at `now`; of several, the one that ends last. */
  find(ip: PeerIp.PeerIp, now: number): Ban | undefined {
    if (this.all.size === 0) return undefined
    let found = later(undefined, this.all.get(Subnet.ofOne(ip)), now)
    const blocks = PeerIp.isIpv6(ip) ? this.blocks.ipv6 : this.blocks.ipv4
    if (blocks.size === 0) return found
    const digits = Subnet.digitsOf(ip)
    for (const [length, bans] of blocks) found = later(found, bans.get(Subnet.prefixOf(digits, length)), now)
    return found
  }

  /**
   * Adds a ban, replacing one of the same subnet. False if it is not needed: an operator's ban is there already, or the list is full of
   * bans that outlast it.
   */
  put(ban: Ban): boolean {
    const before = this.all.get(ban.subnet)
    if (before !== undefined && ban.by === "score" && before.by === "operator") return false
    if (before === undefined && this.all.size >= Limits.bans && !this.makeRoom(ban)) return false
    this.all.set(ban.subnet, ban)
    const { ip, isOne, length } = Subnet.parts(ban.subnet)
    if (isOne) return true
    const blocks = this.blocksOf(ip)
    const same = blocks.get(length) ?? new Map<Subnet.Digits, Ban>()
    blocks.set(length, same.set(Subnet.prefixOf(Subnet.digitsOf(ip), length), ban))
    return true
  }

  remove(subnet: Subnet.Subnet): Ban | undefined {
    const ban = this.all.get(subnet)
    if (ban === undefined) return undefined
    this.all.delete(subnet)
    const { ip, isOne, length } = Subnet.parts(subnet)
    if (isOne) return ban
    const blocks = this.blocksOf(ip)
    const same = blocks.get(length)
    same?.delete(Subnet.prefixOf(Subnet.digitsOf(ip), length))
    if (same?.size === 0) blocks.delete(length)
    return ban
  }

  /** Removes and returns the bans that have ended. */
  expire(now: number): ReadonlyArray<Ban> {
    const over = [...this.all.values()].filter(({ until }) => until <= now)
    for (const { subnet } of over) this.remove(subnet)
    return over
  }

  /** When the next ban ends. */
  get nextEnd(): number | undefined {
    let next: number | undefined
    for (const { until } of this.all.values()) if (next === undefined || until < next) next = until
    return next
  }

  private blocksOf(ip: PeerIp.PeerIp): Blocks {
    return PeerIp.isIpv6(ip) ? this.blocks.ipv6 : this.blocks.ipv4
  }

  private makeRoom({ by, until }: Ban): boolean {
    let least: Ban | undefined
    for (const ban of this.all.values()) {
      if (ban.by === "score" && (least === undefined || ban.until < least.until)) least = ban
    }
    if (least === undefined || (by === "score" && least.until >= until)) return false
    this.remove(least.subnet)
    return true
  }
}

const later = (a: Ban | undefined, b: Ban | undefined, now: number): Ban | undefined =>
  b === undefined || b.until <= now || (a !== undefined && a.until >= b.until) ? a : b
