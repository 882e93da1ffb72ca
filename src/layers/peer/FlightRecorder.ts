/**
 * The last steps of every pair, as the pair machine took them: what `timemesh trace` shows. A step holds the machine's own immutable values, so
 * keeping one copies nothing. Messages are no steps: the recorder costs their way nothing.
 *
 * **Bounds**: `Limits.traceSteps` per pair, `Limits.traceBytes` in all. When all is full, the pairs that never came up lose their steps first, the
 * one that was quiet for longest before the others; after them the longest trace loses its older half, until all are short. So neither a flood of
 * addresses nor pairs that flap hide what happened to a quiet peer.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Draw, PairAction, PairEvent, PairState } from "../../domain/pair/PairState.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"

/** One step. `at`: monotonic ms. */
export interface Kept {
  readonly at: number
  readonly before: PairState
  readonly event: PairEvent
  readonly draw: Draw
  readonly actions: ReadonlyArray<PairAction>
  readonly after: PairState
}

/** What is kept of one pair. `earlier`: steps before that are not kept any more. */
interface Ring {
  steps: Array<Kept>
  bytes: number
  earlier: number
}

export class FlightRecorder {
  /** By the time of the latest step, the oldest first. */
  private readonly strangers = new Map<PeerIp, Ring>()
  /** Pairs that were up, in the same order. */
  private readonly peers = new Map<PeerIp, Ring>()
  private total = 0

  /** bytes. An estimate, a little above what the heap says. */
  get bytes(): number {
    return this.total
  }

  get pairs(): number {
    return this.strangers.size + this.peers.size
  }

  /** Oldest first. */
  of(ip: PeerIp): { readonly earlier: number; readonly steps: ReadonlyArray<Kept> } | undefined {
    return this.peers.get(ip) ?? this.strangers.get(ip)
  }

  record(ip: PeerIp, step: Kept): void {
    if (isIdle(step)) return
    const ring = this.ringOf(ip, step)
    // Copied to their length: a list that grew has room for sixteen more, for as long as it is kept.
    const kept = { ...step, actions: step.actions.slice() }
    if (ring.steps.length < Limits.traceLeastSteps) ring.steps = ring.steps.concat(kept)
    else ring.steps.push(kept)
    this.grow(ring, stepBytes(step))
    if (ring.steps.length > Limits.traceSteps) this.drop(ring, 1)
    while (this.total > Limits.traceBytes) this.makeRoom()
  }

  /** The pair's ring, as the latest of its kind. */
  private ringOf(ip: PeerIp, { actions }: Kept): Ring {
    const [known, stranger] = [this.peers.get(ip), this.strangers.get(ip)]
    const ring = known ?? stranger ?? { steps: [], bytes: 0, earlier: 0 }
    if (ring.bytes === 0) this.grow(ring, Limits.traceRingBytes)
    this.peers.delete(ip)
    this.strangers.delete(ip)
    const wasUp = known !== undefined || actions.some((action) => action._tag === "Up")
    ;(wasUp ? this.peers : this.strangers).set(ip, ring)
    return ring
  }

  private grow(ring: Ring, bytes: number): void {
    ring.bytes += bytes
    this.total += bytes
  }

  private drop(ring: Ring, count: number): void {
    for (const step of ring.steps.splice(0, count)) this.grow(ring, -stepBytes(step))
    ring.earlier += count
  }

  private makeRoom(): void {
    if (this.forgetFirst(this.strangers)) return
    let longest: Ring | undefined
    for (const ring of this.peers.values()) {
      if (longest === undefined || ring.bytes > longest.bytes) longest = ring
    }
    if (longest !== undefined && longest.steps.length > Limits.traceLeastSteps) {
      this.drop(longest, Math.ceil(longest.steps.length / 2))
    } else {
      this.forgetFirst(this.peers)
    }
  }

  private forgetFirst(rings: Map<PeerIp, Ring>): boolean {
    for (const [ip, ring] of rings) {
      rings.delete(ip)
      this.total -= ring.bytes
      return true
    }
    return false
  }
}

/** Bytes and pongs that answer nothing come all the time, and change nothing. */
const isIdle = ({ actions, after, before, event }: Kept): boolean =>
  after === before && actions.length === 0 &&
  (event._tag === "PongReceived" || event._tag === "Heard" || event._tag === "Flushed")

/** Texts of an event have their own length; those of an end are counted with it. */
const textBytes = (event: PairEvent): number => {
  const text = event._tag === "Closed" ? event.reason.detail : "detail" in event ? event.detail : undefined
  return text === undefined ? 0 : 2 * text.length
}

/** bytes. Of the heap: the state before it is the state after the step before. */
const stepBytes = (step: Kept): number =>
  Limits.traceStepBytes + Limits.traceActionBytes * step.actions.length +
  Limits.traceEndBytes * step.after.ends.length +
  textBytes(step.event)
