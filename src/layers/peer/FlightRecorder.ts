/**
 * The last steps of every pair, as the pair machine took them; `timemesh trace` shows them. A step holds the machine's own immutable values,
 * so keeping it copies nothing. Messages themselves are not steps, so recording does not slow them.
 *
 * **Bounds**: `Limits.traceSteps` per pair, `Limits.traceBytes` in all. When full, pairs that never came up lose their steps first, the longest
 * quiet first. After them the longest trace loses its older half, until all are short. So neither a flood of addresses nor flapping pairs hide
 * what happened to a quiet peer.
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

/** What is kept of one pair. `earlier`: how many older steps were dropped. */
interface Ring {
  steps: Array<Kept>
  bytes: number
  earlier: number
}

export class FlightRecorder {
  /** Pairs that never came up, by their latest step, oldest first. */
  private readonly strangers = new Map<PeerIp, Ring>()
  /** Pairs that were up, in the same order. */
  private readonly peers = new Map<PeerIp, Ring>()
  private total = 0

  /** Estimated bytes, slightly above actual heap use. */
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
    // Copied to exact length: an array that grew keeps spare room for sixteen more.
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

/** Received bytes and pongs that answer nothing are frequent and change nothing. */
const isIdle = ({ actions, after, before, event }: Kept): boolean =>
  after === before && actions.length === 0 &&
  (event._tag === "PongReceived" || event._tag === "Heard" || event._tag === "Flushed")

/** Texts of an event vary in length; those of an end are counted with the end. */
const textBytes = (event: PairEvent): number => {
  const text = event._tag === "Closed" ? event.reason.detail : "detail" in event ? event.detail : undefined
  return text === undefined ? 0 : 2 * text.length
}

/** Estimated heap bytes. The state before this step is shared with the step before, so it is not counted. */
const stepBytes = (step: Kept): number =>
  Limits.traceStepBytes + Limits.traceActionBytes * step.actions.length +
  Limits.traceEndBytes * step.after.ends.length +
  textBytes(step.event)
