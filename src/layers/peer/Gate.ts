/**
 * What comes in from outside passes here: an accepted socket, a Hello, a message, an address, and whatever needs a row of the peer table.
 * Each answer is final for that one thing; what is done about a peer is the pair machine's.
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

/** The peer of an accepted socket; `undefined`: the socket is dropped without a word. */
export const socket = (ctx: NodeContext, from: PeerIp.PeerIp): Peer | undefined =>
  ctx.slots.closed || ctx.table.isolated.has(from) || !Protection.mayEnter(ctx, from, true)
    ? undefined
    : admit(ctx, from, undefined, "inbound")

/** Whether a peer is one that the operator named, or that was well connected, and is not banned: it comes before strangers. */
export const isKnown = (ctx: NodeContext, ip: PeerIp.PeerIp): boolean => {
  if (ctx.protection.bannedMs(ip, ctx.timers.now()) !== undefined) return false
  const peer = ctx.table.get(ip)
  return (peer !== undefined && (peer.book.source === "configured" || peer.book.lastGoodAt !== undefined)) ||
    ctx.slots.hasPlace(ip) || ctx.book.tableOf(ip) === "tried"
}

/** Whether another socket may come in, and which must go for it: the oldest of a stranger, and of a known peer only for another one. */
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
 * Places taken, from which on the peer gets none on this end. Peers that this node dials have `maxPeers`; those that dial it have as many less as are
 * missing of the outbound ones, so that none can take the places of all it would choose itself. A configured peer comes in beyond them, so that
 * none can lock it out: in all there are no more than `maxPeers` and the configured peers (docs/decisions/0062, 0072).
 */
export const placesFor = ({ setup, slots }: NodeContext, { book }: Peer, { direction }: PeerEnd): number => {
  const { maxPeers } = setup.tuning
  if (book.source === "configured") return maxPeers + Limits.configuredPeers
  if (direction === "outbound") return maxPeers
  const reserved = Math.min(Limits.outboundPlaces, Math.floor(maxPeers * Limits.outboundShare))
  return maxPeers - Math.max(0, reserved - slots.chosenPlaces)
}

/** The peer has a place by this end. */
export const takePlace = ({ protection, slots, timers }: NodeContext, { book, ip }: Peer, end: PeerEnd): void => {
  if (end.direction === "inbound" && !end.isKnown && !slots.hasPlace(ip)) {
    protection.newcomers.cameIn(PeerIp.netgroup(ip), timers.now())
  }
  slots.takePlace(ip, end.direction === "outbound" && book.source !== "configured")
}

/** Why there is no place for the peer, in words; `undefined`: there is, or it has one. */
export const full = (ctx: NodeContext, peer: Peer, end: PeerEnd): string | undefined => {
  const places = placesFor(ctx, peer, end)
  return !ctx.slots.hasPlace(peer.ip) && ctx.slots.placesTaken >= places
    ? `peer limit reached (${places})`
    : undefined
}

// --- messages ---------------------------------------------------------------------

/** Why a message of the application must not come now, in words; `undefined`: it may. */
export const message = ({ up }: PeerEnd, tag: string): string | undefined =>
  up === undefined ? `${tag} before the connection is up` : undefined

// --- addresses --------------------------------------------------------------------

/** Whether an address that a peer sends is worth knowing. New ones are counted against that peer. */
export const gossip = (ctx: NodeContext, from: Peer, { ip, port }: PeerAddress): boolean => {
  const known = ctx.table.get(ip)
  // Most of what is told is known: a mesh that forms hears of every node from every other.
  if (known?.dialable === true || port < Limits.toldPortLeast) return false
  if (!PeerIp.isOfUse(PeerIp.classOf(ip), from.ipClass) || !address(ctx, ip)) return false
  if (ctx.protection.bannedMs(ip, ctx.timers.now()) !== undefined) return false
  return known !== undefined || ctx.book.get(ip) !== undefined || mayAdd(ctx, from)
}

/** Whether an address can be a peer's at all. */
export const address = (ctx: NodeContext, ip: PeerIp.PeerIp): boolean =>
  PeerIp.classOf(ip) !== "special" && ctx.table.own.how(ip) === undefined

/** Whether a peer may be sent another's address. */
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

/** The rows of addresses known by gossip alone. Count it once, and use it within one turn. */
export interface Room {
  /** Rows whose address is in the peer book. */
  readonly inBook: number
  /** Rows whose dials have not failed yet. */
  readonly untried: number
  /** Makes room for one more, in place of a row whose dials failed if need be. False: there is none. */
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
    if (peer.backoff.failures < Limits.candidateTries) untried += 1
    else if (!peer.inUse) spent.push(peer)
  }
  spent.sort((a, b) => a.backoff.failures - b.backoff.failures)
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
 * The row of a peer, made if need be. A full table drops the least of its rows that are not in use: first of addresses where no peer ever
 * answered, then of peers that were never up, then of the others; among these the one that failed most; never one that an operator named.
 * Gossip takes only the place of gossip whose dials failed, so no lies displace a peer. `undefined` when there is no such row.
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
  (comer !== "gossip" || (BookEntry.evictionRank(peer.book) === 0 && peer.backoff.failures > 0))

const isLess = (a: Peer, b: Peer): boolean => {
  const rank = BookEntry.evictionRank(a.book) - BookEntry.evictionRank(b.book)
  return rank < 0 || (rank === 0 && a.backoff.failures > b.backoff.failures)
}

/** Drops a row, and with it its timers and its dials that wait for their turn. */
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

/** After its last end closed: a peer that never said Hello leaves no row behind. */
export const left = (ctx: NodeContext, peer: Peer): void => {
  if (peer.book.source === "inbound" && peer.ends.length === 0 && !peer.book.saidHello) forget(ctx, peer)
}
