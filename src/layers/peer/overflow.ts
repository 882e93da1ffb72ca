/** Closes the connection of a peer that does not read what we send. */
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import { type NodeContext, postOf } from "./NodeContext.ts"
import type { PeerEnd } from "./PeerEnd.ts"

export const overflow = (ctx: NodeContext, end: PeerEnd): void =>
  postOf(ctx, end, {
    _tag: "Closed",
    end: end.id,
    reason: DisconnectReason.local("outbox-full", `${end.connection?.queuedBytes ?? 0} bytes unread by the peer`)
  })
