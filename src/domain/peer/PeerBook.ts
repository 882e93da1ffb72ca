/**
 * The addresses that a node knows, connected or not: bounded, kept across restarts, and hard to fill with lies. After Bitcoin Core's
 * address manager.
 *
 * **Tables.** An address is in one of two: *tried* if it has shaken hands with this node, *new* if it is known by gossip only. A keyed hash
 * determines its slot (`BookPlaces`). A new address whose slot is taken is added only if the holder is terrible (`KnownAddress`). An
 * address that has shaken hands and finds its tried slot taken waits until the holder is tested: a holder that still answers stays.
 *
 * **Identity.** By IP: the same node at another port is the same entry. A port that worked is not replaced by gossip.
 *
 * **Shapes.** Mutable, synchronous, without a clock or randomness of its own: `now` is wall time in ms, `draw` uniform in [0, 1).
 * **Bounds.** The slots: `Limits.bookNewBuckets` and `bookTriedBuckets` of `bookBucketSlots`.
 */
import * as Limits from "../Limits.ts"
import * as BookPlaces from "./BookPlaces.ts"
import { BookTable, type Held } from "./BookTable.ts"
import * as KnownAddress from "./KnownAddress.ts"
import type { Changes, Placed, Table } from "./KnownAddress.ts"
import type { PeerAddress } from "./PeerAddress.ts"
import * as PeerIp from "./PeerIp.ts"
import type { Direction, WireName } from "./PeerRecord.ts"
import type * as SipHash from "./SipHash.ts"

/** The result of adding a learned address. `no-room`: a better address holds its slot. */
export type Added = "added" | "known" | "no-room" | "refused"

/** What a handshake shows about an address. */
export interface Handshaken {
  readonly port: number
  readonly wire: WireName
  /** Which end dialled. */
  readonly direction: Direction
}

export class PeerBook {
  private readonly key: SipHash.Key
  private readonly byIp = new Map<PeerIp.PeerIp, Held>()
  private readonly tables = { new: new BookTable(), tried: new BookTable() }
  /** New addresses that have shaken hands and whose tried slot is taken, with the time since when. */
  private readonly waiting = new Map<Held, number>()
  private readonly touched = new Set<PeerIp.PeerIp>()
  /** Buckets of the latest source. */
  private buckets: BookPlaces.SourceBuckets | undefined

  /** @param key secret of this node, constant for the life of the book */
  constructor(key: SipHash.Key) {
    this.key = key
  }

  /** Position of the address's netgroup in a secret order that only this node knows. */
  groupOrder(ip: PeerIp.PeerIp): number {
    return BookPlaces.groupOrder(this.key, ip)
  }

  get size(): number {
    return this.byIp.size
  }

  sizeOf(table: Table): number {
    return this.tables[table].size
  }

  get(ip: PeerIp.PeerIp): KnownAddress.KnownAddress | undefined {
    return this.byIp.get(ip)?.known
  }

  tableOf(ip: PeerIp.PeerIp): Table | undefined {
    return this.byIp.get(ip)?.table
  }

  *entries(): Iterable<Placed> {
    for (const held of this.byIp.values()) yield held
  }

  // --- what comes in ----------------------------------------------------------------

  /** A peer gossiped an address. `operator`: it is from the operator's own list, whose addresses are not bound to the buckets of one source. */
  add(address: PeerAddress, source: BookPlaces.Source | "operator", now: number): Added {
    const { ip, port } = address
    if (port < 1 || port > 65_535 || PeerIp.classOf(ip) === "special") return "refused"
    const held = this.byIp.get(ip)
    if (held !== undefined) {
      const { known } = held
      if (now - known.seenAt >= Limits.bookSeenEveryMs) this.set(held, { ...known, seenAt: now })
      return "known"
    }
    const known = KnownAddress.make(address, now)
    if (source !== "operator") {
      if (this.buckets?.source !== source) this.buckets = new BookPlaces.SourceBuckets(this.key, source)
      return this.putNew(known, this.buckets.of(ip), now) ? "added" : "no-room"
    }
    for (let i = 0; i < Limits.bookOperatorPlaces; i++) {
      if (this.putNew(known, BookPlaces.operatorBucket(this.key, ip, i), now)) return "added"
    }
    return "no-room"
  }

  /** Replaces the address's port, as the operator says. */
  setPort(ip: PeerIp.PeerIp, port: number): void {
    const held = this.byIp.get(ip)
    if (held !== undefined && held.known.port !== port) this.set(held, { ...held.known, port })
  }

  /** A dial to it starts. */
  dialled(ip: PeerIp.PeerIp, now: number): void {
    const held = this.byIp.get(ip)
    if (held !== undefined) this.set(held, { ...held.known, dialledAt: now })
  }

  /** A dial to it failed, and that is not this node's own fault. */
  failed(ip: PeerIp.PeerIp): void {
    const held = this.byIp.get(ip)
    if (held !== undefined) this.set(held, { ...held.known, failures: held.known.failures + 1 })
  }

  /** It has shaken hands. It moves to the tried table, or waits for a test of its slot's holder. */
  good(ip: PeerIp.PeerIp, { direction, port, wire }: Handshaken, now: number): void {
    const known: KnownAddress.KnownAddress = {
      ip,
      port,
      wire,
      direction,
      seenAt: now,
      dialledAt: direction === "outbound" ? now : this.get(ip)?.dialledAt ?? 0,
      goodAt: now,
      failures: 0
    }
    const held = this.byIp.get(ip)
    if (held !== undefined) this.set(held, known)
    if (held?.table === "tried") return
    const holder = this.holderFor(ip)
    if (holder === undefined || KnownAddress.isTerrible(holder.known, now)) return this.moveToTried(known)
    const newcomer = held ?? this.putOwn(known)
    if (this.waiting.size < Limits.bookTests && !this.waiting.has(newcomer)) this.waiting.set(newcomer, now)
  }

  /** It is not a peer: it is this node's own address, or banned. */
  remove(ip: PeerIp.PeerIp): void {
    const held = this.byIp.get(ip)
    if (held !== undefined) this.drop(held)
  }

  // --- test before evict --------------------------------------------------------------

  /** The next address due for a test: the holder of a tried slot that a newcomer wants. Dial it, then call `settleTests`. */
  toTest(now: number): KnownAddress.KnownAddress | undefined {
    for (const { known } of this.waiting.keys()) {
      const holder = this.holderFor(known.ip)
      if (holder !== undefined && !KnownAddress.isJustDialled(holder.known, now)) return holder.known
    }
    return undefined
  }

  /** Gives slots whose holder did not answer to the addresses waiting for them. */
  settleTests(now: number): void {
    for (const [newcomer, since] of this.waiting) {
      const holder = this.holderFor(newcomer.known.ip)
      if (holder !== undefined && now - holder.known.goodAt < Limits.bookTestGoodMs && holder.known.failures === 0) {
        this.waiting.delete(newcomer)
        continue
      }
      const wasTested = holder === undefined ||
        (holder.known.dialledAt >= since && holder.known.failures > 0 &&
          now - holder.known.dialledAt > Limits.bookJustTriedMs)
      if (wasTested || now - since >= Limits.bookTestMs) this.moveToTried(newcomer.known)
    }
  }

  private holderFor(ip: PeerIp.PeerIp): Held | undefined {
    const { bucket, slot } = BookPlaces.triedPlace(this.key, ip)
    return this.tables.tried.at(bucket, slot)
  }

  // --- what goes out ------------------------------------------------------------------

  /**
   * An address to dial: from either table with equal probability, or from the given one. Addresses that failed, or were just dialled, are
   * picked less often.
   */
  pick(now: number, draw: () => number, from?: Table): KnownAddress.KnownAddress | undefined {
    const { new: fresh, tried } = this.tables
    const table = from === undefined
      ? tried.size === 0 ? fresh : fresh.size === 0 || draw() < 0.5 ? tried : fresh
      : this.tables[from]
    // The factor grows until even the least likely address is accepted: at most 45 draws.
    for (let factor = 1;; factor *= 1.2) {
      const held = table.draw(draw)
      if (held === undefined) return undefined
      if (draw() < factor * KnownAddress.chance(held.known, now)) return held.known
    }
  }

  /** The tried addresses, latest handshake first, at most `count`. */
  lastGood(count: number): ReadonlyArray<KnownAddress.KnownAddress> {
    const tried: Array<KnownAddress.KnownAddress> = []
    for (const { known, table } of this.byIp.values()) if (table === "tried") tried.push(known)
    return tried.toSorted((a, b) => b.goodAt - a.goodAt || PeerIp.compare(a.ip, b.ip)).slice(0, count)
  }

  /** Addresses to share with peers: a random part of the tried ones worth sharing. */
  sample(now: number, draw: () => number): ReadonlyArray<KnownAddress.KnownAddress> {
    const worth: Array<KnownAddress.KnownAddress> = []
    for (const { known, table } of this.byIp.values()) {
      if (table === "tried" && !KnownAddress.isTerrible(known, now)) worth.push(known)
    }
    const count = Math.min(Math.max(Math.ceil(worth.length * Limits.toldShare), Limits.toldLeast), worth.length)
    for (let i = 0; i < count; i++) {
      const j = i + Math.floor(draw() * (worth.length - i))
      const [a, b] = [worth[i], worth[j]]
      if (a === undefined || b === undefined) break
      worth[i] = b
      worth[j] = a
    }
    return worth.slice(0, count)
  }

  // --- storage ------------------------------------------------------------------------

  /** Addresses that changed since `takeChanges`. */
  get unsaved(): number {
    return this.touched.size
  }

  /** Changes to store since the last call. */
  takeChanges(): Changes {
    const changed: Array<Placed> = []
    const removed: Array<PeerIp.PeerIp> = []
    for (const ip of this.touched) {
      const held = this.byIp.get(ip)
      if (held === undefined) removed.push(ip)
      else changed.push({ known: held.known, table: held.table, bucket: held.bucket })
    }
    this.touched.clear()
    return { changed, removed }
  }

  /** Those changes could not be stored: the next `takeChanges` includes them. */
  giveBack({ changed, removed }: Changes): void {
    for (const { known } of changed) this.touched.add(known.ip)
    for (const ip of removed) this.touched.add(ip)
  }

  /**
   * Restores stored addresses to their slots, tried ones first. An address whose slot is taken, for example because the key differs,
   * becomes new again.
   */
  restore(placed: Iterable<Placed>, now: number): void {
    const later: Array<Placed> = []
    for (const entry of placed) {
      const known = KnownAddress.upTo(entry.known, now)
      if (entry.table === "new" || this.byIp.has(known.ip)) {
        later.push(entry)
        continue
      }
      const place = BookPlaces.triedPlace(this.key, known.ip)
      if (this.tables.tried.at(place.bucket, place.slot) === undefined) this.put({ known, table: "tried", ...place })
      else later.push({ ...entry, bucket: BookPlaces.newBucket(this.key, known.ip, known.ip) })
    }
    this.touched.clear()
    for (const { bucket, known, table } of later) {
      if (this.byIp.has(known.ip)) continue
      this.putNew(KnownAddress.upTo(known, now), bucket % Limits.bookNewBuckets, now)
      // It is already stored in this form.
      if (table === "new" && this.byIp.has(known.ip)) this.touched.delete(known.ip)
      else this.touched.add(known.ip)
    }
  }

  // --- places -------------------------------------------------------------------------

  private set(held: Held, known: KnownAddress.KnownAddress): void {
    held.known = known
    this.touched.add(known.ip)
  }

  private put(held: Held): void {
    this.tables[held.table].put(held)
    this.byIp.set(held.known.ip, held)
    this.touched.add(held.known.ip)
  }

  private drop(held: Held): void {
    this.tables[held.table].remove(held)
    this.byIp.delete(held.known.ip)
    this.waiting.delete(held)
    this.touched.add(held.known.ip)
  }

  /** False if the slot's holder deserves it. */
  private putNew(known: KnownAddress.KnownAddress, bucket: number, now: number): boolean {
    const slot = BookPlaces.slotOf(this.key, "new", bucket, known.ip)
    const holder = this.tables.new.at(bucket, slot)
    if (holder !== undefined) {
      if (!KnownAddress.isTerrible(holder.known, now)) return false
      this.drop(holder)
    }
    this.put({ known, table: "new", bucket, slot })
    return true
  }

  /** Puts it into the new slot that its own gossip of itself would give it, whatever holds that. */
  private putOwn(known: KnownAddress.KnownAddress): Held {
    const bucket = BookPlaces.newBucket(this.key, known.ip, known.ip)
    const slot = BookPlaces.slotOf(this.key, "new", bucket, known.ip)
    const holder = this.tables.new.at(bucket, slot)
    if (holder !== undefined) this.drop(holder)
    const held: Held = { known, table: "new", bucket, slot }
    this.put(held)
    return held
  }

  /** The slot's holder, if any, becomes a new address again. */
  private moveToTried(known: KnownAddress.KnownAddress): void {
    const before = this.byIp.get(known.ip)
    if (before !== undefined) this.drop(before)
    const place = BookPlaces.triedPlace(this.key, known.ip)
    const holder = this.tables.tried.at(place.bucket, place.slot)
    if (holder !== undefined) {
      this.drop(holder)
      this.putOwn(holder.known)
    }
    this.put({ known, table: "tried", ...place })
  }
}
