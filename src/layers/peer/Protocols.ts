/**
 * What one of the node's own protocols hears of its peers: one listener, which hears of connections that were up before it came, and of what
 * they sent. Nothing is lost between Up and then: messages wait, and when `Limits.earlyMessages` or `Limits.earlyBytes` of a connection
 * do, it is not read further.
 */
import * as Limits from "../../domain/Limits.ts"
import type { PeerListener, PeerSession } from "../../services/PeerMessages.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"

/** Messages of one connection that came before anything listened. */
interface Early<M> {
  readonly messages: Array<M>
  /** What the connection had received when the first of them came. */
  readonly from: number
  isPaused: boolean
}

/** `M`: the protocol's messages. */
export class Protocol<M> {
  private listener: PeerListener<M> | undefined
  private readonly early = new Map<Up, Early<M>>()
  private readonly isExpected: boolean

  /** @param isExpected whether it will listen: else what comes for it is passed over */
  constructor(isExpected: boolean) {
    this.isExpected = isExpected
  }

  /** From now on; `ups`: the connections that are up. Gives the way to end it. */
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

/** Nonces and addresses of both Hellos. */
const sessionOf = ({ end, greeting }: Up): PeerSession => ({
  ownNonce: end.helloNonce,
  peerNonce: greeting.nonce,
  ownIp: greeting.namesUs
})

const originOf = ({ id, ip }: PeerEnd) => ({ ip, connection: id })
