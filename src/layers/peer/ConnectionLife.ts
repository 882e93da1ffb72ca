/** What happens at Up and Down of a connection, and when a socket ends before Up, whatever wire it speaks. */
import type * as DisconnectReason from "../../domain/DisconnectReason.ts"
import type { Traffic } from "../../domain/NodeEvent.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as Liveness from "../../domain/peer/Liveness.ts"
import type { Attempt } from "../../domain/peer/PeerRecord.ts"
import type { AddressSaver } from "./AddressSaver.ts"
import * as Gate from "./Gate.ts"
import * as Heartbeat from "./Heartbeat.ts"
import { MessageRates } from "./MessageRates.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"
import * as Redials from "./Redials.ts"

/** The parts that the drivers use. */
export interface Parts {
  readonly dialler: {
    /** Makes the pair's end `id`, and dials when its turn comes. */
    dial(peer: Peer, id: number): PeerEnd
    /** Drops an end that is closed before its turn came. */
    withdraw(end: PeerEnd): void
  }
  readonly saver: AddressSaver
}

export const isAlone = ({ slots }: NodeContext): boolean => slots.upCount === 0

/** The connection is up. `undefined`: every place is taken, and nothing has changed. */
export const up = (
  ctx: NodeContext,
  { saver }: Parts,
  peer: Peer,
  end: PeerEnd,
  { book, role, rttMs }: {
    readonly role: "lower" | "higher"
    /** The peer's new book entry. */
    readonly book: (before: BookEntry.BookEntry) => BookEntry.BookEntry
    /** The first round trip, if it was measured. */
    readonly rttMs: number | undefined
  }
): Up | undefined => {
  const { connection, greeting } = end
  if (connection === undefined || greeting === undefined) {
    throw new Error("a connection came up whose peer never greeted")
  }
  const order = ctx.slots.wentUp(peer.ip, Gate.placesFor(ctx, peer, end))
  if (order === undefined) return undefined
  Gate.takePlace(ctx, peer, end)
  Redials.onUp(ctx, peer)
  const now = ctx.timers.now()
  const up: Up = {
    end,
    connection,
    greeting,
    at: now,
    order,
    liveness: rttMs === undefined ? Liveness.start(now) : Liveness.sample(Liveness.start(now), rttMs),
    lagSeenMs: ctx.timers.lag.totalMs,
    dueSlot: undefined,
    asked: undefined,
    rates: new MessageRates()
  }
  end.up = up
  connection.allowLongFrames()
  const before = peer.book
  const after = book(before)
  const isFlap = BookEntry.isFlap(before, after, now)
  peer.book = isFlap ? { ...after, flaps: after.flaps + 1 } : after
  ctx.emit({
    _tag: "Up",
    ip: peer.ip,
    connection: end.id,
    direction: end.direction,
    socket: connection.socketName,
    role,
    ...(isFlap ? { isFlap } : {})
  })
  noteGood(ctx, peer, end)
  Heartbeat.start(ctx, up)
  saver.changed()
  return up
}

/** A peer that we dialled is good in the book at once; a peer that dialled us only after it has been up for a while. */
const noteGood = (ctx: NodeContext, { book, ip }: Peer, { direction, wire }: PeerEnd): void => {
  if (!BookEntry.listens(book)) return
  const now = ctx.nowMs()
  const port = book.port ?? 0
  if (direction === "outbound" || ctx.book.tableOf(ip) === "tried") {
    return ctx.book.good(ip, { port, wire, direction }, now)
  }
  ctx.book.add({ ip, port }, ip, now)
  ctx.book.setPort(ip, port)
}

/** The connection is down. Returns its `Up`; `undefined` if it was not up. */
export const down = (
  ctx: NodeContext,
  peer: Peer,
  end: PeerEnd,
  reason: DisconnectReason.DisconnectReason
): Up | undefined => {
  const { up } = end
  if (up === undefined) return undefined
  const now = ctx.timers.now()
  end.up = undefined
  end.downReason = reason
  ctx.due.remove(up)
  ctx.slots.wentDown()
  peer.book = BookEntry.wentDown(peer.book, { at: now, reason, upMs: now - up.at })
  ctx.emit({
    _tag: "Down",
    ip: peer.ip,
    connection: end.id,
    direction: end.direction,
    socket: up.connection.socketName,
    reason,
    upMs: Math.round(now - up.at),
    traffic: trafficOf(up)
  })
  if (isAlone(ctx)) Redials.onAlone(ctx)
  return up
}

const trafficOf = ({ connection }: Up): Traffic => ({
  bytes: { sent: connection.bytesSent, received: connection.bytesReceived },
  messages: { sent: connection.messagesSent, received: connection.messagesReceived }
})

/** How far an end got that never came up. */
export const attemptOf = (ctx: NodeContext, end: PeerEnd, reason: DisconnectReason.DisconnectReason): Attempt => ({
  at: ctx.timers.now(),
  reason,
  direction: end.direction,
  reached: end.greeting !== undefined ? "hello" : end.socketName !== "" ? "socket" : "dial",
  ...(end.dialledPort === undefined ? {} : { port: end.dialledPort })
})

/** Whether the end was a dial-back that this node asked for. It reads one Hello and closes, which is not the peer's failed attempt. */
const isDialBack = (
  ctx: NodeContext,
  { direction, greeting, ip }: PeerEnd,
  { by, kind }: DisconnectReason.DisconnectReason
) =>
  direction === "inbound" && greeting === undefined && by === "remote" && kind === "eof" &&
  ctx.dialBacks.took(ip, ctx.timers.now())

/** A socket that never came up has ended. */
export const refused = (
  ctx: NodeContext,
  peer: Peer,
  end: PeerEnd,
  reason: DisconnectReason.DisconnectReason
): void => {
  if (isDialBack(ctx, end, reason)) return
  peer.book = BookEntry.attemptEnded(peer.book, attemptOf(ctx, end, reason))
  ctx.emit({ _tag: "Refused", ip: peer.ip, direction: end.direction, socket: end.socketName, reason })
}

/** Closes the end's socket, or withdraws a dial still waiting for its turn. */
export const close = (
  ctx: NodeContext,
  { dialler }: Parts,
  end: PeerEnd,
  lastWord: Uint8Array | undefined
): void => {
  if (end.connection === undefined) dialler.withdraw(end)
  else Outgoing.finalReject(ctx, end, lastWord)
}
