/** Makes room in a full node for a newcomer (domain/protection/Eviction). */
import { putLatest } from "../../domain/latest.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Eviction from "../../domain/protection/Eviction.ts"
import type { Hello } from "../../domain/wire/Message.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd } from "./PeerEnd.ts"

interface Candidate extends Eviction.Candidate {
  readonly peer: Peer
}

/**
 * An inbound peer sent a valid Hello, and every place is taken: evicts peers to make room. Usually one; more where configured peers have
 * come in beyond the limit. If too few can be evicted, no peer is.
 */
export const makeRoom = (ctx: NodeContext, newcomer: Peer, end: PeerEnd, hello: Hello): void => {
  const { protection } = ctx
  const now = ctx.timers.now()
  const comer = comerOf(ctx, newcomer, hello)
  const { group } = comer
  const places = Gate.placesFor(ctx, newcomer, end)
  const victims: Array<Peer> = []
  let isHelp = false
  let left = candidates(ctx)
  for (let taken = ctx.slots.placesTaken; taken >= places; taken -= 1) {
    const chosen = Eviction.choose(left, comer, now)
    if (chosen === undefined) return
    isHelp ||= chosen.isHelp
    victims.push(chosen.victim.peer)
    left = left.filter(({ peer }) => peer !== chosen.victim.peer)
  }
  if (isHelp) putLatest(protection.helped, group, now, Limits.evictionGroupsKnown)
  for (const peer of victims) evict(ctx, peer, newcomer)
}

/**
 * Whether a free place is withheld from this inbound peer because others in need have asked first and it is not its turn. Without this,
 * the peer that retries most often would take every place that comes free.
 */
export const isKeptFrom = (ctx: NodeContext, newcomer: Peer, { direction }: PeerEnd, hello: Hello): boolean =>
  direction === "inbound" && !ctx.slots.hasPlace(newcomer.ip) &&
  ctx.protection.newcomers.isAwaited(ctx.timers.now()) && !comerOf(ctx, newcomer, hello).isItsTurn

const comerOf = (ctx: NodeContext, newcomer: Peer, hello: Hello): Eviction.Newcomer => {
  const now = ctx.timers.now()
  const group = PeerIp.operatorOf(newcomer.ip)
  const asks = {
    group,
    peers: Handshake.peersOf(hello),
    isKnown: Gate.isKnown(ctx, newcomer.ip),
    groupHelpedAt: ctx.protection.helped.get(group)
  }
  return { ...asks, isItsTurn: asks.isKnown || (Eviction.isInNeed(asks, now) && isNext(ctx, newcomer, now)) }
}

/**
 * Whether no stranger of another netgroup comes before it. Netgroups are /16 and /32 on private networks too: otherwise a thousand loopback
 * addresses would count as a thousand askers.
 */
const isNext = ({ book, protection }: NodeContext, { ip }: Peer, now: number): boolean =>
  protection.newcomers.isNext(PeerIp.netgroup(ip), book.groupOrder(ip), now)

const evict = (ctx: NodeContext, peer: Peer, newcomer: Peer): void => {
  ctx.emit({ _tag: "Evicted", ip: peer.ip, other: newcomer.ip })
  post(ctx, peer, {
    _tag: "Stopped",
    reject: "evicted",
    detail: "this node is full, and another peer needs the place",
    retryMs: Handshake.clampRetry(Handshake.retryAfterMs("evicted"), ctx.jitter())
  })
}

const candidates = ({ book, protection, table }: NodeContext): ReadonlyArray<Candidate> => {
  const found: Array<Candidate> = []
  for (const peer of table.peers()) {
    const { up } = peer
    if (up === undefined || up.end.direction === "outbound" || peer.book.source === "configured") continue
    found.push({
      peer,
      group: PeerIp.operatorOf(peer.ip),
      keyed: book.groupOrder(peer.ip),
      leastRttMs: up.liveness.rtt?.leastMs,
      usefulAt: peer.usefulAt,
      isMasternode: protection.masternodes.has(peer.ip),
      isKnown: up.end.isKnown,
      since: up.at
    })
  }
  return found
}
