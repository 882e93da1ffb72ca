/**
 * What a node counts and numbers: ends, peers up, open dials, sockets whose peer has not said Hello, programs that run. The only writer
 * of these sets.
 */
import { Deferred, Effect } from "effect"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerEnd } from "./PeerEnd.ts"

export class Slots {
  private readonly endId: (n: number) => number
  private ends = 1
  private ups = 0
  private upOrder = 0
  /** Peers that have a place: up, or on the way there since their Hello passed its checks. `true`: by a dial of ours. */
  private readonly places = new Map<PeerIp, boolean>()
  private chosen = 0
  private readonly dialNonces = new Set<bigint>()
  private readonly unidentified = new Set<PeerEnd>()
  private readonly running = new Set<PeerEnd>()
  private readonly allEnded = Deferred.makeUnsafe<void>()
  /** The node stops: nothing new begins. */
  private isClosed = false

  /** @param endId the id of the n-th end */
  constructor(endId: (n: number) => number) {
    this.endId = endId
  }

  // --- ids ------------------------------------------------------------------------

  /** The id of the next end. Greater than all before, and the same until `tookId`. */
  get nextId(): number {
    return this.endId(this.ends)
  }

  /** The end with `nextId` exists. */
  tookId(): void {
    this.ends += 1
  }

  // --- places ---------------------------------------------------------------------

  /** Peers that have a place. Whoever counts peers against `maxPeers` counts these: a place is taken in the turn that finds it free. */
  get placesTaken(): number {
    return this.places.size
  }

  /** Who has a place: every peer that is up is among them. */
  get placed(): Iterable<PeerIp> {
    return this.places.keys()
  }

  hasPlace(ip: PeerIp): boolean {
    return this.places.has(ip)
  }

  /** Of the places taken, those of peers that this node dialled and the operator did not name. */
  get chosenPlaces(): number {
    return this.chosen
  }

  /**
   * `isChosen`: by a dial of ours to a peer that the operator did not name. Called again when it comes up, by whichever end that is: a peer that
   * was chosen remains so, for it may answer our dial with one of its own.
   */
  takePlace(ip: PeerIp, isChosen: boolean): void {
    const before = this.places.get(ip) ?? false
    if (isChosen && !before) this.chosen += 1
    this.places.set(ip, isChosen || before)
  }

  /** The peer has no end any more that is up or on the way there. */
  givePlaceBack(ip: PeerIp): void {
    this.chosen -= Number(this.places.get(ip) ?? false)
    this.places.delete(ip)
  }

  // --- peers up -------------------------------------------------------------------

  get upCount(): number {
    return this.ups
  }

  /**
   * A connection comes up: its number in the order of all Ups, which nothing that is up can do without. `undefined`: it must not come up,
   * for its peer has no place, or `most` are up. So no error in counting places ever lets more peers up.
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

  /** A dial begins to exist, with this nonce in its Hello. */
  dialled({ helloNonce }: PeerEnd): void {
    this.dialNonces.add(helloNonce)
  }

  /**
   * Whether a Hello with this nonce is our own, on a dial that has not ended. Which of the two Hellos is read first is random, so dials
   * that are up count.
   */
  isOwnNonce(nonce: bigint): boolean {
    return this.dialNonces.has(nonce)
  }

  /** A socket was accepted; its peer has not said Hello. */
  accepted(end: PeerEnd): void {
    this.unidentified.add(end)
  }

  /** The end's peer said Hello. */
  identified(end: PeerEnd): void {
    this.unidentified.delete(end)
  }

  get unidentifiedCount(): number {
    return this.unidentified.size
  }

  /** The unidentified end that goes first: the oldest of a stranger, else the oldest. */
  get firstToLeave(): PeerEnd | undefined {
    for (const end of this.unidentified) if (!end.isKnown) return end
    const [oldest] = this.unidentified
    return oldest
  }

  /** The end is closed to the pair; its socket may still be closing. */
  released(end: PeerEnd): void {
    this.dialNonces.delete(end.helloNonce)
    this.unidentified.delete(end)
  }

  // --- programs -------------------------------------------------------------------

  /** The end's socket is open, and its program runs until `ended`, closing included. */
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

  /** Nothing new begins from now on. */
  close(): void {
    this.isClosed = true
  }

  /** Waits until no program runs any more. Call it after `close`. */
  get drained(): Effect.Effect<void> {
    return Effect.suspend(() => this.running.size === 0 ? Effect.void : Deferred.await(this.allEnded))
  }
}
