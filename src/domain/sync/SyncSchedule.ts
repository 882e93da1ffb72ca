/** The planner's decisions: whom to ask for headers, whom for which bodies, when to give up a header chain, when it is done. */
import * as Limits from "../Limits.ts"
import * as Ranges from "./Ranges.ts"
import { isBetter, type SyncPeer, type SyncState } from "./SyncState.ts"
import * as SyncWork from "./SyncWork.ts"
import type { Work } from "./SyncWork.ts"

/** After every event. */
export const settle = (work: Work): void => {
  prune(work)
  askHeaders(work)
  askBodies(work)
  if (abandonable(work)) {
    abandon(work)
    askHeaders(work)
    askBodies(work)
  }
  const synced = isSynced(work)
  if (synced && !work.synced) work.actions.push({ _tag: "Done", tip: work.chain })
  work.synced = synced
}

// --- headers ----------------------------------------------------------------------

const needsHeaders = (work: Pick<SyncState, "headers">, peer: SyncPeer): boolean =>
  peer.recheck || (!peer.tooDeep && isBetter(peer.tip, work.headers))

/** One conversation at a time, with whom tells of the best chain; the next when that one stalls. */
const askHeaders = (work: Work): void => {
  if (!mayReadOn(work)) return
  if (work.headerRequest !== undefined) {
    const current = SyncWork.find(work, work.headerRequest.peer)
    if (current !== undefined && SyncWork.isUsable(current)) return
  }
  let best: SyncPeer | undefined
  for (const peer of work.peers) {
    if (!SyncWork.isUsable(peer) || !needsHeaders(work, peer)) continue
    if (
      best === undefined || isBetter(peer.tip, best.tip) || (peer.tip.hash === best.tip.hash && pace(peer) < pace(best))
    ) {
      best = peer
    }
  }
  if (best === undefined) return
  if (work.headerRequest !== undefined) SyncWork.owe(work, work.headerRequest.peer, 1)
  readHeaders(work, best, -1)
}

/** Asks for the next headers of a conversation that has come to `reached` (−1: a new one). */
export const readHeaders = (work: Work, peer: SyncPeer, reached: number): void => {
  ask(work, peer)
  const id = work.nextId++
  work.headerRequest = { id, peer: peer.id, told: peer.tip.height, reached }
  work.actions.push({ _tag: "GetHeaders", peer: peer.id, request: id })
}

/** Headers cost a peer nothing to make up, and us memory: so they run ahead of the bodies only so far. */
export const mayReadOn = (work: Pick<SyncState, "headers" | "base">): boolean =>
  work.headers.height - work.base < Limits.headersAhead

const pace = (peer: SyncPeer): number => peer.pieceMs ?? Infinity

/** The peer's timer begins when it had nothing to answer before. */
const ask = (work: Work, peer: SyncPeer): void => {
  if (peer.owed > 0 || work.headerRequest?.peer === peer.id || SyncWork.outstanding(work, peer.id) > 0) return
  work.touched.add(peer.id)
}

// --- bodies -----------------------------------------------------------------------

/** Requests all of whose blocks are there: the first ones stored, maybe, and the others held. */
const prune = (work: Work): void => {
  SyncWork.cancel(work, ({ next, to }) => {
    const first = Math.max(next, work.base + 1)
    return to < first || work.held.some((range) => range.from <= first && to <= range.to)
  })
}

/** The last height that may be asked for now. */
const windowEnd = (work: Pick<SyncState, "base" | "headers" | "heldBytes">): number =>
  Math.min(
    work.headers.height,
    work.base + (work.heldBytes >= Limits.syncWindowBytes ? Limits.blocksPerRequest : Limits.syncWindowBlocks)
  )

/** Heights nobody who answers is working on, in one sweep over what is held and asked for. */
export const missing = (
  work: Pick<SyncState, "base" | "headers" | "heldBytes" | "held" | "requests">
): Ranges.Ranges => {
  const covered: Array<Ranges.Range> = [...work.held]
  for (const request of work.requests) if (!request.stalled) covered.push({ from: request.next, to: request.to })
  covered.sort((a, b) => a.from - b.from)
  const end = windowEnd(work)
  const ranges: Array<Ranges.Range> = []
  let from = work.base + 1
  for (const range of covered) {
    if (range.from > end) break
    if (range.from > from) ranges.push({ from, to: range.from - 1 })
    from = Math.max(from, range.to + 1)
  }
  if (from <= end) ranges.push({ from, to: end })
  return ranges
}

const askBodies = (work: Work): void => {
  const ranges = [...missing(work)]
  const loads = SyncWork.loads(work)
  const share = Math.max(Limits.blocksFirstRequest, Math.ceil(Ranges.size(ranges) / suppliers(work, loads, ranges)))
  for (let first = ranges.shift(); first !== undefined; first = ranges.shift()) {
    if (mayWait(work, first)) break
    const peer = quickest(work, loads, first.from)
    if (peer === undefined) return
    const to = request(work, peer, first.from, Math.min(first.to, first.from + share - 1), room(loads, peer))
    loads.set(peer.id, SyncWork.loaded(loads.get(peer.id), to - first.from + 1))
    if (to < first.to) ranges.unshift({ from: to + 1, to: first.to })
  }
  double(work, loads)
}

/** A few heights that the window has just reached wait for more to follow, while there is work: for fewer, larger requests. */
const mayWait = (work: Work, range: Ranges.Range): boolean =>
  range.to - range.from + 1 < Limits.blocksWorthAsking && range.to === windowEnd(work) &&
  (range.to < work.headers.height || work.headerRequest !== undefined) &&
  work.requests.some((request) => !request.stalled)

/** How many peers could be asked for the first of these heights: a little work is shared among all, to be done sooner. */
const suppliers = (work: Work, loads: SyncWork.Loads, ranges: Ranges.Ranges): number => {
  const height = ranges[0]?.from ?? Infinity
  let n = 1
  for (const peer of work.peers) if (canSupply(peer, loads, height)) n++
  return Math.max(1, n - 1)
}

/** Blocks a peer may be asked for at once: void requests, whose answers are still to come, count. */
const room = (loads: SyncWork.Loads, peer: SyncPeer): number => {
  const load = loads.get(peer.id)
  return peer.owed + (load?.requests ?? 0) >= Limits.requestsPerPeer
    ? 0
    : Limits.blocksInFlightPerPeer - (load?.blocks ?? 0)
}

const canSupply = (peer: SyncPeer, loads: SyncWork.Loads, height: number): boolean =>
  SyncWork.isUsable(peer) && SyncWork.lastOf(peer) >= height && room(loads, peer) > 0

/**
 * Of the peers that have the block and room for a request, the one with the least to do for its pace, so that all are used
 * and every pace stays known; among idle ones the one from which it is expected first.
 */
const quickest = (work: Work, loads: SyncWork.Loads, height: number): SyncPeer | undefined => {
  let best: SyncPeer | undefined
  let bestLoad = Infinity
  let bestMs = Infinity
  for (const peer of work.peers) {
    if (!canSupply(peer, loads, height)) continue
    const blocks = loads.get(peer.id)?.blocks ?? 0
    const load = blocks / peer.batch
    const ms = SyncWork.expectedMs(peer, blocks + 1)
    if (load > bestLoad || (load === bestLoad && ms >= bestMs)) continue
    best = peer
    bestLoad = load
    bestMs = ms
  }
  return best
}

/** Asks for as much of the range as the peer may be asked for; the last height asked for. */
const request = (work: Work, peer: SyncPeer, from: number, most: number, roomBlocks: number): number => {
  const count = Math.min(most - from + 1, peer.batch, roomBlocks, SyncWork.lastOf(peer) - from + 1)
  const to = from + Math.max(1, count) - 1
  ask(work, peer)
  const id = work.nextId++
  work.requests = [...work.requests, { id, peer: peer.id, next: from, to, stalled: false, doubled: false }]
  work.actions.push({ _tag: "GetBlocks", peer: peer.id, request: id, from, count: to - from + 1 })
  return to
}

/**
 * At the end of the window everything is asked for, and the window cannot move before its first block comes. A peer with
 * nothing to do is asked for the same, once, if it can be expected to take less than half the time.
 */
const double = (work: Work, loads: SyncWork.Loads): void => {
  if (work.headerRequest !== undefined && windowEnd(work) === work.headers.height) return
  let first: SyncState["requests"][number] | undefined
  for (const request of work.requests) {
    if (!request.stalled && (first === undefined || request.next < first.next)) first = request
  }
  if (first === undefined || first.doubled) return
  const { id, next, peer: holderId, to } = first
  const holder = SyncWork.find(work, holderId)
  if (holder === undefined) return
  const holderMs = SyncWork.expectedMs(holder, loads.get(holderId)?.blocks ?? 0)
  const idle = work.peers.find((peer) =>
    peer.id !== holderId && loads.get(peer.id) === undefined && canSupply(peer, loads, next) &&
    2 * SyncWork.expectedMs(peer, to - next + 1) < holderMs
  )
  if (idle === undefined) return
  const second = work.nextId
  request(work, idle, next, to, room(loads, idle))
  work.requests = work.requests.map((request) =>
    request.id === id || request.id === second ? { ...request, doubled: true } : request
  )
}

// --- verdicts -----------------------------------------------------------------------

/**
 * The next body is with nobody who answers. If somebody who answers tells of a better chain than ours, that one is to be
 * had, and this header chain is not, for now; if not even a silent peer may have the body, it never is. (Headers cost
 * nothing to make up.)
 */
const abandonable = (work: Work): boolean => {
  const next = firstGap(work)
  if (next > windowEnd(work)) return false
  if (work.requests.some((request) => !request.stalled && request.next <= next && next <= request.to)) return false
  if (work.headerRequest !== undefined) {
    const current = SyncWork.find(work, work.headerRequest.peer)
    if (current !== undefined && SyncWork.isUsable(current)) return false
  }
  const usable = work.peers.filter(SyncWork.isUsable)
  if (work.peers.length === 0 || usable.some((peer) => SyncWork.lastOf(peer) >= next)) return false
  return usable.some((peer) => !peer.tooDeep && isBetter(peer.tip, work.chain)) ||
    !work.peers.some((peer) => peer.blamed === undefined && SyncWork.lastOf(peer) >= next)
}

/** The first height above `base` that is not held. */
const firstGap = (work: Work): number => {
  const [first] = work.held
  return first !== undefined && first.from === work.base + 1 ? first.to + 1 : work.base + 1
}

const abandon = (work: Work): void => {
  SyncWork.cancel(work, () => true)
  work.headers = work.chain
  work.base = work.chain.height
  work.held = Ranges.empty
  work.heldBytes = 0
  work.peers = work.peers.map((peer) => rebased(peer, work.chain.height))
  work.actions.push({ _tag: "Abandon", base: work.base })
}

/** What is known of a peer when the header chain is another one above `fork`. */
export const rebased = (peer: SyncPeer, fork: number): SyncPeer => ({
  ...peer,
  shared: Math.min(peer.shared, fork),
  lacks: Infinity
})

const isSynced = (work: Work): boolean =>
  work.chain.hash === work.headers.hash && work.base === work.headers.height &&
  work.peers.some(SyncWork.isUsable) &&
  !work.peers.some((peer) => SyncWork.isUsable(peer) && needsHeaders(work, peer))
