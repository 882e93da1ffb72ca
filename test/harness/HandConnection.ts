/** Stands for a `PeerConnection` in tests of one part: it notes and decodes what it is given to send. */
import { assert } from "@effect/vitest"

import type * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { Message } from "../../src/domain/wire/Message.ts"
import { NativeWire } from "../../src/domain/wire/native/NativeWire.ts"
import { TimeFraming } from "../../src/domain/wire/time/TimeFraming.ts"
import type { TimeMessage } from "../../src/domain/wire/time/TimeMessage.ts"
import type { Decoded, Framing } from "../../src/domain/wire/Wire.ts"
import { plain, type Secured } from "../../src/services/PeerSocket.ts"

/** What was sent on a connection. */
export type Sent = Decoded | Decoded<TimeMessage>

const read = <M>(framing: Framing<M>, chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<Decoded<M>> => {
  const reader = framing.reader((bytes) => new Uint8Array(bytes))
  for (const chunk of chunks) reader.push(chunk.slice())
  const all: Array<Decoded<M>> = []
  for (;;) {
    const next = reader.read(framing.limits.up)
    if (next === "none") return all
    if (next === "malformed") assert.fail(reader.fault(framing.limits.up))
    if (next === "message") {
      all.push(reader.message())
      continue
    }
    const payloads: Array<Uint8Array> = []
    const { channel } = reader
    reader.payloads(framing.limits.up, payloads)
    for (const payload of payloads) all.push({ _tag: "Data", channel, payload } as Message as Decoded<M>)
  }
}

/** Stands for a `PeerConnection`. What it is given to send counts as written at once. */
export class HandConnection {
  readonly wire = NativeWire
  socketName: string
  ephemeralPort = 5_000
  local: PeerIp.PeerIp | undefined
  secured: Secured | undefined = plain
  bytesReceived = 0
  bytesSent = 0
  messagesReceived = 0
  messagesSent = 0
  active = true
  queuedBytes = 0
  high = false
  /** False: its outbox is full. */
  accepts = true
  writeWait = 0
  /** What is sent waits until `flush`. */
  isSlow = false
  holds = 0
  longFrames = false
  rested = 0
  /** How it was closed: the last messages, none if there was no last word. */
  closed: ReadonlyArray<Sent> | undefined
  framing: Framing<unknown> = NativeWire
  readonly charged: Array<unknown> = []
  private out: Array<Sent> = []
  private waiting: Array<() => void> = []

  constructor(socketName: string, local: PeerIp.PeerIp | undefined) {
    this.socketName = socketName
    this.local = local
  }

  get isPaused(): boolean {
    return this.holds > 0
  }
  pauseReading(): void {
    this.holds += 1
  }
  resumeReading(): void {
    this.holds -= 1
  }
  allowLongFrames(): void {
    this.longFrames = true
  }
  speak(framing: Framing<unknown>): void {
    this.framing = framing
  }
  rest(): void {
    this.rested += 1
  }
  writeWaitMs(): number {
    return this.writeWait
  }
  allocate(bytes: number): Uint8Array {
    return new Uint8Array(bytes)
  }
  whenLow(): () => void {
    return () => {}
  }
  private decode(chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<Sent> {
    return this.framing === TimeFraming ? read(TimeFraming, chunks) : read(NativeWire, chunks)
  }
  sendControl(frame: Uint8Array, onFlushed?: () => void): boolean {
    if (!this.active) return true
    if (!this.accepts) return false
    this.out.push(...this.decode([frame]))
    if (onFlushed !== undefined) this.waiting.push(onFlushed)
    if (!this.isSlow) this.flush()
    return true
  }
  sendBulk(frame: Uint8Array | readonly [Uint8Array, Uint8Array]): boolean {
    if (!this.active) return true
    if (!this.accepts) return false
    this.out.push(...this.decode(frame instanceof Uint8Array ? [frame] : frame))
    return true
  }
  flush(): void {
    for (const call of this.waiting.splice(0)) call()
  }
  close(reject: Uint8Array | undefined): boolean {
    if (!this.active) return false
    this.active = false
    this.closed = reject === undefined ? [] : this.decode([reject])
    return reject !== undefined
  }

  /** What was sent since the last call. */
  sent(): ReadonlyArray<Sent> {
    return this.out.splice(0)
  }
  /** The same as the names of the messages. */
  tags(): ReadonlyArray<string> {
    return this.sent().map(({ _tag }) => _tag)
  }
}
