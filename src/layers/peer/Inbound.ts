/**
 * Listens, and handles the sockets accepted there.
 *
 * **Strangers.** Connection rates are limited per IP and netgroup (`InboundRates`), before anything is spent on a socket. While many sockets are
 * unidentified, strangers wait in the `Lobby` until their first frame is complete. Peers that are configured or were well connected skip it.
 */
import { Effect, type Scope } from "effect"
import type { SocketServer } from "effect/socket"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import { addressProblem } from "../../domain/NodeSetup.ts"
import { InboundRates } from "../../domain/peer/InboundRates.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { NodeSetup } from "../../services/NodeConfig.ts"
import {
  type Accepted,
  type Anteroom,
  type Door,
  type Entry,
  errorCode,
  type FailedArrival,
  type Listener,
  type PeerSocket,
  wireOf
} from "../../services/PeerSocket.ts"
import type { FrameEvents, SocketEvents } from "./ConnectionEvents.ts"
import * as Gate from "./Gate.ts"
import { Lobby } from "./Lobby.ts"
import { type NodeContext, post, postOf } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import { PeerConnection } from "./PeerConnection.ts"
import { PeerEnd } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"
import * as TimePairDriver from "./TimePairDriver.ts"
import { Unidentified } from "./Unidentified.ts"

/** `any` is `[::]`, and 0.0.0.0 on a host without IPv6. */
export const listen = (
  sockets: PeerSocket["Service"],
  at: NodeSetup["listen"],
  onAcceptError: (error: Error) => void
): Effect.Effect<Listener, SocketServer.SocketServerError, Scope.Scope> => {
  const on = (ip: string) => sockets.listen(PeerAddress.make(PeerIp.fromStringUnsafe(ip), at.port), onAcceptError)
  if (at.ip !== "any") return on(at.ip)
  return Effect.catchIf(on("::"), (error) => errorCode(error) !== "EADDRINUSE", () => on("0.0.0.0"))
}

/** Refuses an unwanted socket that speaks the TIME wire. As that network does, it closes the socket without a Reject. */
const refused = (ctx: NodeContext, remote: PeerAddress.PeerAddress, detail: string): void =>
  ctx.emit({
    _tag: "Refused",
    ip: remote.ip,
    direction: "inbound",
    socket: PeerAddress.format(remote),
    reason: DisconnectReason.rejected("in-use", "local", detail)
  })

export class Inbound implements SocketEvents<PeerEnd> {
  private readonly ctx: NodeContext
  private readonly frames: FrameEvents<PeerEnd>
  private readonly unidentified: Unidentified
  private readonly rates = new InboundRates()
  private readonly lobby: Lobby
  /** Connections refused for their rate since the last report; the first arms the next report. */
  private refused = 0

  /** `openFiles`: this process's limit of open files, if known. */
  constructor(ctx: NodeContext, frames: FrameEvents<PeerEnd>, openFiles: number | undefined) {
    this.ctx = ctx
    this.frames = frames
    this.unidentified = new Unidentified(ctx)
    this.lobby = new Lobby(ctx.timers, openFiles)
  }

  readonly door: Door = {
    admits: (from) => this.admits(from),
    failed: (from, failed) => this.failed(from, failed)
  }

  private admits(from: PeerIp.PeerIp): Entry {
    const { ctx } = this
    // Checked first, so that a banned address does not use up its netgroup's rate.
    if (!Protection.mayEnter(ctx, from, false)) return "refused"
    const isKnown = Gate.isKnown(ctx, from)
    const entry = isKnown ? "known" : "stranger"
    if (!ctx.rules.limitsInbound) return entry
    const isCrowded = ctx.slots.unidentifiedCount >= Limits.crowdedEnds
    const isAdmitted = this.rates.take(from, isKnown, ctx.timers.now()) &&
      (isKnown || !isCrowded || this.lobby.admits())
    if (isAdmitted) return entry
    this.countRefused()
    return "refused"
  }

  private failed(from: PeerAddress.PeerAddress, { offence, reason }: FailedArrival): void {
    const { ctx } = this
    if (ctx.slots.closed) return
    if (offence !== undefined) Protection.report(ctx, from.ip, offence)
    ctx.emit({ _tag: "Refused", ip: from.ip, direction: "inbound", socket: PeerAddress.format(from), reason })
  }

  private countRefused(): void {
    const { ctx } = this
    this.refused += 1
    if (this.refused > 1) return
    ctx.timers.arm(Limits.inboundReportMs, () => {
      ctx.emit({ _tag: "InboundRefused", connections: this.refused })
      this.refused = 0
    })
  }

  /** See `Anteroom`: a stranger waits in the lobby while many sockets are unidentified. */
  readonly anteroom: Anteroom = (accepted, enter, leave) => {
    const { ctx } = this
    const { remote, secured } = accepted
    if (accepted.onceSpoken === undefined || ctx.slots.unidentifiedCount < Limits.crowdedEnds) return false
    if (addressProblem(remote.ip) !== undefined || Gate.isKnown(ctx, remote.ip)) return false
    if (wireOf(secured) === "time" && TimePairDriver.refusal(ctx, remote.ip) !== undefined) return false
    this.lobby.wait(accepted, enter, leave)
    return true
  }

  /** Runs one accepted socket to its end. */
  accept(accepted: Accepted): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { ctx } = this
      const refusal = this.unidentified.refuse(accepted)
      if (refusal !== undefined) return refusal
      const { local, remote, secured } = accepted
      const unwanted = wireOf(secured) === "time" ? TimePairDriver.refusal(ctx, remote.ip) : undefined
      if (unwanted !== undefined) return Effect.sync(() => refused(ctx, remote, unwanted))
      const isKnown = Gate.isKnown(ctx, remote.ip)
      const { leaves, mayCome } = Gate.crowd(ctx, isKnown)
      const peer = mayCome ? Gate.socket(ctx, remote.ip) : undefined
      if (peer === undefined) return Effect.void
      if (leaves !== undefined) Outgoing.close(ctx, leaves, "hello-timeout", "made room for a newer connection")
      const end = new PeerEnd(ctx.slots.nextId, peer, "inbound", ctx.entropy.nonce())
      ctx.slots.tookId()
      end.isKnown = isKnown
      const connection = new PeerConnection<PeerEnd>(ctx.io, ctx.wire, end, this.frames, this)
      connection.local = local.ip
      connection.secured = secured
      end.connection = connection
      peer.ends = peer.ends.concat(end)
      ctx.slots.accepted(end)
      if (wireOf(secured) === "time") TimePairDriver.accepted(ctx, peer, end)
      else post(ctx, peer, { _tag: "Accepted", end: end.id })
      return connection.run(accepted.socket, Effect.succeedSome(remote))
    })
  }

  onOpen(end: PeerEnd): void {
    this.ctx.slots.opened(end)
  }

  onEnd(end: PeerEnd, reason: DisconnectReason.DisconnectReason): void {
    const { ctx } = this
    ctx.slots.ended(end)
    Protection.transported(ctx, end.ip, reason)
    postOf(ctx, end, { _tag: "Closed", end: end.id, reason })
  }
}
