/**
 * Which TLS handshake is next. A handshake costs this node a signature and more, a connection almost nothing. So connections wait in three
 * steps: until their ClientHello is whole, then for their turn, then for the other end. Strangers take turns by netgroup, at a rate that
 * leaves most of a core free, and slower while their handshakes cost more than usual; known peers never wait for others. When full, the oldest of the netgroup that holds most is evicted, so a
 * flood from one network displaces itself. Mutable, bounded; times in monotonic ms.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import * as TokenBucket from "../peer/TokenBucket.ts"

/** What the queue knows of a connection. Each is a distinct object. */
export interface Arrival {
  readonly ip: PeerIp.PeerIp
  /** A configured peer, or a peer that was well connected before. */
  readonly isKnown: boolean
}

/** Connections by netgroup. Both levels keep their order. */
class Groups<A extends Arrival> {
  size = 0
  private readonly byNetgroup = new Map<string, Set<A>>()

  add(arrival: A): void {
    const netgroup = PeerIp.netgroup(arrival.ip)
    const group = this.byNetgroup.get(netgroup) ?? new Set()
    this.byNetgroup.set(netgroup, group.add(arrival))
    this.size += 1
  }

  delete(arrival: A): boolean {
    const netgroup = PeerIp.netgroup(arrival.ip)
    const group = this.byNetgroup.get(netgroup)
    if (group?.delete(arrival) !== true) return false
    if (group.size === 0) this.byNetgroup.delete(netgroup)
    this.size -= 1
    return true
  }

  /** The oldest connection of the largest netgroup. */
  get crowding(): A | undefined {
    let largest: Set<A> | undefined
    for (const group of this.byNetgroup.values()) if (group.size > (largest?.size ?? 0)) largest = group
    return largest?.values().next().value
  }

  /** Takes the oldest connection of the netgroup whose turn it is, and moves that netgroup to the end of the line. */
  take(): A | undefined {
    const [first] = this.byNetgroup
    if (first === undefined) return undefined
    const [netgroup, group] = first
    const [arrival] = group
    if (arrival === undefined) return undefined
    this.delete(arrival)
    if (group.size > 0) {
      this.byNetgroup.delete(netgroup)
      this.byNetgroup.set(netgroup, group)
    }
    return arrival
  }
}

export class HandshakeQueue<A extends Arrival> {
  private readonly places: number
  private pace: TokenBucket.TokenBucket
  /** All connections here, by IP, the oldest first. */
  private readonly byIp = new Map<PeerIp.PeerIp, Set<A>>()
  /** Strangers before their handshake, and the subset in line for it. */
  private readonly waiting = new Groups<A>()
  private readonly line = new Groups<A>()
  /** Strangers in their handshake. */
  private readonly running = new Groups<A>()

  /** @param places strangers that may wait before their handshake */
  constructor(places: number, now: number) {
    this.places = places
    this.pace = TokenBucket.full(Limits.tlsHandshakeRate, now)
  }

  /** A connection starts to wait for its ClientHello. Returns the connection evicted for it, which has left. */
  arrive(arrival: A): A | undefined {
    const ofIp = this.byIp.get(arrival.ip) ?? new Set()
    this.byIp.set(arrival.ip, ofIp.add(arrival))
    if (!arrival.isKnown) this.waiting.add(arrival)
    const [oldest] = ofIp
    const isCrowded = this.waiting.size > this.places
    const leaves = ofIp.size > Limits.tlsArrivalsPerIp ? oldest : isCrowded ? this.waiting.crowding : undefined
    if (leaves !== undefined) this.leave(leaves)
    return leaves
  }

  /** Its ClientHello is whole. True: its handshake starts now; false: it is in line. */
  spoken(arrival: A): boolean {
    if (arrival.isKnown) return true
    this.line.add(arrival)
    return false
  }

  /** The stranger whose handshake starts now, and the one evicted for it. `undefined`: none may start, see `waitMs`. */
  next(now: number): { readonly begins: A; readonly leaves: A | undefined } | undefined {
    const pace = TokenBucket.take(this.pace, Limits.tlsHandshakeRate, now)
    const begins = pace === undefined ? undefined : this.line.take()
    if (pace === undefined || begins === undefined) return undefined
    this.pace = pace
    this.waiting.delete(begins)
    const leaves = this.running.size >= Limits.tlsHandshakes ? this.running.crowding : undefined
    if (leaves !== undefined) this.leave(leaves)
    this.running.add(begins)
    return { begins, leaves }
  }

  /** ms until `next` returns one; `undefined` if none is in line. */
  waitMs(now: number): number | undefined {
    if (this.line.size === 0) return undefined
    const missing = 1 - TokenBucket.available(this.pace, Limits.tlsHandshakeRate, now)
    return Math.max(0, missing / Limits.tlsHandshakeRate.perSecond * 1_000)
  }

  /** A stranger's handshake took so much CPU time, ms. What exceeds the usual is paid for by those in line: they start later. */
  spent(ms: number, now: number): void {
    const extra = ms / Limits.tlsHandshakeCostMs - 1
    if (extra > 0) this.pace = TokenBucket.spend(this.pace, Limits.tlsHandshakeRate, now, extra)
  }

  /** Its handshake is done, or the connection is gone. */
  leave(arrival: A): void {
    const ofIp = this.byIp.get(arrival.ip)
    if (ofIp?.delete(arrival) === true && ofIp.size === 0) this.byIp.delete(arrival.ip)
    for (const groups of [this.waiting, this.line, this.running]) groups.delete(arrival)
  }
}
