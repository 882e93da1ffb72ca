/**
 * One step of the planner in the making: a mutable copy of the state and the actions so far, never seen outside of one
 * call of `SyncPlan.step`. The operations here keep what every rule relies on: a peer's timer runs exactly while it owes
 * an answer, and a peer that leaves or is blamed leaves nothing behind.
 */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"
import type * as Ranges from "./Ranges.ts"
import type { HeaderRequest, SyncAction, SyncFault, SyncPeer, SyncRequest, SyncState, SyncTip } from "./SyncState.ts"

export interface Work {
  chain: SyncTip
  headers: SyncTip
  base: number
  held: Ranges.Ranges
  heldBytes: number
  peers: ReadonlyArray<SyncPeer>
  headerRequest: HeaderRequest | undefined
  requests: ReadonlyArray<SyncRequest>
  nextId: number
  synced: boolean
  readonly actions: Array<SyncAction>
  /** Peers whose timer must start anew, because they gave a sign or were asked after having nothing to answer. */
  readonly touched: Set<PeerIp>
  /** Peers whose timer ran when the step began. */
  readonly timed: ReadonlySet<PeerIp>
}

/** Peers with an answer to give. */
const owing = (state: Pick<SyncState, "headerRequest" | "requests" | "peers">): Set<PeerIp> => {
  const peers = new Set(state.requests.map((request) => request.peer))
  if (state.headerRequest !== undefined) peers.add(state.headerRequest.peer)
  for (const peer of state.peers) if (peer.owed > 0) peers.add(peer.id)
  return peers
}

export const open = (state: SyncState): Work => ({ ...state, actions: [], touched: new Set(), timed: owing(state) })

/** The state, with the timers brought in line with who owes an answer. */
export const close = (work: Work): SyncState => {
  const owed = owing(work)
  for (const peer of work.timed) if (!owed.has(peer)) work.actions.push({ _tag: "Disarm", timer: { peer } })
  for (const peer of owed) {
    if (work.timed.has(peer) && !work.touched.has(peer)) continue
    const row = find(work, peer)
    if (row !== undefined) work.actions.push({ _tag: "Arm", timer: { peer }, ms: waitMs(work, row) })
  }
  const { actions: _a, touched: _b, timed: _c, ...state } = work
  return state
}

// --- peers ----------------------------------------------------------------------

export const find = (work: Pick<SyncState, "peers">, id: PeerIp): SyncPeer | undefined =>
  work.peers.find((peer) => peer.id === id)

export const change = (work: Work, id: PeerIp, change: Partial<SyncPeer>): void => {
  work.peers = work.peers.map((peer) => peer.id === id ? { ...peer, ...change } : peer)
}

export const newPeer = (id: PeerIp, tip: SyncTip): SyncPeer => ({
  id,
  tip,
  shared: 0,
  lacks: Infinity,
  pieceMs: undefined,
  blockMs: undefined,
  batch: Limits.blocksFirstRequest,
  owed: 0,
  stalls: 0,
  refusals: 0,
  recheck: false,
  tooDeep: false,
  blamed: undefined
})

/** A usable peer is there, honest as far as we know, and answers. */
export const isUsable = (peer: SyncPeer): boolean => peer.blamed === undefined && peer.stalls === 0

/** The last height whose block of our header chain the peer can be expected to have. */
export const lastOf = (peer: SyncPeer): number => Math.min(Math.max(peer.shared, peer.tip.height), peer.lacks - 1)

/** Makes requests void: nobody waits for them, but their answers will come. */
export const cancel = (work: Work, isVoid: (request: SyncRequest) => boolean): void => {
  for (const request of work.requests) {
    if (!isVoid(request)) continue
    work.actions.push({ _tag: "Forget", request: request.id })
    owe(work, request.peer, 1)
  }
  work.requests = work.requests.filter((request) => !isVoid(request))
}

/** An answer more, or (`change` −1) less, that nobody waits for. */
export const owe = (work: Work, id: PeerIp, by: 1 | -1): void => {
  const peer = find(work, id)
  if (peer !== undefined) change(work, id, { owed: Math.max(0, peer.owed + by) })
}

/** A peer that leaves or is not listened to has nothing to answer. */
export const release = (work: Work, id: PeerIp): void => {
  if (work.headerRequest?.peer === id) work.headerRequest = undefined
  for (const request of work.requests) {
    if (request.peer === id) work.actions.push({ _tag: "Forget", request: request.id })
  }
  work.requests = work.requests.filter((request) => request.peer !== id)
  change(work, id, { owed: 0 })
}

/** The peer pays, once, and is not used again until it has gone. */
export const blame = (work: Work, id: PeerIp, fault: SyncFault, detail: string): void => {
  if (find(work, id)?.blamed !== undefined) return
  change(work, id, { blamed: fault })
  release(work, id)
  work.actions.push({ _tag: "Blame", peer: id, fault, detail })
}

/** The peer answered or is answering: whatever it was suspected of, it is not silent. */
export const alive = (work: Work, peer: SyncPeer): void => {
  work.touched.add(peer.id)
  if (peer.stalls > 0) change(work, peer.id, { stalls: 0 })
  work.requests = work.requests.map((request) =>
    request.peer === peer.id && request.stalled && !isCovered(work, request) ? { ...request, stalled: false } : request
  )
}

/** Whether another peer is working on the rest of a stalled request, in whole or in part. */
const isCovered = (work: Work, request: SyncRequest): boolean =>
  work.requests.some((other) =>
    other.id !== request.id && !other.stalled && other.next <= request.to && request.next <= other.to
  )

const smooth = (old: number | undefined, sample: number): number =>
  old === undefined ? sample : old * 0.75 + sample * 0.25

/** A piece of an answer took `ms`; `count` blocks of it. */
export const measured = (work: Work, peer: SyncPeer, ms: number, count: number): void => {
  const pieceMs = smooth(peer.pieceMs, ms)
  if (count === 0) return change(work, peer.id, { pieceMs })
  const blockMs = smooth(peer.blockMs, ms / count)
  const paced = Math.floor(Limits.requestTargetMs / Math.max(blockMs, 0.001))
  change(work, peer.id, {
    pieceMs,
    blockMs,
    batch: Math.max(1, Math.min(Limits.blocksPerRequest, 2 * peer.batch, paced))
  })
}

// --- expectations -----------------------------------------------------------------

/** What peers have to send; who has nothing to send is not in it. */
export type Loads = Map<PeerIp, { readonly blocks: number; readonly requests: number }>

export const loaded = (load: { readonly blocks: number; readonly requests: number } | undefined, blocks: number) => ({
  blocks: (load?.blocks ?? 0) + blocks,
  requests: (load?.requests ?? 0) + 1
})

export const loads = (work: Pick<SyncState, "requests">): Loads => {
  const all: Loads = new Map()
  for (const { next, peer, to } of work.requests) all.set(peer, loaded(all.get(peer), to - next + 1))
  return all
}

/** Blocks a peer still has to send. */
export const outstanding = (work: Pick<SyncState, "requests">, id: PeerIp): number =>
  work.requests.reduce((n, request) => request.peer === id ? n + request.to - request.next + 1 : n, 0)

/** ms. How long the peer can be expected to take for `blocks`. */
export const expectedMs = (peer: SyncPeer, blocks: number): number => (peer.pieceMs ?? 0) + (peer.blockMs ?? 1) * blocks

/** ms. The silence after which the peer is late: by its own pace, twice as long after each stall. */
export const waitMs = (work: Pick<SyncState, "requests">, peer: SyncPeer): number => {
  const base = peer.pieceMs === undefined
    ? Limits.stallFirstMs
    : Math.max(Limits.stallLeastMs, Limits.stallFactor * expectedMs(peer, outstanding(work, peer.id)))
  return Math.min(Limits.stallMostMs, base * 2 ** peer.stalls)
}
