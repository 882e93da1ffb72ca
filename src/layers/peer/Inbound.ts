/** Where the node listens, and the sockets that are accepted there. */
import { Effect, type Scope } from "effect"
import type { SocketServer } from "effect/socket"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { NodeSetup } from "../../services/NodeConfig.ts"
import { type Accepted, errorCode, type Listener, type PeerSocket } from "../../services/PeerSocket.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, post, postOf } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import { type FrameEvents, PeerConnection, type SocketEvents } from "./PeerConnection.ts"
import { PeerEnd } from "./PeerEnd.ts"
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

/** A socket that speaks the TIME wire and is not wanted: as there, it is closed without a word. */
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

  constructor(ctx: NodeContext, frames: FrameEvents<PeerEnd>) {
    this.ctx = ctx
    this.frames = frames
    this.unidentified = new Unidentified(ctx)
  }

  /** The program of one accepted socket. */
  accept(accepted: Accepted): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { ctx } = this
      const refusal = this.unidentified.refuse(accepted)
      if (refusal !== undefined) return refusal
      const { local, remote, secured, socket } = accepted
      const wire = TimePairDriver.wireOf(secured)
      const unwanted = wire === "time" ? TimePairDriver.refusal(ctx, remote.ip) : undefined
      if (unwanted !== undefined) return Effect.sync(() => refused(ctx, remote, unwanted))
      const peer = Gate.socket(ctx, remote.ip)
      if (peer === undefined) return Effect.void
      const crowdedOut = Gate.crowdedOut(ctx)
      if (crowdedOut !== undefined) {
        Outgoing.close(ctx, crowdedOut, "hello-timeout", "made room for a newer connection")
      }
      const end = new PeerEnd(ctx.slots.nextId, peer, "inbound", ctx.entropy.nonce())
      ctx.slots.tookId()
      const connection = new PeerConnection<PeerEnd>(ctx.io, ctx.wire, end, this.frames, this)
      connection.local = local.ip
      connection.secured = secured
      end.connection = connection
      peer.ends = [...peer.ends, end]
      ctx.slots.accepted(end)
      if (wire === "time") TimePairDriver.accepted(ctx, peer, end)
      else post(ctx, peer, { _tag: "Accepted", end: end.id })
      return connection.run(socket, Effect.succeedSome(remote))
    })
  }

  onOpen(end: PeerEnd): void {
    this.ctx.slots.opened(end)
  }

  onEnd(end: PeerEnd, reason: DisconnectReason.DisconnectReason): void {
    const { ctx } = this
    ctx.slots.ended(end)
    postOf(ctx, end, { _tag: "Closed", end: end.id, reason })
  }
}
