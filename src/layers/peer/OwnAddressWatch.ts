/**
 * Counts which addresses peers see this node at (`domain/peer/OwnAddress`), shortly after connections come up. A newly confirmed address is
 * reported once, and advertised to peers that know this node by another: they can dial it when their connection ends.
 */
import * as Limits from "../../domain/Limits.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as OwnAddress from "../../domain/peer/OwnAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Gate from "./Gate.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"

/** Which of this node's addresses each connected peer sees. */
export const observations = function*(peers: Iterable<Peer>): Iterable<OwnAddress.Observation> {
  for (const { ip, pair, up } of peers) {
    const seen = up === undefined ? undefined : Pair.known(pair, up.end.id)?.self
    if (seen !== undefined) yield { from: ip, seen }
  }
}

/** A connection came up: schedules a count of the votes. */
export const onUp = (ctx: NodeContext): void => {
  const { own } = ctx.table
  if (own.isCounting) return
  own.isCounting = true
  ctx.timers.arm(Limits.ownAddressMs, () => {
    own.isCounting = false
    if (!ctx.slots.closed) count(ctx)
  })
}

const count = (ctx: NodeContext): void => {
  const { own } = ctx.table
  for (const seen of OwnAddress.count(observations(ctx.table.peers()))) {
    if (!OwnAddress.isConfirmed(seen)) continue
    const change = own.confirm(seen.ip)
    if (change === undefined) continue
    ctx.emit({ _tag: "OwnAddressSeen", ip: seen.ip, before: change.before, groups: seen.groups })
    advertise(ctx, seen.ip)
  }
}

/** Only to peers that could dial the address, and know this node by another address of the same scope. */
const advertise = (ctx: NodeContext, ip: PeerIp): void => {
  if (ctx.listenPort === 0) return
  for (const peer of ctx.table.peers()) {
    const { up } = peer
    if (up === undefined || up.greeting.namesUs === ip) continue
    if (OwnAddress.scopeOf(up.greeting.namesUs) !== OwnAddress.scopeOf(ip) || !Gate.fitsIp(ip, peer)) continue
    Outgoing.bulk(ctx, up, { _tag: "Peers", peers: [{ ip, port: ctx.listenPort }] })
  }
}
