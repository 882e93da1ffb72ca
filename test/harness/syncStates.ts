/** States of the sync planner put together by hand: a node at height 10, peers that announce 20, branches that leave it there. */
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as SyncState from "../../src/domain/sync/SyncState.ts"
import * as SyncWork from "../../src/domain/sync/SyncWork.ts"

/** Number `n` is 10.0.0.n. */
export const ip = (n: number): PeerIp.PeerIp => PeerIp.fromStringUnsafe(`10.0.0.${n}`)

/** Of equal heights, `hash` tells them apart; the lower text is the better chain. */
export const tip = (height: number, hash = "m"): SyncState.SyncTip => ({ height, hash: `${hash}${height}` })

export const on = (branch: number, height = 20, shown = height): SyncState.OnBranch => ({ branch, height, shown })

export const peer = (n: number, change: Partial<SyncState.SyncPeer> = {}): SyncState.SyncPeer => ({
  ...SyncWork.newPeer(ip(n), tip(20), undefined),
  ...change
})

export const branch = (
  id: number,
  height: number,
  change: Partial<SyncState.SyncBranch> = {}
): SyncState.SyncBranch => ({
  id,
  fork: 10,
  tip: tip(height),
  base: change.fork ?? 10,
  held: [],
  heldBytes: 0,
  delivered: 0,
  trunk: undefined,
  ...change
})

/** Peer `n` was asked for blocks 11 to 14 of branch 1. */
export const request = (
  id: number,
  n: number,
  change: Partial<SyncState.SyncRequest> = {}
): SyncState.SyncRequest => ({
  id,
  peer: ip(n),
  branch: 1,
  next: 11,
  to: 14,
  stalled: false,
  doubled: false,
  ...change
})

/** Peer `n` was asked for the headers of its tip. */
export const reading = (
  id: number,
  n: number,
  change: Partial<SyncState.HeaderRequest> = {}
): SyncState.HeaderRequest => ({
  id,
  peer: ip(n),
  told: tip(20),
  ours: 10,
  reached: -1,
  stalled: false,
  ...change
})

export const node = (
  peers: ReadonlyArray<SyncState.SyncPeer>,
  change: Partial<SyncState.SyncState> = {}
): SyncState.SyncState => ({ ...SyncState.start(tip(10)), peers, ...change })
