/**
 * Holds and delivers application messages, channel by channel: the receivers, messages that arrived before one, and failures by peer.
 *
 * A message without a receiver is held, up to `Limits.heldBytes` for all peers and `Limits.heldBytesPerPeer` for one. So what a peer
 * sends right after Up waits for an application that is still starting. When a receiver throws on one peer's messages
 * `Limits.handlerFailures` times in a row, that peer's further messages are dropped.
 */
import * as Limits from "../../domain/Limits.ts"
import type { DropReason } from "../../domain/NodeEvent.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Origin } from "../../services/ConnectionManager.ts"

/** Receives the payloads of one channel from one read batch, in order. */
export type ChannelHandler = (from: Origin, payloads: ReadonlyArray<Uint8Array>) => void

/** Messages that were not delivered. `Failed`: the receiver threw `cause`, `failures` times in a row on this peer's messages. */
export type Trouble =
  | {
    readonly _tag: "Dropped"
    readonly from: Origin
    readonly channel: number
    readonly messages: number
    readonly why: DropReason
  }
  | {
    readonly _tag: "Failed"
    readonly from: Origin
    readonly channel: number
    readonly cause: unknown
    readonly failures: number
  }

interface Held {
  readonly from: Origin
  readonly payloads: ReadonlyArray<Uint8Array>
  readonly bytes: number
}

const count = (counts: Map<PeerIp, number>, ip: PeerIp, change: number): void => {
  const now = (counts.get(ip) ?? 0) + change
  if (now === 0) counts.delete(ip)
  else counts.set(ip, now)
}

export class ApplicationInbox {
  private readonly handlers = new Map<number, ChannelHandler>()
  private readonly held = new Map<number, Array<Held>>()
  private heldBytes = 0
  private readonly heldOf = new Map<PeerIp, number>()
  /** Consecutive failures by channel and peer; only receivers whose last call failed. */
  private readonly failures = new Map<number, Map<PeerIp, number>>()

  /** Messages held for a receiver, over all channels. */
  get heldMessages(): number {
    let sum = 0
    for (const batches of this.held.values()) for (const { payloads } of batches) sum += payloads.length
    return sum
  }

  /**
   * Delivers a batch of one channel of one connection; payloads may be views. Returns what went wrong, if anything.
   */
  deliver(from: Origin, channel: number, payloads: ReadonlyArray<Uint8Array>): Trouble | undefined {
    const handler = this.handlers.get(channel)
    return handler === undefined ? this.hold(from, channel, payloads) : this.call(handler, from, channel, payloads)
  }

  /**
   * Makes `handler` the receiver of a channel and delivers what was held for it, each failure to `report`. False if the channel
   * already has a receiver.
   */
  open(channel: number, handler: ChannelHandler, report: (trouble: Trouble) => void): boolean {
    if (this.handlers.has(channel)) return false
    this.handlers.set(channel, handler)
    const waiting = this.held.get(channel) ?? []
    this.held.delete(channel)
    for (const { bytes, from, payloads } of waiting) {
      this.heldBytes -= bytes
      count(this.heldOf, from.ip, -bytes)
      const trouble = this.call(handler, from, channel, payloads)
      if (trouble !== undefined) report(trouble)
    }
    return true
  }

  /** Removes the channel's receiver: new messages are held for the next one. */
  close(channel: number): void {
    this.handlers.delete(channel)
    this.failures.delete(channel)
  }

  private call(
    handler: ChannelHandler,
    from: Origin,
    channel: number,
    payloads: ReadonlyArray<Uint8Array>
  ): Trouble | undefined {
    const failures = this.failures.get(channel)?.get(from.ip) ?? 0
    if (failures >= Limits.handlerFailures) {
      return { _tag: "Dropped", from, channel, messages: payloads.length, why: "receiver failed" }
    }
    try {
      handler(from, payloads)
    } catch (cause) {
      return { _tag: "Failed", from, channel, cause, failures: this.failed(channel, from.ip) }
    }
    if (failures > 0) this.failures.get(channel)?.delete(from.ip)
    return undefined
  }

  private failed(channel: number, ip: PeerIp): number {
    let peers = this.failures.get(channel)
    if (peers === undefined) this.failures.set(channel, peers = new Map())
    // Peers come and go under any number of addresses, so the map is bounded: the peer that failed first is forgotten first.
    const [oldest] = peers.keys()
    if (peers.size >= Limits.knownPeers && oldest !== undefined && !peers.has(ip)) peers.delete(oldest)
    const failures = (peers.get(ip) ?? 0) + 1
    peers.set(ip, failures)
    return failures
  }

  private hold(from: Origin, channel: number, payloads: ReadonlyArray<Uint8Array>): Trouble | undefined {
    const kept: Array<Uint8Array> = []
    let bytes = 0
    for (const payload of payloads) {
      const cost = payload.length + Limits.heldMessageBytes
      const ofPeer = (this.heldOf.get(from.ip) ?? 0) + bytes
      // A single message is held whatever its length, if there is room at all.
      if (this.heldBytes + bytes + cost > Limits.heldBytes || (ofPeer > 0 && ofPeer + cost > Limits.heldBytesPerPeer)) {
        break
      }
      kept.push(payload.slice())
      bytes += cost
    }
    if (kept.length > 0) {
      const waiting = this.held.get(channel)
      const batch = { from, payloads: kept, bytes }
      if (waiting === undefined) this.held.set(channel, [batch])
      else waiting.push(batch)
      this.heldBytes += bytes
      count(this.heldOf, from.ip, bytes)
    }
    // Order: nothing is held after the first message that does not fit.
    const messages = payloads.length - kept.length
    return messages === 0 ? undefined : { _tag: "Dropped", from, channel, messages, why: "no receiver" }
  }
}
