/**
 * Delivers one of the node's own protocols to its one listener, including connections that were up, and messages that arrived, before it
 * listened. Until then messages wait; a connection with `Limits.earlyMessages` or `Limits.earlyBytes` waiting is not read further.
 * do, it is not read further.
 */
import * as Limits from "../../domain/Limits.ts"
import type { PeerListener, PeerSession } from "../../services/PeerMessages.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"

/** Messages of one connection that arrived before there was a listener. */
interface Early<M> {
  readonly messages: Array<M>
  /** `bytesReceived` of the connection when the first of them arrived. */
  readonly from: number
  isPaused: boolean
}

/** `M`: the protocol's messages. */
export class Protocol<M> {
  private listener: PeerListener<M> | undefined
  private readonly early = new Map<Up, Early<M>>()
  private readonly isExpected: boolean

  /** @param isExpected whether a listener will come; otherwise its messages are dropped */
  constructor(isExpected: boolean) {
    this.isExpected = isExpected
  }

  /** Sets the listener and catches it up; `ups`: the connections that are up. Returns a function that removes it. */
  listen(listener: PeerListener<M>, ups: Iterable<Up>): () => void {
    for (const up of ups) {
      listener.onUp(originOf(up.end), up.greeting.tip, up.greeting.capabilities, sessionOf(up))
      const early = this.early.get(up)
      if (early === undefined) continue
      this.early.delete(up)
      for (const message of early.messages) if (up.end.up === up) listener.onMessage(originOf(up.end), message)
      if (early.isPaused) up.connection.resumeReading()
    }
    this.listener = listener
    return () => {
      if (this.listener === listener) this.listener = undefined
    }
  }

  onUp(up: Up): void {
    this.listener?.onUp(originOf(up.end), up.greeting.tip, up.greeting.capabilities, sessionOf(up))
  }

  onDown(up: Up): void {
    this.early.delete(up)
    this.listener?.onDown(originOf(up.end))
  }

  onMessage(up: Up, message: M): void {
    if (this.listener !== undefined) return this.listener.onMessage(originOf(up.end), message)
    if (!this.isExpected) return
    const early = this.early.get(up) ?? { messages: [], from: up.connection.bytesReceived, isPaused: false }
    this.early.set(up, early)
    early.messages.push(message)
    const isFull = early.messages.length >= Limits.earlyMessages ||
      up.connection.bytesReceived - early.from >= Limits.earlyBytes
    if (!isFull || early.isPaused) return
    early.isPaused = true
    up.connection.pauseReading()
  }

  onProgress(up: Up): void {
    this.listener?.onProgress(originOf(up.end))
  }
}

/** Nonces of both Hellos, and our address by the peer's. */
const sessionOf = ({ end, greeting }: Up): PeerSession => ({
  ownNonce: end.helloNonce,
  peerNonce: greeting.nonce,
  ownIp: greeting.namesUs
})

const originOf = ({ id, ip }: PeerEnd) => ({ ip, connection: id })
