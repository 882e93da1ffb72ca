/**
 * How a node learns of others, in its simplest sound form: on every Up each side sends its connected peers to the newcomer and tells them
 * of it, once. So both ends of a pair learn of each other together, and the lower dials.
 */
import * as Limits from "../../domain/Limits.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { PeerSource } from "../../domain/peer/PeerRecord.ts"
import type { Peers } from "../../domain/wire/Message.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"
import type { Up } from "./PeerEnd.ts"

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
  // A socket that said nothing names no peer: what is known of that address is what others tell.
  if (source === "configured" || (peer.book.source === "inbound" && !saidHello)) peer.note({ source })
  // What an operator says, or a first hint; gossip never changes a known port.
  if (source === "configured" || port === undefined || port === 0) {
    peer.book = BookEntry.learnPort(peer.book, address.port)
  }
  if (peer.pair.dialable) return true
  peer.note({ isStopped: false })
  if (isNew) ctx.emit({ _tag: "PeerLearned", ip: peer.ip, port: address.port, source })
  const { advertise, listen } = ctx.setup
  const own = advertise ?? (listen.ip === "any" ? undefined : listen.ip)
  const rank = own === undefined ? undefined : ctx.rules.rank(own, peer.ip)
  post(ctx, peer, { _tag: "Learned", rank: rank === "same" ? undefined : rank })
  return true
}

/** A peer tells where others listen. */
export const peersReceived = (ctx: NodeContext, from: Peer, peers: Peers["peers"]): void => {
  for (const peer of peers) if (Gate.gossip(ctx, from, peer)) learn(ctx, peer, "gossip")
}

/** Sends the newcomer the peers that are up, and has them told of it. */
export const onUp = (ctx: NodeContext, peer: Peer, up: Up): void => {
  const others: Array<Peer> = []
  for (const other of ctx.table.peers()) {
    if (others.length === Limits.peersPerMessage) break
    if (other === peer || other.up === undefined || !BookEntry.listens(other.book)) continue
    if (Gate.fits(other, peer) && !BookEntry.isSameProcess(other.book, peer.book)) others.push(other)
  }
  send(ctx, up, others)
  if (ctx.newcomers.push(up) === 1) ctx.timers.arm(Limits.gossipMs, () => tellAll(ctx))
}

/**
 * Tells every peer of the newcomers since the last round. One message per peer and round, however many came: a mesh of N that forms at
 * once would otherwise cost N³ small messages.
 */
const tellAll = (ctx: NodeContext): void => {
  const round: Array<{ readonly up: Up; readonly peer: Peer }> = []
  for (const up of ctx.newcomers.splice(0)) {
    const peer = ctx.table.get(up.end.ip)
    if (peer?.up === up && BookEntry.listens(peer.book)) round.push({ up, peer })
  }
  for (const peer of ctx.table.peers()) {
    const to = peer.up
    if (to === undefined) continue
    // A peer that came up later was told of these on its own Up.
    const news = round.filter((newcomer) =>
      newcomer.up.order > to.order && Gate.fits(newcomer.peer, peer) &&
      // Nor of its own other address, while its connection from there is not known to be dead.
      !BookEntry.isSameProcess(newcomer.peer.book, peer.book)
    )
    send(ctx, to, news.slice(0, Limits.peersPerMessage).map(({ peer }) => peer))
  }
}

const send = (ctx: NodeContext, to: Up, peers: ReadonlyArray<Peer>): void => {
  if (peers.length === 0) return
  Outgoing.bulk(ctx, to, { _tag: "Peers", peers: peers.map(({ book, ip }) => ({ ip, port: book.port ?? 0 })) })
}
