/** What the schedule of sync asks, read from its actions. */
import type * as SyncState from "../../src/domain/sync/SyncState.ts"
import * as States from "./syncStates.ts"

/** Its next request is number 100. */
export const node = (peers: ReadonlyArray<SyncState.SyncPeer>, change: Partial<SyncState.SyncState> = {}) =>
  States.node(peers, { nextId: 100, ...change })

export const bodies = (actions: ReadonlyArray<SyncState.SyncAction>) =>
  actions.flatMap((action) =>
    action._tag === "GetBlocks"
      ? [[Number(action.peer.slice(7)), action.from, action.from + action.count - 1] as const]
      : []
  )

export const headersOf = (actions: ReadonlyArray<SyncState.SyncAction>) =>
  actions.flatMap((action) => action._tag === "GetHeaders" ? [Number(action.peer.slice(7))] : [])
