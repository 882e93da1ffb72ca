/** Refuses sockets whose remote address cannot be a peer's: each gets a Reject, and appears in the log and the counts. */
import { Effect } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import { addressProblem } from "../../domain/NodeSetup.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { Accepted } from "../../services/PeerSocket.ts"
import { deaf, type SocketEvents } from "./ConnectionEvents.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import { Peer } from "./Peer.ts"
import { PeerConnection } from "./PeerConnection.ts"
import { PeerEnd } from "./PeerEnd.ts"

export class Unidentified implements SocketEvents<PeerEnd> {
  private readonly ctx: NodeContext
  private open = 0

  constructor(ctx: NodeContext) {
    this.ctx = ctx
  }

  /** The program of such a socket; `undefined` if its address can be a peer's. */
  refuse({ remote, socket }: Accepted): Effect.Effect<void> | undefined {
    const { ctx } = this
    const problem = addressProblem(remote.ip)
    if (problem === undefined || ctx.slots.closed) return undefined
    const detail = `${remote.ip} ${problem}`
    ctx.emit({
      _tag: "Refused",
      ip: remote.ip,
      direction: "inbound",
      socket: PeerAddress.format(remote),
      reason: { ...DisconnectReason.local("address", detail), reject: "protocol" }
    })
    if (this.open >= Limits.endsWithoutHello) return Effect.void
    this.open += 1
    // Of a peer that is not in the table.
    const end = new PeerEnd(ctx.slots.nextId, new Peer(remote.ip, undefined, "inbound"), "inbound", ctx.entropy.nonce())
    ctx.slots.tookId()
    const connection = new PeerConnection<PeerEnd>(ctx.io, ctx.wire, end, deaf, this)
    end.connection = connection
    return connection.run(socket, Effect.succeedSome(remote))
  }

  onOpen(end: PeerEnd): void {
    this.ctx.slots.opened(end)
    const problem = addressProblem(end.ip) ?? ""
    const [reject] = this.ctx.wire.encode({
      _tag: "Reject",
      reason: "protocol",
      text: `your address ${end.ip} ${problem}`,
      retryAfterMs: Handshake.retryAfterMs("protocol")
    })
    Outgoing.finalReject(this.ctx, end, reject)
  }

  onEnd(end: PeerEnd): void {
    this.open -= 1
    this.ctx.slots.ended(end)
  }
}
