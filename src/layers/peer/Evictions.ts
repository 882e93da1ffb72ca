/** Makes room in a full node for a peer that came (domain/protection/Eviction). */
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Eviction from "../../domain/protection/Eviction.ts"
import type { Hello } from "../../domain/wire/Message.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import type { Peer } from "./Peer.ts"

interface Candidate extends Eviction.Candidate {
  readonly peer: Peer
}

/** The peer said a good Hello on a socket that it opened, and every place is taken: a peer that may go for it loses its connection. */
export const makeRoom = (ctx: NodeContext, newcomer: Peer, hello: Hello): void => {
  const { protection } = ctx
  const now = ctx.timers.now()
  const group = PeerIp.operatorOf(newcomer.ip)
  const chosen = Eviction.choose(
    candidates(ctx),
    {
      group,
      peers: Handshake.peersOf(hello),
      isKnown: Gate.isKnown(ctx, newcomer.ip),
      groupHelpedAt: protection.helped.get(group)
    },
    now
  )
  if (chosen === undefined) return
  if (chosen.isHelp) remember(protection.helped, group, now)
  const { peer } = chosen.victim
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

const remember = (helped: Map<string, number>, group: string, now: number): void => {
  helped.delete(group)
  helped.set(group, now)
  if (helped.size <= Limits.evictionGroupsKnown) return
  const [oldest] = helped.keys()
  if (oldest !== undefined) helped.delete(oldest)
}
