/**
 * One direction of one connection of `MemoryNetwork`.
 *
 * Delivery is driven by the reader: a segment gets its due time when it is put on the link, and stays in its pipe until a pull takes it. No
 * fiber runs per connection or segment.
 */
import { Effect } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Socket } from "effect/socket"
import type { Link, Timers } from "./MemoryLink.ts"

type Batch = NonEmptyReadonlyArray<Uint8Array>
export type Resume<A> = (effect: Effect.Effect<A, Socket.SocketError>) => void

const isNonEmpty = (chunks: ReadonlyArray<Uint8Array>): chunks is Batch => chunks.length > 0

/** Like `Effect.callback`, but the fiber resumes through its own scheduler, not inside the fiber that resumes it. */
export const onTurn = <A>(
  register: (resume: Resume<A>) => () => void
): Effect.Effect<A, Socket.SocketError> =>
  Effect.withFiber((fiber) =>
    Effect.callback((resume) => {
      const cancel = register((effect) => fiber.currentDispatcher.scheduleTask(() => resume(effect), 0))
      return Effect.sync(cancel)
    })
  )

interface Segment {
  /** When it arrives, ms. */
  readonly due: number
  /** `undefined`: FIN. */
  readonly bytes: Uint8Array | undefined
}

export class Pipe {
  readonly link: Link
  private readonly timers: Timers
  /** In flight or arrived, not yet pulled. */
  private segments: Array<Segment> = []
  /** Written, but beyond the buffer. */
  private backlog: Array<Uint8Array> = []
  /** bytes in `segments`. */
  private unread = 0
  private lastDue = 0
  private fin: "no" | "wanted" | "sent" = "no"
  /** Segments that had arrived when the link was cut. */
  private arrivedAtCut = 0
  private wakeAt = Number.POSITIVE_INFINITY
  private writers: Array<Resume<void>> = []
  /** Called when a waiting reader may find data. */
  onArrival: () => void = () => {}
  /** Bytes until the connection breaks, and what breaks it. */
  private left = Number.POSITIVE_INFINITY
  private spent: () => void = () => {}
  /** Whether the reader is waiting: only then is an alarm needed. */
  awaited = false

  constructor(link: Link, timers: Timers) {
    this.link = link
    this.timers = timers
  }

  get ended(): boolean {
    return this.fin !== "no"
  }

  /** Whether written data, or FIN, has not been pulled yet. */
  get pending(): boolean {
    return this.segments.length > 0 || this.backlog.length > 0 || this.fin === "wanted"
  }

  /** When everything on the link will have arrived. */
  get quietAt(): number {
    return this.lastDue
  }

  /** Arrival of the first byte still in flight; `undefined` if none is. */
  get nextDue(): number | undefined {
    const next = this.segments[this.arrived()]
    return next?.bytes === undefined ? undefined : next.due
  }

  /** Whether unread bytes have arrived. */
  get hasUnread(): boolean {
    return this.arrived() > 0 && this.segments[0]?.bytes !== undefined
  }

  private arrived(): number {
    if (this.link.cut) return this.arrivedAtCut
    const { now } = this.timers
    let n = 0
    while ((this.segments[n]?.due ?? Number.POSITIVE_INFINITY) <= now) n++
    return n
  }

  /** Takes ownership of `bytes`; `admit` sends it. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    // Usually the only chunk; an array that grows by push reserves room for many.
    if (this.backlog.length === 0) this.backlog = [bytes]
    else this.backlog.push(bytes)
  }

  end(): void {
    if (this.fin === "no") this.fin = "wanted"
    this.admit()
  }

  /** Puts as much on the link as the buffer has room for. */
  admit(): void {
    if (this.backlog.length > 0 || this.fin === "wanted") this.send()
    if (this.writers.length > 0 && this.backlog.length === 0) this.release(Effect.void)
    this.arm()
  }

  private send(): void {
    const { link } = this
    let used = 0
    while (this.unread < link.bufferBytes) {
      const chunk = this.backlog[used]
      if (chunk === undefined) break
      const n = Math.min(chunk.length, link.maxChunk, link.bufferBytes - this.unread)
      if (n === chunk.length) used++
      else this.backlog[used] = chunk.subarray(n)
      this.lastDue = Math.max(this.lastDue, link.arrival(n))
      // A view of a short array costs more than the array: the engine has to move the array out of its heap.
      const segment = { due: this.lastDue, bytes: n === chunk.length ? chunk : chunk.subarray(0, n) }
      if (this.segments.length === 0) this.segments = [segment]
      else this.segments.push(segment)
      this.unread += n
    }
    // A new array: setting the length of one costs a call of the engine.
    if (used > 0) this.backlog = used === this.backlog.length ? [] : this.backlog.slice(used)
    if (this.backlog.length > 0 || this.fin !== "wanted") return
    this.fin = "sent"
    this.lastDue = Math.max(this.lastDue, link.arrival(0))
    this.segments.push({ due: this.lastDue, bytes: undefined })
  }

  /** Arranges that a waiting reader is woken when the next segment arrives. */
  arm(): void {
    const next = this.segments[0]
    if (!this.awaited || this.left === 0 || next === undefined) return
    if (this.arrived() > 0) return this.onArrival()
    if (this.link.cut || next.due >= this.wakeAt) return
    this.wakeAt = next.due
    this.timers.at(next.due, this.rings)
  }

  private readonly rings = (): void => {
    this.wakeAt = Number.POSITIVE_INFINITY
    this.arm()
  }

  /** Data that has arrived: chunks, then (alone) `"fin"`, which stays. */
  take(): Batch | "fin" | undefined {
    // The reset is next.
    if (this.left === 0) return undefined
    if (this.segments.length === 0) return undefined
    const n = this.arrived()
    if (n === 0) return undefined
    const out: Array<Uint8Array> = []
    for (let i = 0; i < n && this.left > 0; i++) {
      const bytes = this.segments[i]?.bytes
      if (bytes === undefined) break
      out.push(bytes.length > this.left ? bytes.subarray(0, this.left) : bytes)
      this.unread -= bytes.length
      this.left -= Math.min(this.left, bytes.length)
    }
    if (!isNonEmpty(out)) return "fin"
    if (this.left === 0) this.link.deliver(this.spent)
    this.segments = out.length === this.segments.length ? [] : this.segments.slice(out.length)
    this.arrivedAtCut = Math.max(0, this.arrivedAtCut - out.length)
    this.admit()
    return out
  }

  /** The link became faster: segments in flight need only `part` of their remaining time. */
  hurry(part: number): void {
    const { now } = this.timers
    const sooner = (due: number) => due > now ? now + (due - now) * part : due
    this.segments = this.segments.map(({ bytes, due }) => ({ bytes, due: sooner(due) }))
    this.lastDue = sooner(this.lastDue)
    this.arm()
  }

  /** Hands over `bytes` more, then breaks by calling `spent`. */
  spendAtMost(bytes: number, spent: () => void): void {
    this.left = Math.max(1, bytes)
    this.spent = spent
  }

  /** Call just before the link is cut. */
  freeze(): void {
    this.arrivedAtCut = this.arrived()
  }

  /** Loses everything that has not arrived. */
  loseUnderWay(): void {
    this.segments.length = this.arrived()
    this.backlog = []
    this.fin = "sent"
    this.unread = this.segments.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
  }

  /** Loses everything; neither end is notified. */
  forget(): void {
    this.segments = []
    this.backlog = []
    this.unread = 0
    this.arrivedAtCut = 0
  }

  /** Loses everything beyond the buffer. */
  forgetBacklog(): void {
    this.backlog = []
  }

  failWriters(error: Socket.SocketError): void {
    this.release(Effect.fail(error))
  }

  /** Waits until everything written is within the buffer. */
  get drained(): Effect.Effect<void, Socket.SocketError> {
    return this.backlog.length === 0 ? Effect.void : this.change
  }

  /** Waits until the pipe drains or its writers fail. */
  get change(): Effect.Effect<void, Socket.SocketError> {
    return onTurn((resume) => {
      this.writers.push(resume)
      return () => {
        this.writers = this.writers.filter((other) => other !== resume)
      }
    })
  }

  private release(outcome: Effect.Effect<void, Socket.SocketError>): void {
    if (this.writers.length === 0) return
    for (const resume of this.writers.splice(0)) resume(outcome)
  }
}
