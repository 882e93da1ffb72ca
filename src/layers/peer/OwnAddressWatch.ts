/**
 * Counts at which addresses the peers see this node (`domain/peer/OwnAddress`), a moment after connections came up. An address that becomes
 * confirmed is reported once, and told to those peers that know this node by another one: when their connection ends they can dial it.
 */
import * as Limits from "../../domain/Limits.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as OwnAddress from "../../domain/peer/OwnAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Gate from "./Gate.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"

/** What the connected peers say of this node's address. */
export const observations = function*(peers: Iterable<Peer>): Iterable<OwnAddress.Observation> {
  for (const { ip, pair, up } of peers) {
    const seen = up === undefined ? undefined : Pair.known(pair, up.end.id)?.self
    if (seen !== undefined) yield { from: ip, seen }
  }
}

/** A connection came up: the votes are counted soon. */
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

/** Only to peers that could dial it, and know this node by another address of the same kind. */
const advertise = (ctx: NodeContext, ip: PeerIp): void => {
  if (ctx.listenPort === 0) return
  for (const peer of ctx.table.peers()) {
    const { up } = peer
    if (up === undefined || up.greeting.namesUs === ip) continue
    if (OwnAddress.scopeOf(up.greeting.namesUs) !== OwnAddress.scopeOf(ip) || !Gate.fitsIp(ip, peer)) continue
    Outgoing.bulk(ctx, up, { _tag: "Peers", peers: [{ ip, port: ctx.listenPort }] })
  }
}
