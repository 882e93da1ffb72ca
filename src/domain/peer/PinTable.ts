/**
 * The pins of one node, bounded. A pin is *lasting* once its peer is known otherwise (configured, or well connected before), or shows its key
 * again an hour after the first time. All others are *fresh*: any host can make one by a single handshake. When the table is full, fresh
 * pins make room first, and in either kind the least recently shown of the netgroup that has the most. So a flood from one network
 * displaces itself, and a flood of new keys displaces no lasting one. Mutable.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"
import type { Pin } from "./Pins.ts"

/** Pins of one kind, in order of use, the latest last. */
class Tier {
  readonly pins = new Map<PeerIp.PeerIp, Pin>()
  /** The same order within each netgroup. */
  private readonly byNetgroup = new Map<string, Set<PeerIp.PeerIp>>()

  add(ip: PeerIp.PeerIp, pin: Pin): void {
    this.pins.set(ip, pin)
    const netgroup = PeerIp.netgroup(ip)
    this.byNetgroup.set(netgroup, (this.byNetgroup.get(netgroup) ?? new Set()).add(ip))
  }

  delete(ip: PeerIp.PeerIp): boolean {
    if (!this.pins.delete(ip)) return false
    const netgroup = PeerIp.netgroup(ip)
    const group = this.byNetgroup.get(netgroup)
    group?.delete(ip)
    if (group?.size === 0) this.byNetgroup.delete(netgroup)
    return true
  }

  /** The least recently shown of the largest netgroup. */
  get crowding(): PeerIp.PeerIp | undefined {
    let largest: Set<PeerIp.PeerIp> | undefined
    for (const group of this.byNetgroup.values()) if (group.size > (largest?.size ?? 0)) largest = group
    return largest?.values().next().value
  }
}

export class PinTable {
  private readonly lasting = new Tier()
  private readonly fresh = new Tier()
  /** Changes with every change of the table. */
  revision = 0

  /** `stored`: as `entries` gave them. Of too many, the first are dropped. */
  constructor(stored: ReadonlyArray<readonly [PeerIp.PeerIp, Pin]> = []) {
    for (const [ip, pin] of stored.slice(-Limits.pins)) this.add(ip, pin, false)
  }

  get size(): number {
    return this.lasting.pins.size + this.fresh.pins.size
  }

  get(ip: PeerIp.PeerIp): Pin | undefined {
    return this.lasting.pins.get(ip) ?? this.fresh.pins.get(ip)
  }

  /** Fresh pins, then lasting ones, each in order of use, the latest last. */
  *entries(): Iterable<readonly [PeerIp.PeerIp, Pin]> {
    yield* this.fresh.pins
    yield* this.lasting.pins
  }

  /**
   * Records the key as shown now. Only for a verdict of `Known` or `First`: any other would replace the pin. `isKnown`: the peer is
   * configured, or was well connected before. Returns the peer whose pin made room.
   */
  shown(ip: PeerIp.PeerIp, key: string, now: number, isKnown: boolean): PeerIp.PeerIp | undefined {
    const isLasting = isKnown || this.lasting.pins.has(ip)
    const since = this.get(ip)?.since ?? now
    this.delete(ip)
    const leaves = this.size >= Limits.pins ? this.fresh.crowding ?? this.lasting.crowding : undefined
    if (leaves !== undefined) this.delete(leaves)
    this.add(ip, { key, since, seenAt: now }, isLasting)
    return leaves
  }

  /** False if there was none. */
  delete(ip: PeerIp.PeerIp): boolean {
    this.revision += 1
    return this.lasting.delete(ip) || this.fresh.delete(ip)
  }

  private add(ip: PeerIp.PeerIp, pin: Pin, isLasting: boolean): void {
    this.revision += 1
    const tier = isLasting || pin.seenAt - pin.since >= Limits.pinLastingMs ? this.lasting : this.fresh
    tier.add(ip, pin)
  }
}
