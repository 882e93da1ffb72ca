/**
 * One step of the planner in progress: a mutable copy of the state and the actions so far, never visible outside one call of
 * `SyncPlan.step`. The operations here keep what every rule relies on: a peer's timer runs exactly while it owes an answer, and a peer that
 * leaves or is dropped leaves nothing behind.
 */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"
import type {
  HeaderRequest,
  Holdoff,
  OnBranch,
  SyncAction,
  SyncBranch,
  SyncFault,
  SyncPeer,
  SyncRequest,
  SyncState,
  SyncTip
} from "./SyncState.ts"

export interface Work {
  chain: SyncTip
  oldestFork: number
  branches: ReadonlyArray<SyncBranch>
  current: number | undefined
  peers: ReadonlyArray<SyncPeer>
  headerRequests: ReadonlyArray<HeaderRequest>
  requests: ReadonlyArray<SyncRequest>
  nextId: number
  faults: ReadonlyMap<PeerIp, number>
  synced: boolean
  leftBehind: PeerIp | undefined
  readonly actions: Array<SyncAction>
  /** Peers whose answer timer must restart: they sent a whole piece, or received a request while owing nothing. */
  readonly touched: Set<PeerIp>
  /** Peers whose answer timer was running when the step began. */
  readonly timed: ReadonlySet<PeerIp>
}

/** Peers that owe an answer. */
const owing = ({ peers }: Pick<SyncState, "peers">): Set<PeerIp> => {
  const owing = new Set<PeerIp>()
  for (const peer of peers) if (peer.pending.length > 0) owing.add(peer.id)
  return owing
}

export const open = (state: SyncState): Work => ({ ...state, actions: [], touched: new Set(), timed: owing(state) })

/** Returns the state, with timers matched to the peers that owe an answer. */
export const close = (work: Work): SyncState => {
  const owed = owing(work)
  for (const peer of work.timed) {
    if (!owed.has(peer)) work.actions.push({ _tag: "Disarm", timer: { _tag: "Answer", peer } })
  }
  for (const peer of owed) {
    if (work.timed.has(peer) && !work.touched.has(peer)) continue
    const row = find(work, peer)
    if (row !== undefined) work.actions.push({ _tag: "Arm", timer: { _tag: "Answer", peer }, ms: waitMs(work, row) })
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

export const newPeer = (id: PeerIp, told: SyncTip, on: OnBranch | undefined): SyncPeer => ({
  id,
  told,
  on,
  lacks: Infinity,
  reached: -1,
  knownLists: 0,
  headerBatch: Limits.headersFirstRequest,
  batch: Limits.blocksFirstRequest,
  pieceMs: undefined,
  blockMs: undefined,
  pending: [],
  stalls: 0,
  trickles: false,
  answers: 0,
  refusals: 0,
  recheck: false,
  holdoff: undefined,
  holdoffs: 0,
  badCopies: 0,
  apart: undefined,
  clockBehind: undefined,
  blamed: undefined
})

/** A usable peer is connected, not known to have lied, and responsive. */
export const isUsable = (peer: SyncPeer): boolean => peer.blamed === undefined && peer.stalls === 0

/** A request was sent: its answer comes last. Returns its number. */
export const asked = (work: Work, peer: SyncPeer): number => {
  const id = work.nextId++
  const pending = find(work, peer.id)?.pending ?? []
  if (pending.length === 0) work.touched.add(peer.id)
  change(work, peer.id, { pending: [...pending, id] })
  return id
}

/**
 * A whole piece of an answer to `request` arrived, so the peer is responsive after all. Answers come in request order, so those to earlier
 * requests will not come any more: lost if it happens once, withheld if it repeats.
 */
export const answered = (work: Work, peer: SyncPeer, request: number, done: boolean): void => {
  const at = peer.pending.indexOf(request)
  work.touched.add(peer.id)
  const lost = at < 0 ? [] : peer.pending.slice(0, at)
  change(work, peer.id, {
    pending: at < 0 ? peer.pending : peer.pending.slice(done ? at + 1 : at),
    stalls: 0,
    trickles: false,
    answers: peer.answers + 1,
    refusals: peer.refusals + (lost.length > 0 ? 1 : 0)
  })
  if (lost.length > 0) {
    work.headerRequests = work.headerRequests.filter(({ id }) => !lost.includes(id))
    cancel(work, ({ id }) => lost.includes(id))
  }
  // It is working on its late requests after all, unless other peers are by now.
  work.requests = work.requests.map((other) =>
    other.peer === peer.id && other.stalled && !isCovered(work, other) ? { ...other, stalled: false } : other
  )
}

/** Whether another peer is working on the rest of a stalled request, in whole or in part. */
const isCovered = (work: Work, request: SyncRequest): boolean =>
  work.requests.some((other) =>
    other.id !== request.id && other.branch === request.branch && !other.stalled &&
    other.next <= request.to && request.next <= other.to
  )

/** Cancels requests: nothing waits for them, but their answers will still come. */
export const cancel = (work: Work, isVoid: (request: SyncRequest) => boolean): void => {
  for (const request of work.requests) {
    if (isVoid(request)) work.actions.push({ _tag: "Forget", request: request.id })
  }
  work.requests = work.requests.filter((request) => !isVoid(request))
}

/** A peer that leaves or is dropped owes nothing, and is on no branch. */
export const release = (work: Work, id: PeerIp): void => {
  work.headerRequests = work.headerRequests.filter((request) => request.peer !== id)
  cancel(work, (request) => request.peer === id)
  if (find(work, id)?.holdoff !== undefined) {
    work.actions.push({ _tag: "Disarm", timer: { _tag: "Holdoff", peer: id } })
  }
  change(work, id, { pending: [], on: undefined, holdoff: undefined })
}

/** Drops the peer, once. Its fault is remembered for when it returns. */
export const blame = (work: Work, id: PeerIp, fault: SyncFault, detail: string): void => {
  if (find(work, id)?.blamed !== undefined) return
  release(work, id)
  change(work, id, { blamed: fault })
  remember(work, id, faultsOf(work, id) + 1)
  work.actions.push({ _tag: "Drop", peer: id, fault, detail })
}

export const faultsOf = (work: Pick<SyncState, "faults">, id: PeerIp): number => work.faults.get(id) ?? 0

/** Sets the address's number of faults. */
export const remember = (work: Work, id: PeerIp, count: number): void => {
  const faults = new Map(work.faults)
  faults.delete(id)
  if (count > 0) faults.set(id, count)
  for (const oldest of faults.keys()) {
    if (faults.size <= Limits.rememberedFaults) break
    faults.delete(oldest)
  }
  work.faults = faults
}

/** Holds the peer off for `ms`, doubled for each of `times` before, within bounds: it is not asked for headers meanwhile. */
export const holdOff = (work: Work, id: PeerIp, why: Holdoff, ms: number, times = 0): void => {
  const wait = Math.min(Limits.holdoffMostMs, ms * 2 ** Math.min(times, 20))
  change(work, id, { holdoff: why })
  work.actions.push({ _tag: "Arm", timer: { _tag: "Holdoff", peer: id }, ms: wait })
}

// --- pace -----------------------------------------------------------------------

const smooth = (old: number | undefined, sample: number): number =>
  old === undefined ? sample : old * 0.75 + sample * 0.25

/** The number that arrives within the target time, but not many times more than before. */
const paced = (unitMs: number, targetMs: number, greatest: number): number =>
  Math.max(1, Math.min(greatest, Math.floor(targetMs / Math.max(unitMs, 0.001))))

/** A piece of an answer with `blocks` took `ms`. */
export const blocksMeasured = (work: Work, id: PeerIp, ms: number, blocks: number): void => {
  const peer = find(work, id)
  if (peer === undefined) return
  const pieceMs = smooth(peer.pieceMs, ms)
  if (blocks === 0) return change(work, id, { pieceMs })
  const blockMs = smooth(peer.blockMs, ms / blocks)
  change(work, id, {
    pieceMs,
    blockMs,
    batch: paced(blockMs, Limits.requestTargetMs, Math.min(Limits.blocksPerRequest, 2 * peer.batch))
  })
}

/** A list of `headers` took `ms`. */
export const headersMeasured = (work: Work, id: PeerIp, ms: number, headers: number): void => {
  const peer = find(work, id)
  if (peer === undefined) return
  const pieceMs = smooth(peer.pieceMs, ms)
  // A short list says nothing about the pace.
  if (headers < Math.min(peer.headerBatch, Limits.headersFirstRequest)) return change(work, id, { pieceMs })
  const greatest = Math.min(Limits.headersPerMessage, 8 * peer.headerBatch)
  const headerBatch = Math.max(Limits.headersLeastRequest, paced(ms / headers, Limits.headersTargetMs, greatest))
  change(work, id, { pieceMs, headerBatch })
}

/** ms. Expected time of the peer per header; a peer of unknown pace is worth a try. */
export const headerMs = ({ headerBatch, pieceMs }: SyncPeer): number =>
  pieceMs === undefined ? 1 : pieceMs / headerBatch

/** Blocks that a peer still has to send. */
export const outstanding = (work: Pick<SyncState, "requests">, id: PeerIp): number =>
  work.requests.reduce((n, request) => request.peer === id ? n + request.to - request.next + 1 : n, 0)

/** ms. Expected time of the peer for `blocks`. */
export const expectedMs = (peer: SyncPeer, blocks: number): number => (peer.pieceMs ?? 0) + (peer.blockMs ?? 1) * blocks

/** ms. Timeout for a whole piece of an answer, after which the peer is late: by its own pace, doubled after each stall. */
export const waitMs = (work: Pick<SyncState, "requests">, peer: SyncPeer): number => {
  const base = peer.pieceMs === undefined
    ? Limits.stallFirstMs
    : Math.max(Limits.stallLeastMs, Limits.stallFactor * expectedMs(peer, outstanding(work, peer.id)))
  return Math.min(Limits.stallMostMs, base * 2 ** peer.stalls)
}

/** Consecutive timeouts without a whole piece of an answer before the peer is dropped: fewer if it never sent any, or after faults. */
export const patience = (work: Pick<SyncState, "faults">, peer: SyncPeer): number =>
  Math.max(1, (peer.answers === 0 ? Limits.stallsFirst : Limits.stallsMost) - faultsOf(work, peer.id))
