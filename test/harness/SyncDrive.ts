/** Drives the sync planner in tests. */
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as SyncPlan from "../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../src/domain/sync/SyncState.ts"

/** A tip whose hash follows from its height. */
export const tip = (height: number): SyncState.SyncTip => ({ height, hash: height.toString(16).padStart(64, "0") })

/** The state after the events, from genesis unless told otherwise, and all actions on the way. */
export const drive = (events: ReadonlyArray<SyncState.SyncEvent>, from = SyncState.start(tip(0))) => {
  let state = from
  const actions: Array<SyncState.SyncAction> = []
  for (const event of events) {
    const [next, done] = SyncPlan.step(state, event)
    state = next
    actions.push(...done)
  }
  return { state, actions, of: (id: PeerIp) => state.peers.find((peer) => peer.id === id) }
}
