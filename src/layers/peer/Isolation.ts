/**
 * Cuts a node off from some addresses, as a pulled cable would: for drills, such as the partition of a test network. No
 * frame says goodbye, so that both ends see what a real cut shows them.
 */
import { Effect } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { NodeCore } from "./NodeContext.ts"

/** What `ConnectionManager.isolate` does. `PairDriver` holds back the dials meanwhile, `accepted` refuses. */
export const make = (core: NodeCore) => (ips: ReadonlyArray<PeerIp>): Effect.Effect<void> =>
  Effect.sync(() => {
    const before = [...core.isolated]
    core.isolated.clear()
    for (const ip of ips) core.isolated.add(ip)
    for (const ip of ips) {
      const row = core.table.get(ip)
      // Each step replaces the row's list: this one stays.
      const reason = DisconnectReason.local("reset", "isolated")
      for (const { id } of row?.connections ?? []) {
        if (row !== undefined) core.dispatch(row, { _tag: "Closed", end: id, reason })
      }
    }
    for (const ip of before) {
      const row = core.table.get(ip)
      // What failed while the cable was out says nothing about the peer.
      if (row !== undefined && !core.isolated.has(ip)) row.backoff = Backoff.start
    }
  })
