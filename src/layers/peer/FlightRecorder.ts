/**
 * The last steps of every pair, as the pair machine was asked for them; `timemesh trace` shows them. The machine is pure, so what it was asked
 * is enough: its answers are not kept but computed again when a trace is read. What it was asked are its own immutable values, so keeping them
 * copies nothing. Messages themselves are not steps, so recording does not slow them.
 *
 * **Bounds**: `Limits.traceSteps` per pair, `Limits.traceBytes` in all. When full, pairs that never came up lose their steps first, the longest
 * quiet first. After them the longest trace loses its older half, until all are short. So neither a flood of addresses nor flapping pairs hide
 * what happened to a quiet peer.
 */
import * as Limits from "../../domain/Limits.ts"
import type * as Pair from "../../domain/pair/Pair.ts"
import type { Draw, PairEvent, PairState } from "../../domain/pair/PairState.ts"
import * as PairTrace from "../../domain/pair/PairTrace.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"

/** One step as it was taken. `at`: monotonic ms. */
export type Kept = Omit<PairTrace.Step, "decisions">

/** What the machine was asked. `from`: the state before it, where that is not what the step before it left. */
interface Asked {
  readonly at: number
  readonly event: PairEvent
  readonly draw: Draw
  readonly from: PairState | undefined
}

/** What is kept of one pair. The first step has its `from`. */
interface Ring {
  asked: Array<Asked>
  /** The state that the last step left: the pair's own, for as long as the peer is known. */
  latest: PairState | undefined
  bytes: number
  /** How many older steps were dropped. */
  earlier: number
}

export class FlightRecorder {
  /** Pairs that never came up, by their latest step, oldest first. */
  private readonly strangers = new Map<PeerIp, Ring>()
  /** Pairs that were up, in the same order. */
  private readonly peers = new Map<PeerIp, Ring>()
  private total = 0
  private readonly step: Pair.Step

  /** `step`: the machine that took the steps. */
  constructor(step: Pair.Step) {
    this.step = step
  }

  /** Estimated bytes, slightly above actual heap use. */
  get bytes(): number {
    return this.total
  }

  get pairs(): number {
    return this.strangers.size + this.peers.size
  }

  /** Oldest first, with the decisions. `at`: monotonic ms. */
  of(ip: PeerIp): Pick<PairTrace.PairTrace, "earlier" | "steps"> | undefined {
    const ring = this.peers.get(ip) ?? this.strangers.get(ip)
    return ring === undefined ? undefined : { earlier: ring.earlier, steps: this.taken(ring.asked) }
  }

  /** A step that was just taken. */
  record(ip: PeerIp, step: Kept): void {
    if (isIdle(step)) return
    const { after, at, before, draw, event } = step
    const ring = this.ringOf(ip, step)
    const asked: Asked = { at, event, draw, from: before === ring.latest ? undefined : before }
    // Copied to exact length: an array that grew keeps spare room for sixteen more.
    if (ring.asked.length < Limits.traceLeastSteps) ring.asked = ring.asked.concat(asked)
    else ring.asked.push(asked)
    ring.latest = after
    this.grow(ring, bytesOf(asked))
    if (ring.asked.length > Limits.traceSteps) this.drop(ring, 1)
    while (this.total > Limits.traceBytes) this.makeRoom()
  }

  private taken(asked: ReadonlyArray<Asked>): ReadonlyArray<PairTrace.Step> {
    const steps: Array<PairTrace.Step> = []
    for (const { at, draw, event, from } of asked) {
      const before = from ?? steps.at(-1)?.after
      if (before === undefined) throw new Error("the first step of a trace has no state to begin from")
      steps.push({ at, before, event, draw, ...PairTrace.take(this.step, before, event, draw) })
    }
    return steps
  }

  /** The pair's ring, as the latest of its kind. */
  private ringOf(ip: PeerIp, { actions }: Kept): Ring {
    const [known, stranger] = [this.peers.get(ip), this.strangers.get(ip)]
    const ring = known ?? stranger ?? { asked: [], latest: undefined, bytes: 0, earlier: 0 }
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
    const first = ring.asked[count]
    const from = first?.from ?? this.taken(ring.asked.slice(0, count)).at(-1)?.after
    for (const asked of ring.asked.splice(0, count)) this.grow(ring, -bytesOf(asked))
    if (first !== undefined && first.from === undefined) ring.asked[0] = { ...first, from }
    ring.earlier += count
  }

  private makeRoom(): void {
    if (this.forgetFirst(this.strangers)) return
    let longest: Ring | undefined
    for (const ring of this.peers.values()) {
      if (longest === undefined || ring.bytes > longest.bytes) longest = ring
    }
    if (longest !== undefined && longest.asked.length > Limits.traceLeastSteps) {
      this.drop(longest, Math.ceil(longest.asked.length / 2))
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

/** Estimated heap bytes: the texts of an event vary in length. */
const bytesOf = ({ event }: Asked): number => {
  const text = event._tag === "Closed" ? event.reason.detail : "detail" in event ? event.detail : undefined
  return Limits.traceStepBytes + (text === undefined ? 0 : 2 * text.length)
}
