/**
 * What one connection still has to write: control frames ahead of bulk, bounded, taken in coalesced batches.
 *
 * Offering never waits. A batch takes at most `Limits.undrainedBytes` of bulk (or one larger frame), so a control frame waits behind no more
 * than that.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Allocator, Encoded } from "../../domain/wire/Wire.ts"

/** One frame: whole, or split into header and payload so that a large payload is never copied. */
export type Frame = Uint8Array | readonly [head: Uint8Array, body: Uint8Array]

/** A wire's encoding of one message, as one frame. */
export const frameOf = ([head, body]: Encoded): Frame => body === undefined ? head : [head, body]

export const lengthOf = (frame: Frame): number =>
  frame instanceof Uint8Array ? frame.length : frame[0].length + frame[1].length

export type Chunks = [Uint8Array, ...Array<Uint8Array>]

/** A batch to write; every `onFlushed` is called once it has been handed to the operating system. */
export interface Batch {
  readonly chunks: Chunks
  readonly bytes: number
  readonly onFlushed: ReadonlyArray<() => void>
}

const nobody: Batch["onFlushed"] = []

/** A byte count shared by all outboxes of a node. */
export interface Total {
  outgoing: number
}

export class Outbox {
  private control: Array<Uint8Array> = []
  private bulk: Array<Frame> = []
  private bulkHead = 0
  private onFlushed: Array<() => void> = []
  private waiting: Array<{ readonly resume: () => void; readonly mark: number }> = []
  private controlBytes = 0
  private bulkBytes = 0
  private writingBytes = 0
  private readonly all: Total

  /** `all`: bytes in all outboxes of the node, this one included. */
  constructor(all: Total) {
    this.all = all
  }

  /** Bytes not yet handed to the operating system. */
  get queuedBytes(): number {
    return this.controlBytes + this.bulkBytes + this.writingBytes
  }

  /** False when the control queue would exceed its bound: the peer is not reading. */
  offerControl(frame: Uint8Array, onFlushed?: () => void): boolean {
    if (this.controlBytes + frame.length > Limits.outboxControlBytes) return false
    // Usually the only frame; an array that grows by push reserves room for many.
    if (this.control.length === 0) this.control = [frame]
    else this.control.push(frame)
    this.controlBytes += frame.length
    this.all.outgoing += frame.length
    if (onFlushed !== undefined) this.onFlushed.push(onFlushed)
    return true
  }

  /** False when the queue would exceed its bound: the peer is not reading. */
  offerBulk(frame: Frame): boolean {
    const length = lengthOf(frame)
    const own = this.queuedBytes + length
    if (own > Limits.outboxBytes) return false
    if (own > Limits.outboxFairBytes && this.all.outgoing + length > Limits.outboxesBytes) return false
    this.bulk.push(frame)
    this.bulkBytes += length
    this.all.outgoing += length
    return true
  }

  /** Whether a sender that can wait should: over `Limits.outboxHighBytes` is queued. */
  get high(): boolean {
    return this.queuedBytes > Limits.outboxHighBytes
  }

  /**
   * Calls `resume` once, when a write leaves at most `mark` bytes queued (by default the high mark), or the connection is gone. Returns a
   * function that withdraws the request.
   */
  whenLow(resume: () => void, mark: number = Limits.outboxHighBytes): () => void {
    const waiter = { resume, mark }
    this.waiting.push(waiter)
    return () => {
      this.waiting = this.waiting.filter((other) => other !== waiter)
    }
  }

  /** The next batch, or `undefined` when there is nothing to write. Call `wrote` when it has been written. */
  take(allocator: Allocator): Batch | undefined {
    if (this.control.length === 0 && this.bulkHead === this.bulk.length) return undefined
    const picked = this.control
    this.control = []
    let bytes = this.controlBytes
    this.controlBytes = 0
    let bulk = 0
    while (this.bulkHead < this.bulk.length) {
      const frame = this.bulk[this.bulkHead] as Frame
      const length = lengthOf(frame)
      if (bulk > 0 && bulk + length > Limits.undrainedBytes) break
      this.bulkHead += 1
      bulk += length
      if (frame instanceof Uint8Array) picked.push(frame)
      else picked.push(frame[0], frame[1])
    }
    if (this.bulkHead === this.bulk.length) {
      this.bulk = []
      this.bulkHead = 0
    } else if (this.bulkHead > 1_024) {
      this.bulk = this.bulk.slice(this.bulkHead)
      this.bulkHead = 0
    }
    this.bulkBytes -= bulk
    bytes += bulk
    const chunks = coalesce(picked, allocator)
    if (chunks === undefined) return undefined
    this.writingBytes = bytes
    const { onFlushed } = this
    if (onFlushed.length === 0) return { chunks, bytes, onFlushed: nobody }
    this.onFlushed = []
    return { chunks, bytes, onFlushed }
  }

  /** The batch taken last has been written. */
  wrote(batch: Batch): void {
    this.all.outgoing -= this.writingBytes
    this.writingBytes = 0
    for (const call of batch.onFlushed) call()
    if (this.waiting.length > 0) this.release(this.queuedBytes)
  }

  /** Drops everything queued and resumes the senders that wait. */
  clear(): void {
    this.control = []
    this.bulk = []
    this.bulkHead = 0
    this.onFlushed = []
    this.all.outgoing -= this.controlBytes + this.bulkBytes
    this.controlBytes = 0
    this.bulkBytes = 0
    this.release(0)
  }

  /** The connection is gone: nothing more is written. */
  end(): void {
    this.clear()
    this.all.outgoing -= this.writingBytes
    this.writingBytes = 0
  }

  private release(queuedBytes: number): void {
    const low = this.waiting.filter(({ mark }) => queuedBytes <= mark)
    if (low.length === 0) return
    this.waiting = this.waiting.filter(({ mark }) => queuedBytes > mark)
    for (const { resume } of low) resume()
  }
}

/** Joins runs of small frames into slabs; large frames are passed on unchanged. */
const coalesce = (frames: ReadonlyArray<Uint8Array>, allocator: Allocator): Chunks | undefined => {
  const [first] = frames
  if (first === undefined) return undefined
  if (frames.length === 1) return [first]
  const out: Array<Uint8Array> = []
  let from = 0
  while (from < frames.length) {
    let to = from
    let bytes = 0
    while (to < frames.length) {
      const length = (frames[to] as Uint8Array).length
      if (length >= Limits.smallFrameBytes || bytes + length > Limits.slabBytes) break
      bytes += length
      to += 1
    }
    if (to - from < 2) {
      out.push(frames[from] as Uint8Array)
      from += 1
      continue
    }
    const slab = allocator.allocate(bytes)
    let at = 0
    for (; from < to; from++) {
      const frame = frames[from] as Uint8Array
      slab.set(frame, at)
      at += frame.length
    }
    out.push(slab)
  }
  return out as Chunks
}
