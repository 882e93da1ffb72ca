/**
 * Cuts a node off from some addresses, as a pulled cable would: for drills, such as the partition of a test network. No Reject is sent, so
 * both ends see what a real cut shows them.
 */
import { Effect } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { type NodeContext, post } from "./NodeContext.ts"

/** What `ConnectionManager.isolate` does. `PairTimers` holds back the dials meanwhile, `Gate` refuses sockets. */
export const isolate = (ctx: NodeContext, ips: ReadonlyArray<PeerIp>): Effect.Effect<void> =>
  Effect.sync(() => {
    const before = [...ctx.table.isolated]
    ctx.table.isolated.clear()
    for (const ip of ips) ctx.table.isolated.add(ip)
    const reason = DisconnectReason.local("reset", "isolated")
    for (const ip of ips) {
      const peer = ctx.table.get(ip)
      if (peer === undefined) continue
      for (const { id } of peer.ends) post(ctx, peer, { _tag: "Closed", end: id, reason })
    }
    for (const ip of before) {
      const peer = ctx.table.get(ip)
      // What failed while the cable was out says nothing about the peer.
      if (peer !== undefined && !ctx.table.isolated.has(ip)) peer.backoff = Backoff.start
    }
  })
