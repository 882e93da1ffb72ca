/**
 * Dials what the pairs ask for, at most `maxDials` at once.
 *
 * **Order**: peers that were once connected, or that the operator or the peer itself named, go before addresses known only by gossip.
 * Of `maxDials`, a quarter is for proven peers alone, so a peer that advertises thousands of dead addresses cannot crowd out real ones. While
 * few peers are up, gossiped addresses get extra dials at the same pace. Fewest failures go first, then first come, first served. While dials have
 * waited for `Limits.dialWaitMs`, every second one is the oldest: addresses that refuse at once and return are no failures, and would keep out all others.
 *
 * **Bounds**: at most `Limits.dialsPerSecond` dials begin per second, so a long list of addresses that refuse at once costs little. Dials to
 * gossiped addresses begin at a lower rate (`ToldDials`).
 */
import { Effect } from "effect"
import type { DisconnectReason } from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import type { FrameEvents, SocketEvents } from "./ConnectionEvents.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, peerOf, post } from "./NodeContext.ts"
import type { Peer } from "./Peer.ts"
import { PeerConnection } from "./PeerConnection.ts"
import { PeerEnd } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"
import * as TimePairDriver from "./TimePairDriver.ts"

export class Dialler implements SocketEvents<PeerEnd> {
  private readonly ctx: NodeContext
  private readonly sockets: PeerSocket["Service"]
  private readonly frames: FrameEvents<PeerEnd>
  /** Ends that wait for their turn, and since when (monotonic ms), the oldest first. */
  private readonly proven = new Map<PeerEnd, number>()
  private readonly gossip = new Map<PeerEnd, number>()
  /** The last dial was the likeliest: the next is the oldest, if that has waited too long. */
  private isOldestNext = false
  private readonly dialling = new Set<PeerEnd>()
  /** The dials in flight to addresses known only by gossip. */
  private readonly told = new Set<PeerEnd>()
  /** Dials that may begin at once, as of `tokensAt` (monotonic ms). */
  private tokens: number = Limits.dialBurst
  private tokensAt = 0
  private isWaiting = false
  private isPaced = false
  private isSpread = false

  constructor(ctx: NodeContext, sockets: PeerSocket["Service"], frames: FrameEvents<PeerEnd>) {
    this.ctx = ctx
    this.sockets = sockets
    this.frames = frames
  }

  /** Dials in flight, and dials waiting for their turn. */
  get counts(): { readonly dialling: number; readonly dials: number } {
    return { dialling: this.dialling.size, dials: this.proven.size + this.gossip.size }
  }

  /** Makes the pair's end `id`, and dials when its turn comes. */
  dial(peer: Peer, id: number): PeerEnd {
    const { ctx } = this
    const end = new PeerEnd(id, peer, "outbound", ctx.entropy.nonce())
    ctx.slots.dialled(end)
    peer.ends = peer.ends.concat(end)
    const isTold = BookEntry.isGossip(peer.book)
    const waitMs = isTold ? ctx.toldDials.waitMs(peer.ip, ctx.timers.now()) : 0
    if (waitMs === 0) this.queue(end, isTold)
    else {
      ctx.timers.arm(waitMs, () => {
        if (peer.has(end) && end.connection === undefined) this.queue(end, BookEntry.isGossip(peer.book))
      })
    }
    return end
  }

  private queue(end: PeerEnd, isTold: boolean): void {
    const queue = isTold ? this.gossip : this.proven
    queue.set(end, this.ctx.timers.now())
    this.next()
  }

  /** Drops an end that is closed before its turn came. */
  withdraw(end: PeerEnd): void {
    this.proven.delete(end)
    this.gossip.delete(end)
  }

  onOpen(end: PeerEnd): void {
    const { ctx } = this
    ctx.slots.opened(end)
    this.free(end)
    const peer = peerOf(ctx, end)
    if (peer !== undefined) TimePairDriver.dialled(ctx, peer, end)
  }

  onEnd(end: PeerEnd, reason: DisconnectReason, opened: boolean): void {
    const { ctx } = this
    ctx.slots.ended(end)
    ctx.groups.ended(end.peer.group)
    this.free(end)
    const peer = peerOf(ctx, end)
    if (peer === undefined) return
    Protection.transported(ctx, peer.ip, reason)
    if (opened) return post(ctx, peer, { _tag: "Closed", end: end.id, reason })
    const detail = reason.detail ?? reason.kind
    ctx.emit({ _tag: "DialFailed", ip: peer.ip, detail })
    TimePairDriver.dialFailed(ctx, peer, end, detail)
  }

  /** The dial is over, connected or not: its place is free. */
  private free(end: PeerEnd): void {
    this.told.delete(end)
    if (this.dialling.delete(end)) this.next()
  }

  private next(): void {
    for (let end = this.nextEnd(); end !== undefined; end = this.nextEnd()) {
      if (!this.takeToken()) return
      const isTold = this.gossip.has(end)
      this.withdraw(end)
      this.isOldestNext = !this.isOldestNext
      const peer = peerOf(this.ctx, end)
      // The peer's row may have left the table while the dial waited.
      if (peer !== undefined) this.start(peer, end, isTold)
    }
    if (this.dialling.size < this.ctx.setup.tuning.maxDials) this.comeBack()
  }

  /** The end to dial next, if there is room for a dial. */
  private nextEnd(): PeerEnd | undefined {
    const { setup: { tuning: { maxDials } }, slots } = this.ctx
    const more = slots.upCount < Limits.outboundPlaces ? Math.ceil(maxDials * Limits.needyDials) : 0
    const mostTold = Math.ceil(maxDials * Limits.gossipDials)
    const told = this.told.size
    const others = this.dialling.size - told
    const proven = others + Math.min(told, mostTold) < maxDials ? this.choose(this.proven) : undefined
    if (proven !== undefined) return proven
    const hasRoom = told < mostTold + more && this.dialling.size < maxDials + more
    return hasRoom && this.mayDialTold() ? this.choose(this.gossip) : undefined
  }

  /** False if no gossiped address may be dialled yet; `next` then runs again when one may. */
  private mayDialTold(): boolean {
    if (this.gossip.size === 0) return false
    const { timers, toldDials } = this.ctx
    const waitMs = toldDials.paceMs(timers.now())
    if (waitMs === 0) return true
    if (this.isPaced) return false
    this.isPaced = true
    timers.arm(waitMs + 1, () => {
      this.isPaced = false
      this.next()
    })
    return false
  }

  /** False if no dial may begin yet; `next` then runs again when one may. */
  private takeToken(): boolean {
    const { timers } = this.ctx
    const now = timers.now()
    const gained = (now - this.tokensAt) / 1_000 * Limits.dialsPerSecond
    this.tokens = this.tokensAt === 0 ? this.tokens : Math.min(Limits.dialBurst, this.tokens + gained)
    this.tokensAt = now
    if (this.tokens >= 1) {
      this.tokens -= 1
      return true
    }
    if (this.isWaiting) return false
    this.isWaiting = true
    timers.arm((1 - this.tokens) / Limits.dialsPerSecond * 1_000 + 1, () => {
      this.isWaiting = false
      this.next()
    })
    return false
  }

  private choose(queue: ReadonlyMap<PeerEnd, number>): PeerEnd | undefined {
    const late = this.isOldestNext ? this.latest(queue) : undefined
    return late ?? this.likeliest(queue.keys())
  }

  /** The end that has waited longest, if that is too long. Ends whose netgroup must wait are skipped. */
  private latest(queue: ReadonlyMap<PeerEnd, number>): PeerEnd | undefined {
    const { table, timers } = this.ctx
    const now = timers.now()
    for (const [end, since] of queue) {
      if (now - since < Limits.dialWaitMs) return undefined
      const peer = table.get(end.ip)
      if (peer === undefined || this.spreadMs(peer, now) === 0) return end
    }
    return undefined
  }

  /**
   * The end with the fewest failures, so no dead address is retried before an untried one. Among equals, the end whose netgroup has the
   * fewest connections. Ends whose netgroup must wait are skipped.
   */
  private likeliest(queue: Iterable<PeerEnd>): PeerEnd | undefined {
    const { groups, table, timers } = this.ctx
    const now = timers.now()
    let best: PeerEnd | undefined
    let least = Number.POSITIVE_INFINITY
    for (const end of queue) {
      const peer = table.get(end.ip)
      const outbound = peer === undefined ? 0 : groups.count(peer.group)
      const failures = peer?.backoff.failures ?? 0
      const rank = failures * Limits.maxDialsMost + outbound
      if (rank >= least || (peer !== undefined && this.spreadMs(peer, now) > 0)) continue
      best = end
      least = rank
      if (rank === 0) break
    }
    return best
  }

  /** ms that the dial waits so that other netgroups go first. 0 for configured peers and peers that were up before. */
  private spreadMs({ book, group }: Peer, now: number): number {
    return book.source === "configured" || book.ups > 0 ? 0 : this.ctx.groups.waitMs(group, now)
  }

  /** Runs `next` again when the first end that waits for its netgroup may be dialled. */
  private comeBack(): void {
    if (this.isSpread) return
    const { table, timers } = this.ctx
    const now = timers.now()
    let least = Number.POSITIVE_INFINITY
    for (const queue of [this.proven, this.gossip]) {
      for (const end of queue.keys()) {
        const peer = table.get(end.ip)
        const waitMs = peer === undefined ? 0 : this.spreadMs(peer, now)
        if (waitMs > 0) least = Math.min(least, waitMs)
      }
    }
    if (least === Number.POSITIVE_INFINITY) return
    this.isSpread = true
    timers.arm(least + 1, () => {
      this.isSpread = false
      this.next()
    })
  }

  private start(peer: Peer, end: PeerEnd, isTold: boolean): void {
    const { book, groups, io, nowMs, setup, timers, toldDials, wire } = this.ctx
    if (isTold) toldDials.began(peer.ip, timers.now())
    book.dialled(peer.ip, nowMs())
    const { listen, network, tuning } = setup
    const port = BookEntry.dialPort(peer.book, network.port)
    const connection = new PeerConnection<PeerEnd>(io, wire, end, this.frames, this)
    end.connection = connection
    end.dialledPort = port
    this.dialling.add(end)
    if (isTold) this.told.add(end)
    groups.began(peer.group, timers.now())
    this.ctx.emit({ _tag: "Dialling", ip: peer.ip, port })
    const from = listen.ip === "any" ? undefined : sameFamily(listen.ip, peer.ip)
    io.fork(Effect.flatMap(
      this.sockets.dial(PeerAddress.make(peer.ip, port), {
        from,
        timeoutMs: tuning.dialMs,
        isKnown: Gate.isKnown(this.ctx, peer.ip)
      }),
      ({ local, secured, socket }) => connection.run(socket, local, secured)
    ))
  }
}

/** A specific listen address is also where we dial from, so that the peer sees that address; not across families. */
const sameFamily = (from: PeerIp, to: PeerIp): PeerIp | undefined =>
  from.includes(":") === to.includes(":") ? from : undefined
