/**
 * Checks everything that comes from outside: an accepted socket, a Hello, a message, an address, and whatever needs a row of the peer table.
 * Each check decides on that one thing only; the pair machine decides what happens to a peer.
 */
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerSource } from "../../domain/peer/PeerRecord.ts"
import type { Hello } from "../../domain/wire/Message.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as PairTimers from "./PairTimers.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"

// --- sockets ----------------------------------------------------------------------

/** The peer of an accepted socket. `undefined`: the socket is closed without a Reject. */
export const socket = (ctx: NodeContext, from: PeerIp.PeerIp): Peer | undefined =>
  ctx.slots.closed || ctx.table.isolated.has(from) || !Protection.mayEnter(ctx, from, true)
    ? undefined
    : admit(ctx, from, undefined, "inbound")

/** Whether the peer is configured or was well connected, and is not banned: such peers go before strangers. */
export const isKnown = (ctx: NodeContext, ip: PeerIp.PeerIp): boolean => {
  if (ctx.protection.bannedMs(ip, ctx.timers.now()) !== undefined) return false
  const peer = ctx.table.get(ip)
  return (peer !== undefined && (peer.book.source === "configured" || peer.book.lastGoodAt !== undefined)) ||
    ctx.slots.hasPlace(ip) || ctx.book.tableOf(ip) === "tried"
}

/** Whether another socket may come in, and which is closed for it: the oldest of a stranger; of a known peer only for another known peer. */
export const crowd = (
  { slots }: NodeContext,
  isKnown: boolean
): { readonly mayCome: boolean; readonly leaves?: PeerEnd | undefined } => {
  if (slots.unidentifiedCount < Limits.endsWithoutHello) return { mayCome: true }
  const leaves = slots.firstToLeave
  return leaves === undefined || (leaves.isKnown && !isKnown) ? { mayCome: false } : { mayCome: true, leaves }
}

// --- Hello ------------------------------------------------------------------------

/** Whether the peer may come up on this end. */
export const hello = (
  ctx: NodeContext,
  peer: Peer,
  end: PeerEnd,
  message: Hello
): Handshake.Accepted | Handshake.Refused =>
  ctx.rules.checkHello(message, {
    local: {
      protocol: Handshake.protocolVersion,
      rule: Handshake.ruleVersion,
      network: ctx.setup.network.name,
      genesis: ctx.setup.network.genesis
    },
    dir: end.direction === "inbound" ? "in" : "out",
    remote: peer.ip,
    isOwnDial: (nonce) => ctx.slots.isOwnNonce(nonce),
    bannedMs: ctx.protection.bannedMs(peer.ip, ctx.timers.now()),
    known: ctx.slots.hasPlace(peer.ip),
    placesTaken: ctx.slots.placesTaken,
    maxPeers: placesFor(ctx, peer, end)
  })

/**
 * How many places may be taken before the peer gets none on this end. Peers that we dial have `maxPeers`. Peers that dial us have fewer, by the
 * outbound places still empty, so that inbound peers cannot take the places of peers we would choose. A configured peer comes in beyond both, so
 * that strangers cannot lock it out. The total is at most `maxPeers` plus the configured peers (docs/decisions/0062, 0072).
 */
export const placesFor = ({ setup, slots }: NodeContext, { book }: Peer, { direction }: PeerEnd): number => {
  const { maxPeers } = setup.tuning
  if (book.source === "configured") return maxPeers + Limits.configuredPeers
  if (direction === "outbound") return maxPeers
  const reserved = Math.min(Limits.outboundPlaces, Math.floor(maxPeers * Limits.outboundShare))
  return maxPeers - Math.max(0, reserved - slots.chosenPlaces)
}

/** Gives the peer a place, by this end. */
export const takePlace = ({ protection, slots, timers }: NodeContext, { book, ip }: Peer, end: PeerEnd): void => {
  if (end.direction === "inbound" && !end.isKnown && !slots.hasPlace(ip)) {
    protection.newcomers.cameIn(PeerIp.netgroup(ip), timers.now())
  }
  slots.takePlace(ip, end.direction === "outbound" && book.source !== "configured")
}

/** Why the peer gets no place. `undefined`: a place is free, or the peer has one. */
export const full = (ctx: NodeContext, peer: Peer, end: PeerEnd): string | undefined => {
  const places = placesFor(ctx, peer, end)
  return !ctx.slots.hasPlace(peer.ip) && ctx.slots.placesTaken >= places
    ? `peer limit reached (${places})`
    : undefined
}

// --- messages ---------------------------------------------------------------------

/** Why an application message is not allowed now. `undefined`: it is. */
export const message = ({ up }: PeerEnd, tag: string): string | undefined =>
  up === undefined ? `${tag} before the connection is up` : undefined

// --- addresses --------------------------------------------------------------------

/** Whether a gossiped address is worth knowing. New addresses count against the peer that sent them. */
export const gossip = (ctx: NodeContext, from: Peer, { ip, port }: PeerAddress): boolean => {
  const known = ctx.table.get(ip)
  // Most gossiped addresses are known already: in a mesh that forms, every node gossips every other.
  if (known?.dialable === true || port < Limits.toldPortLeast) return false
  if (!PeerIp.isOfUse(PeerIp.classOf(ip), from.ipClass) || !address(ctx, ip)) return false
  if (ctx.protection.bannedMs(ip, ctx.timers.now()) !== undefined) return false
  return known !== undefined || ctx.book.get(ip) !== undefined || mayAdd(ctx, from)
}

/** Whether an address can be a peer's at all: neither special nor our own. */
export const address = (ctx: NodeContext, ip: PeerIp.PeerIp): boolean =>
  PeerIp.classOf(ip) !== "special" && ctx.table.own.how(ip) === undefined

/** Whether one peer's address is of use to another. */
export const fits = (told: Peer, to: Peer): boolean => PeerIp.isOfUse(told.ipClass, to.ipClass)
export const fitsIp = (told: PeerIp.PeerIp, to: Peer): boolean => PeerIp.isOfUse(PeerIp.classOf(told), to.ipClass)

/** Whether a peer may add one more address to the table. */
const mayAdd = (ctx: NodeContext, from: Peer): boolean => {
  const at = ctx.timers.now()
  const { gossip } = from
  const tokens = gossip === undefined
    ? Limits.newAddresses
    : Math.min(Limits.newAddresses, gossip.tokens + (at - gossip.at) / 1_000 * Limits.newAddressesPerSecond)
  from.gossip = { tokens: tokens < 1 ? tokens : tokens - 1, at }
  return tokens >= 1
}

// --- the table --------------------------------------------------------------------

/** The rows of addresses known only by gossip. Compute it once, and use it within one turn of the event loop. */
export interface Room {
  /** Rows whose address is in the peer book. */
  readonly inBook: number
  /** Rows whose dials have neither failed nor been refused yet. */
  readonly untried: number
  /** Makes room for one more row, dropping one whose dials failed if needed. False if there is no room. */
  readonly take: () => boolean
}

export const room = (ctx: NodeContext): Room => {
  let rows = 0
  let inBook = 0
  let untried = 0
  const spent: Array<Peer> = []
  for (const peer of ctx.table.peers()) {
    if (ctx.book.get(peer.ip) !== undefined) inBook += 1
    if (!BookEntry.isGossip(peer.book)) continue
    rows += 1
    // A host that refuses every dial never fails, and must not keep its row for that.
    if (peer.vainDials < Limits.candidateTries) untried += 1
    else if (!peer.inUse) spent.push(peer)
  }
  spent.sort((a, b) => a.vainDials - b.vainDials)
  return {
    inBook,
    untried,
    take: () => {
      if (rows < Limits.candidates) {
        rows += 1
        return true
      }
      const gone = spent.pop()
      if (gone === undefined) return false
      forget(ctx, gone)
      return true
    }
  }
}

/**
 * The row of a peer, added if needed. A full table drops its least valuable row that is not in use: first addresses where no peer ever
 * answered, then peers that were never up, then the rest; among equals the row with the most dials in vain. Configured peers are never dropped.
 * A gossiped address replaces only gossip whose dials failed, so lies displace no peer. `undefined` when no row can be dropped.
 */
export const admit = (
  ctx: NodeContext,
  ip: PeerIp.PeerIp,
  port: number | undefined,
  source: PeerSource
): Peer | undefined => {
  const known = ctx.table.get(ip) ?? ctx.table.add(ip, port, source)
  if (known !== undefined) return known
  let least: Peer | undefined
  for (const peer of ctx.table.peers()) {
    if (mayGo(peer, source) && (least === undefined || isLess(peer, least))) least = peer
  }
  if (least === undefined) return undefined
  forget(ctx, least)
  return ctx.table.add(ip, port, source)
}

const mayGo = (peer: Peer, comer: PeerSource): boolean =>
  peer.book.source !== "configured" && !peer.inUse &&
  (comer !== "gossip" || (BookEntry.evictionRank(peer.book) === 0 && peer.vainDials > 0))

const isLess = (a: Peer, b: Peer): boolean => {
  const rank = BookEntry.evictionRank(a.book) - BookEntry.evictionRank(b.book)
  return rank < 0 || (rank === 0 && a.vainDials > b.vainDials)
}

/** Drops a row, with its timers and its dials that wait for their turn. */
export const forget = (ctx: NodeContext, peer: Peer): void => {
  PairTimers.disarmAll(ctx, peer)
  ctx.table.remove(peer)
  peer.forgotten = true
  const { ends } = peer
  peer.ends = []
  ctx.slots.givePlaceBack(peer.ip)
  for (const end of ends) {
    ctx.slots.released(end)
    end.connection?.close(undefined)
  }
}

/** After the last end closed: drops the row of a peer that never sent a Hello. */
export const left = (ctx: NodeContext, peer: Peer): void => {
  if (peer.book.source === "inbound" && peer.ends.length === 0 && !peer.book.saidHello) forget(ctx, peer)
}
