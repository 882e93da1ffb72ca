/** Sends messages to a peer, encoded by its connection's wire. A peer that does not read loses its connection. */
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Liveness from "../../domain/peer/Liveness.ts"
import type { Message } from "../../domain/wire/Message.ts"
import { type NodeContext, postOf } from "./NodeContext.ts"
import * as Outbox from "./Outbox.ts"
import { overflow } from "./overflow.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"
import * as TimeOutgoing from "./TimeOutgoing.ts"

/** Closes an end for a fault, ours or the peer's. */
export const close = (ctx: NodeContext, end: PeerEnd, kind: DisconnectReason.Kind, detail: string): void =>
  postOf(ctx, end, { _tag: "Closed", end: end.id, reason: DisconnectReason.local(kind, detail) })

/** Closes the end's socket: with `reject` as its last message, or without one. */
export const finalReject = (ctx: NodeContext, { connection }: PeerEnd, reject: Uint8Array | undefined): void => {
  if (connection?.close(reject) === true && reject !== undefined) {
    ctx.table.messages.native.sent.add("Reject", reject.length)
  }
}

/** Queues a control message, ahead of bulk. `onFlushed` is called once it is written. An end without a connection sends nothing. */
export const control = (ctx: NodeContext, end: PeerEnd, message: Message, onFlushed?: () => void): void => {
  const { connection } = end
  // Control messages of the native wire have no form on the TIME wire.
  if (connection === undefined || end.wire === "time") return
  const [frame] = connection.wire.encode(message)
  if (connection.active) ctx.table.messages.native.sent.add(message._tag, frame.length)
  if (!connection.sendControl(frame, onFlushed)) overflow(ctx, end)
}

/** Queues a message behind earlier ones. False if it did not fit: the connection is then down. */
export const bulk = (ctx: NodeContext, { connection, end }: Up, message: Message): boolean =>
  end.wire === "native" &&
  frame(ctx, { connection, end }, Outbox.frameOf(connection.wire.encode(message)), 1, message._tag)

/** The same for a frame already encoded, or `count` frames of one type in one buffer. */
export const frame = (
  ctx: NodeContext,
  { connection, end }: Pick<Up, "connection" | "end">,
  coded: Outbox.Frame,
  count: number,
  tag: Message["_tag"]
): boolean => {
  if (connection.active) ctx.table.messages.native.sent.add(tag, Outbox.lengthOf(coded), count)
  if (connection.sendBulk(coded, count)) return true
  overflow(ctx, end)
  return false
}

/** Sends a ping, as a challenge or for liveness: both are matched by nonce and measure the round-trip time. */
export const ping = (ctx: NodeContext, up: Up, nonce: bigint, onFlushed?: () => void): void => {
  const { end } = up
  up.liveness = Liveness.pingSent(up.liveness, nonce, ctx.timers.now())
  end.pingsSent += 1
  ctx.emit({
    _tag: "PingSent",
    ip: end.ip,
    connection: end.id,
    direction: end.direction,
    socket: up.connection.socketName,
    nonce
  })
  if (end.wire === "time") return TimeOutgoing.ping(ctx, end, nonce)
  control(ctx, end, { _tag: "Ping", nonce }, onFlushed)
}
