/**
 * How nodes learn of one another. On every Up each end asks the other for addresses. The answer holds the peers that are connected and
 * some from the book that have completed a handshake. Each node also announces a newcomer to its peers, once. So both ends of a pair learn
 * of each other, and the lower dials. Gossiped addresses go into the peer book, and are passed on only after a handshake.
 *
 * **Bounds**: a peer may send `Limits.newAddresses` new addresses at once, and a few more over time. It may ask `Limits.peerAnswers`
 * times, then once per `peerAnswerEveryMs`. The selection from the book is the same for all askers for a day.
 */
import * as Limits from "../../domain/Limits.ts"
import { knownAddress } from "../../domain/NodeSetup.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as Exchange from "../../domain/peer/Exchange.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { PeerSource } from "../../domain/peer/PeerRecord.ts"
import type { Peers } from "../../domain/wire/Message.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"
import * as TimeOutgoing from "./TimeOutgoing.ts"

/** Makes an address known, so that the pair gets connected. False for own and unusable addresses, and when the table is full. */
export const learn = (ctx: NodeContext, address: PeerAddress, source: PeerSource): boolean => {
  if (!Gate.address(ctx, address.ip)) {
    const isOwn = ctx.table.own.how(address.ip) !== undefined
    if (isOwn && source === "configured") ctx.emit({ _tag: "OwnAddress", ip: address.ip })
    return false
  }
  ctx.table.moved.delete(address.ip)
  const isNew = ctx.table.get(address.ip)?.pair.rank === undefined
  const peer = Gate.admit(ctx, address.ip, address.port, source)
  if (peer === undefined || peer.book.isSelf) return false
  const { port, saidHello } = peer.book
  // A socket that sent no Hello identifies no peer: what other peers gossip about its address counts instead.
  if (source === "configured" || (peer.book.source === "inbound" && !saidHello)) peer.note({ source })
  // The operator's port, or a first hint; gossip never changes a known port.
  if (source === "configured" || port === undefined || port === 0) {
    peer.book = BookEntry.learnPort(peer.book, address.port)
  }
  if (peer.dialable) return true
  peer.note({ isStopped: false })
  if (isNew) ctx.emit({ _tag: "PeerLearned", ip: peer.ip, port: address.port, source })
  const own = knownAddress(ctx.setup)
  const rank = own === undefined ? undefined : ctx.rules.rank(own, peer.ip)
  post(ctx, peer, { _tag: "Learned", rank: rank === "same" ? undefined : rank })
  return true
}

/**
 * Handles a list of gossiped addresses: some are learned at once, the rest in later turns of the event loop. `read` turns an entry into an
 * address, or `undefined` if it is not one.
 */
export const peersReceived = <A>(
  ctx: NodeContext,
  from: Peer,
  { connection }: PeerEnd,
  list: ReadonlyArray<A>,
  read: (entry: A) => PeerAddress | undefined
): void => {
  if (connection === undefined) return
  ctx.lists.push(connection, list.length, (first, end) => learnTold(ctx, from, list.slice(first, end).map(read)))
}

const learnTold = (ctx: NodeContext, from: Peer, addresses: ReadonlyArray<PeerAddress | undefined>): void => {
  const now = ctx.nowMs()
  let room: Gate.Room | undefined
  for (const address of addresses) {
    if (address === undefined || !Gate.gossip(ctx, from, address)) continue
    const added = ctx.book.add(address, from.ip, now)
    const hasRow = ctx.table.get(address.ip) !== undefined
    // An address whose dials failed is retried from the book. An address that got no place in the book may still be tried.
    const isFresh = added !== "known" || ctx.book.get(address.ip)?.failures === 0
    if (hasRow || (isFresh && (room ??= Gate.room(ctx)).take())) learn(ctx, address, "gossip")
  }
}

/** Asks the peer for addresses. */
export const ask = (ctx: NodeContext, up: Up): void => {
  up.asked = { at: ctx.timers.now(), times: (up.asked?.times ?? 0) + 1 }
  if (up.end.wire === "time") return void TimeOutgoing.send(ctx, up.end, { _tag: "GetPeers" })
  Outgoing.bulk(ctx, up, { _tag: "AskPeers" })
}

/** Asks the newcomer for addresses, and schedules its announcement to the peers that are up. */
export const onUp = (ctx: NodeContext, up: Up): void => {
  ask(ctx, up)
  if (ctx.newcomers.push(up) > 1) return
  const { timers, told } = ctx
  timers.arm(Math.max(Limits.gossipMs, told.allAt + Limits.gossipEveryMs - timers.now()), () => tellAll(ctx))
}

/** The peer asks for addresses. */
export const asked = (ctx: NodeContext, peer: Peer, up: Up): void => send(ctx, up, answer(ctx, peer))

/** Addresses for a peer that is refused because every place is taken: a newcomer that knows only full nodes would learn of no others. */
export const elsewhere = (ctx: NodeContext, peer: Peer): Peers | undefined => {
  const peers = answer(ctx, peer, Limits.peersOnRefusal)
  return peers.length === 0 ? undefined : { _tag: "Peers", peers }
}

/** The answer to a peer that asks for addresses: empty if it asks too often. */
export const answer = (
  ctx: NodeContext,
  peer: Peer,
  most: number = Limits.peersPerMessage
): ReadonlyArray<PeerAddress> => {
  const now = ctx.timers.now()
  const before = peer.answers
  const tokens = before === undefined
    ? Limits.peerAnswers
    : Math.min(Limits.peerAnswers, before.tokens + (now - before.at) / Limits.peerAnswerEveryMs)
  peer.answers = { tokens: tokens < 1 ? tokens : tokens - 1, at: now }
  return tokens >= 1 ? answerFor(ctx, peer, most) : []
}

/** The peers that are up, then today's selection from the book. */
const answerFor = (ctx: NodeContext, peer: Peer, most: number): ReadonlyArray<PeerAddress> =>
  Exchange.answer(peer.ip, connectedFor(ctx, peer), told(ctx).filter(({ ip }) => Gate.fitsIp(ip, peer)), most)

const connectedFor = function*(ctx: NodeContext, peer: Peer): Iterable<PeerAddress> {
  for (const other of ctx.table.peers()) {
    if (other === peer || other.up === undefined || !BookEntry.listens(other.book)) continue
    if (Gate.fits(other, peer) && !BookEntry.isSameProcess(other.book, peer.book)) yield addressOf(other)
  }
}

/** Today's selection from the book. It is renewed daily, and earlier when the tried table has doubled. */
const told = (ctx: NodeContext): ReadonlyArray<PeerAddress> => {
  const now = ctx.timers.now()
  const { choice } = ctx.told
  const tried = ctx.book.sizeOf("tried")
  if (choice !== undefined && now - choice.at < Limits.toldSameMs && tried < 2 * choice.tried) return choice.addresses
  const addresses = ctx.book.sample(ctx.nowMs(), ctx.jitter)
  ctx.told.choice = { at: now, tried, addresses }
  return addresses
}

const addressOf = ({ book, ip }: Peer): PeerAddress => ({ ip, port: book.port ?? 0 })

/**
 * Announces the newcomers since the last round to every peer, in one message per peer and round. With a message per newcomer, a mesh of N
 * nodes that forms at once would cost N³ small messages.
 */
const tellAll = (ctx: NodeContext): void => {
  ctx.told.allAt = ctx.timers.now()
  const round: Array<{ readonly up: Up; readonly peer: Peer }> = []
  for (const up of ctx.newcomers.splice(0)) {
    const peer = ctx.table.get(up.end.ip)
    if (peer?.up === up && BookEntry.listens(peer.book)) round.push({ up, peer })
  }
  for (const peer of ctx.table.peers()) {
    const to = peer.up
    if (to === undefined) continue
    // A peer that came up later got these addresses on its own Up.
    const news = round.filter((newcomer) =>
      newcomer.up.order > to.order && Gate.fits(newcomer.peer, peer) &&
      // Nor announce its own other address to it, while that connection is not known to be dead.
      !BookEntry.isSameProcess(newcomer.peer.book, peer.book)
    )
    send(ctx, to, news.slice(0, Limits.peersPerMessage).map(({ peer }) => addressOf(peer)))
  }
}

const send = (ctx: NodeContext, to: Up, peers: ReadonlyArray<PeerAddress>): void => {
  if (peers.length > 0) Outgoing.bulk(ctx, to, { _tag: "Peers", peers })
}
