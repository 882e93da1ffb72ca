/** Virtual time and virtual links of `MemoryNetwork`: what is due when, and how one direction between two IPs behaves. */
import { Duration } from "effect"
import type { Clock, Random } from "effect"
import * as Limits from "../../../domain/Limits.ts"
import type { PeerIp } from "../../../domain/peer/PeerIp.ts"
import type { AlarmClock } from "../../time/AlarmClock.ts"

/** How one direction between two IPs behaves. Applies to bytes written from then on. */
export interface LinkOptions {
  /** One-way delay of everything: bytes, and each step of a dial (a dial takes a round trip, the acceptor half one more). */
  readonly latency: Duration.Input
  /** Maximum extra delay, uniform per segment. Bytes of one connection keep their order. */
  readonly jitter: Duration.Input
  /** bytes/s, shared by all connections of this direction: a segment leaves after the one before it has left. */
  readonly bandwidth: number
  /** bytes. Largest chunk that arrives; a small value exposes framing errors. */
  readonly maxChunk: number
  /** bytes. A writer waits while more than this was written and not yet pulled by the reader: TCP's window. */
  readonly bufferBytes: number
}

export const perfect: LinkOptions = {
  latency: 0,
  jitter: 0,
  bandwidth: Number.POSITIVE_INFINITY,
  maxChunk: Limits.memoryChunkBytes,
  bufferBytes: Limits.memoryBufferBytes
}

/**
 * Runs callbacks at times of the network's clock, in whole milliseconds, in the order they were requested. One alarm per time, however many
 * callbacks wait for it; a network of many idle connections has none.
 */
export class Timers {
  private readonly clock: Clock.Clock
  private readonly alarms: AlarmClock
  private readonly moments = new Map<number, Array<() => void>>()

  constructor(clock: Clock.Clock, alarms: AlarmClock) {
    this.clock = clock
    this.alarms = alarms
  }

  get now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  /** Runs `f` at `ms`, or at once if that time has passed. */
  at(ms: number, f: () => void): void {
    const moment = Math.ceil(ms)
    const { now } = this
    if (moment <= now) return f()
    if (this.alarms.ring !== undefined) return this.alarms.ring(moment - now, f)
    const waiting = this.moments.get(moment)
    if (waiting !== undefined) {
      waiting.push(f)
      return
    }
    this.moments.set(moment, [f])
    this.wake(moment)
  }

  private wake(moment: number): void {
    this.alarms.alarm(moment - this.now, () => {
      if (moment > this.now) return this.wake(moment)
      const due = this.moments.get(moment) ?? []
      this.moments.delete(moment)
      for (const run of due) run()
    })
  }
}

/** One direction between two IPs. */
export class Link {
  readonly from: PeerIp
  readonly to: PeerIp
  private readonly timers: Timers
  private readonly random: Random.Random
  private latencyMs = 0
  private jitterMs = 0
  private bandwidth = perfect.bandwidth
  /** The link has been sending without a pause since `busyFrom`, `busyBytes` in all. A single division, so rounding errors do not add up. */
  private busyFrom = 0
  private busyBytes = 0
  private parked: Array<() => void> = []
  maxChunk = perfect.maxChunk
  bufferBytes = perfect.bufferBytes
  /** Nothing arrives while true. */
  cut = false

  constructor(from: PeerIp, to: PeerIp, timers: Timers, random: Random.Random) {
    this.from = from
    this.to = to
    this.timers = timers
    this.random = random
  }

  /** Returns the share of their remaining time that waiting segments now need: below 1 if the link became faster, else 1. */
  set(options: LinkOptions): number {
    let sooner = 1
    this.latencyMs = Duration.toMillis(options.latency)
    this.jitterMs = Duration.toMillis(options.jitter)
    if (options.bandwidth !== this.bandwidth) {
      const { now } = this.timers
      if (this.freeAt > now) sooner = Math.min(1, this.bandwidth / options.bandwidth)
      this.busyFrom = Math.min(this.freeAt, now + (this.freeAt - now) * sooner)
      this.busyBytes = 0
      this.bandwidth = options.bandwidth
    }
    this.maxChunk = options.maxChunk
    this.bufferBytes = options.bufferBytes
    return sooner
  }

  /** When `bytes` put on the link now will arrive, ms. Fractions are kept so that rounding does not add up. */
  arrival(bytes: number): number {
    if (this.bandwidth === Number.POSITIVE_INFINITY) return this.timers.now + this.delay()
    const { now } = this.timers
    if (this.freeAt < now) {
      this.busyFrom = now
      this.busyBytes = 0
    }
    this.busyBytes += bytes
    return this.freeAt + this.delay()
  }

  /** When everything put on the link so far will have left. */
  private get freeAt(): number {
    return this.busyFrom + this.busyBytes * 1000 / this.bandwidth
  }

  private delay(): number {
    return this.latencyMs + (this.jitterMs > 0 ? this.jitterMs * this.random.nextDoubleUnsafe() : 0)
  }

  /** Sends a packet without size (of a dial, or a reset): runs `f` on arrival, not before `notBefore`. Waits until a cut is healed. */
  deliver(f: () => void, notBefore = 0): void {
    this.timers.at(Math.max(notBefore, this.timers.now + this.delay()), () => {
      if (this.cut) this.parked.push(f)
      else f()
    })
  }

  /** Undoes a cut for packets; the pipes handle bytes. */
  release(): void {
    this.cut = false
    for (const f of this.parked.splice(0)) f()
  }
}
