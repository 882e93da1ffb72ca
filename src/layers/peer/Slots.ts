/**
 * Counts and numbers the node's ends, peers up, open dials, sockets without a Hello, and running programs. Only this class writes
 * these sets.
 */
import { Deferred, Effect } from "effect"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerEnd } from "./PeerEnd.ts"

export class Slots {
  private readonly endId: (n: number) => number
  private ends = 1
  private ups = 0
  private upOrder = 0
  /** Peers that have a place: up, or on the way there since their Hello was accepted. `true`: by a dial of ours. */
  private readonly places = new Map<PeerIp, boolean>()
  private chosen = 0
  private readonly dialNonces = new Set<bigint>()
  private readonly unidentified = new Set<PeerEnd>()
  private readonly running = new Set<PeerEnd>()
  private readonly allEnded = Deferred.makeUnsafe<void>()
  /** The node is stopping: nothing new begins. */
  private isClosed = false

  /** @param endId the id of the n-th end */
  constructor(endId: (n: number) => number) {
    this.endId = endId
  }

  // --- ids ------------------------------------------------------------------------

  /** The id of the next end: greater than all before, and the same until `tookId`. */
  get nextId(): number {
    return this.endId(this.ends)
  }

  /** The end with id `nextId` now exists. */
  tookId(): void {
    this.ends += 1
  }

  // --- places ---------------------------------------------------------------------

  /** Peers that have a place. Compare this with `maxPeers`: a place is taken in the same turn that finds it free. */
  get placesTaken(): number {
    return this.places.size
  }

  /** The peers that have a place, including every peer that is up. */
  get placed(): Iterable<PeerIp> {
    return this.places.keys()
  }

  hasPlace(ip: PeerIp): boolean {
    return this.places.has(ip)
  }

  /** Places taken by peers that this node dialled and the operator did not configure. */
  get chosenPlaces(): number {
    return this.chosen
  }

  /**
   * `isChosen`: by our dial to a peer that the operator did not configure. Called again when the peer comes up, on whichever end. A chosen peer
   * stays chosen, because it may answer our dial with one of its own.
   */
  takePlace(ip: PeerIp, isChosen: boolean): void {
    const before = this.places.get(ip) ?? false
    if (isChosen && !before) this.chosen += 1
    this.places.set(ip, isChosen || before)
  }

  /** The peer has no end left that is up or on the way there. */
  givePlaceBack(ip: PeerIp): void {
    this.chosen -= Number(this.places.get(ip) ?? false)
    this.places.delete(ip)
  }

  // --- peers up -------------------------------------------------------------------

  get upCount(): number {
    return this.ups
  }

  /** The number of the last Up; 0: none yet. */
  get lastUp(): number {
    return this.upOrder
  }

  /**
   * A connection comes up: returns its number in the order of all Ups. `undefined`: it must not come up, because its peer has no place or
   * `most` are up. Every Up needs this number, so no error in counting places can let more peers up.
   */
  wentUp(ip: PeerIp, most: number): number | undefined {
    if (!this.places.has(ip) || this.ups >= most) return undefined
    this.ups += 1
    return ++this.upOrder
  }

  wentDown(): void {
    this.ups -= 1
  }

  // --- sockets --------------------------------------------------------------------

  /** A dial was created, with this nonce in its Hello. */
  dialled({ helloNonce }: PeerEnd): void {
    this.dialNonces.add(helloNonce)
  }

  /**
   * Whether a Hello with this nonce is our own, on a dial that has not ended. Either Hello may be read first, so dials that are up
   * count too.
   */
  isOwnNonce(nonce: bigint): boolean {
    return this.dialNonces.has(nonce)
  }

  /** A socket was accepted; its peer has not sent a Hello yet. */
  accepted(end: PeerEnd): void {
    this.unidentified.add(end)
  }

  /** The end's peer sent its Hello. */
  identified(end: PeerEnd): void {
    this.unidentified.delete(end)
  }

  get unidentifiedCount(): number {
    return this.unidentified.size
  }

  /** The unidentified end to close first: the oldest of a stranger, else the oldest. */
  get firstToLeave(): PeerEnd | undefined {
    for (const end of this.unidentified) if (!end.isKnown) return end
    const [oldest] = this.unidentified
    return oldest
  }

  /** The pair has dropped the end; its socket may still be closing. */
  released(end: PeerEnd): void {
    this.dialNonces.delete(end.helloNonce)
    this.unidentified.delete(end)
  }

  // --- programs -------------------------------------------------------------------

  /** The end's socket is open; its program runs until `ended`, including closing. */
  opened(end: PeerEnd): void {
    this.running.add(end)
  }

  ended(end: PeerEnd): void {
    this.running.delete(end)
    if (this.isClosed && this.running.size === 0) Deferred.doneUnsafe(this.allEnded, Effect.void)
  }

  /** Dialled ends whose socket is open. */
  *openDials(): Iterable<PeerEnd> {
    for (const end of this.running) if (end.direction === "outbound") yield end
  }

  get closed(): boolean {
    return this.isClosed
  }

  /** Nothing new begins after this. */
  close(): void {
    this.isClosed = true
  }

  /** Waits until no program is running. Call it after `close`. */
  get drained(): Effect.Effect<void> {
    return Effect.suspend(() => this.running.size === 0 ? Effect.void : Deferred.await(this.allEnded))
  }
}
