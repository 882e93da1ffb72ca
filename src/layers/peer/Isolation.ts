/**
 * Cuts a node off from some addresses, like a pulled cable, for drills such as partitioning a test network. No Reject is sent, so both ends
 * see what they would see in a real cut.
 */
import { Effect } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { type NodeContext, post } from "./NodeContext.ts"

/** Implements `ConnectionManager.isolate`. Meanwhile `PairTimers` holds back dials, and `Gate` refuses sockets. */
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
      // Failures during the cut say nothing about the peer.
      if (peer !== undefined && !ctx.table.isolated.has(ip)) peer.backoff = Backoff.start
    }
  })
