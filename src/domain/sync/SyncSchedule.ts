/** The planner's decisions: which peers to ask for headers, which for which bodies, and whether the node is in sync. */
import * as Limits from "../Limits.ts"
import * as Ranges from "./Ranges.ts"
import * as SyncBranches from "./SyncBranches.ts"
import {
  type HeaderRequest,
  isBetter,
  type SyncBranch,
  type SyncPeer,
  type SyncRequest,
  type SyncState
} from "./SyncState.ts"
import * as SyncVerdict from "./SyncVerdict.ts"
import * as SyncWork from "./SyncWork.ts"
import type { Work } from "./SyncWork.ts"

/** Runs after every event. */
export const settle = (work: Work): void => {
  joinClaims(work)
  SyncBranches.sweep(work)
  shed(work)
  prune(work)
  askHeaders(work)
  for (const branch of SyncBranches.wanted(work)) askBodies(work, branch)
  probe(work)
  const verdict = SyncVerdict.verdict(work)
  const synced = verdict._tag === "InSync"
  if (synced && !work.synced) work.actions.push({ _tag: "Done", tip: work.chain })
  work.synced = synced
  const apart = SyncVerdict.leftBehind(work)
  if (apart !== undefined && work.leftBehind !== apart.peer) work.actions.push({ _tag: "LeftBehind", ...apart })
  work.leftBehind = apart?.peer
}

/** A peer that announces the same tip as a peer that showed its headers joins that branch, without showing them again. */
const joinClaims = (work: Work): void => {
  for (const peer of work.peers) {
    if (!needsHeaders(work, peer) || peer.recheck || peer.on !== undefined) continue
    const other = work.peers.find(({ id, on, told }) =>
      on !== undefined && id !== peer.id && told.hash === peer.told.hash && on.height >= told.height
    )
    if (other?.on !== undefined) SyncBranches.attach(work, peer.id, { ...other.on, shown: -1 })
  }
}

/** If bodies take too much memory, drops the branch that delivered least. */
const shed = (work: Work): void => {
  while (SyncBranches.heldBytes(work) > 2 * Limits.syncWindowBytes) {
    const least = work.branches.filter((branch) => branch.id !== work.current && branch.heldBytes > 0)
      .toSorted((a, b) => a.delivered - b.delivered)[0]
    if (least === undefined) return
    for (const peer of work.peers) {
      if (peer.on?.branch === least.id) SyncWork.holdOff(work, peer.id, "probation", Limits.probationMs)
    }
    SyncBranches.detach(work, least.id)
    SyncBranches.sweep(work)
  }
}

// --- headers ----------------------------------------------------------------------

/** Whether the peer's chain is, or may be, better than ours, with headers that we do not all have. */
const needsHeaders = (work: Work, peer: SyncPeer): boolean => {
  if (!SyncWork.isUsable(peer) || peer.holdoff !== undefined) return false
  if (peer.recheck) return true
  if (!isBetter(peer.told, work.chain)) return false
  const branch = SyncBranches.find(work, peer.on?.branch)
  if (branch === undefined || peer.on === undefined) return true
  return peer.told.height > peer.on.height ||
    (peer.on.height > branch.tip.height && SyncBranches.mayReadOn(work, branch))
}

/** A few requests at a time, to the peers that announce the best chains, fastest first; to others when they stall. */
const askHeaders = (work: Work): void => {
  const asked = new Set(work.headerRequests.map(({ peer }) => peer))
  const running = work.headerRequests.filter(({ stalled }) => !stalled)
  const candidates = work.peers.filter((peer) => !asked.has(peer.id) && needsHeaders(work, peer))
    .toSorted((a, b) =>
      isBetter(a.told, b.told) ? -1 : isBetter(b.told, a.told) ? 1 : SyncWork.headerMs(a) - SyncWork.headerMs(b)
    )
  for (const peer of candidates) {
    if (running.length >= Limits.headerConversations) return
    // One request is enough for peers that announce the same tip or show the same branch.
    if (running.some((other) => sameChain(work, peer, other.peer))) continue
    const request = readHeaders(work, peer)
    running.push(request)
  }
}

const sameChain = (work: Work, peer: SyncPeer, otherId: SyncPeer["id"]): boolean => {
  const other = SyncWork.find(work, otherId)
  if (other === undefined) return false
  return (other.told.hash === peer.told.hash && !peer.recheck) ||
    (peer.on !== undefined && peer.on.branch === other.on?.branch)
}

/** Requests headers after those that the peer is showing, or that we know. */
export const readHeaders = (work: Work, peer: SyncPeer): HeaderRequest => {
  const id = SyncWork.asked(work, peer)
  const request = { id, peer: peer.id, told: peer.told, ours: work.chain.height, reached: peer.reached, stalled: false }
  work.headerRequests = [...work.headerRequests, request]
  work.actions.push({
    _tag: "GetHeaders",
    peer: peer.id,
    request: id,
    count: SyncWork.find(work, peer.id)?.headerBatch ?? 1
  })
  return request
}

// --- bodies -----------------------------------------------------------------------

/** Removes requests whose blocks have all arrived. */
const prune = (work: Work): void => {
  SyncWork.cancel(work, ({ branch: id, next, to }) => {
    const branch = SyncBranches.find(work, id)
    if (branch === undefined) return true
    const first = Math.max(next, branch.base + 1)
    return to < first || branch.held.some((range) => range.from <= first && to <= range.to)
  })
}

/** What each peer still has to send; peers with nothing to send are absent. */
type Loads = Map<SyncPeer["id"], { readonly blocks: number; readonly requests: number }>

const loaded = (load: { readonly blocks: number; readonly requests: number } | undefined, blocks: number) => ({
  blocks: (load?.blocks ?? 0) + blocks,
  requests: (load?.requests ?? 0) + 1
})

const loadsOf = (work: Pick<SyncState, "requests">): Loads => {
  const all: Loads = new Map()
  for (const { next, peer, to } of work.requests) all.set(peer, loaded(all.get(peer), to - next + 1))
  return all
}

/** The first of a request's blocks that has not arrived, from whatever peer: those before are held, or stored already. */
const firstMissing = ({ base, held }: SyncBranch, { next }: SyncRequest): number => {
  let height = Math.max(next, base + 1)
  for (const range of held) if (range.from <= height && height <= range.to) height = range.to + 1
  return height
}

/** The first block of the branch that a late peer was asked for; `undefined`: no peer is late. */
const lateFrom = (work: Work, branch: SyncBranch): number | undefined => {
  let first: number | undefined
  for (const request of work.requests) {
    if (request.branch !== branch.id || !request.stalled) continue
    first = Math.min(first ?? Infinity, firstMissing(branch, request))
  }
  return first
}

/** It has delivered blocks. */
const isProven = ({ blockMs }: SyncPeer): boolean => blockMs !== undefined

/**
 * Every peer that has delivered nothing yet, and owes nothing, is asked for one block: that shows at once which of them deliver. However many
 * do not, the next one is not waited for.
 */
const tryOut = (
  work: Work,
  sources: ReadonlyArray<SyncPeer>,
  branch: SyncBranch,
  height: number,
  loads: Loads
): void => {
  for (const peer of sources) {
    const owes = (SyncWork.find(work, peer.id) ?? peer).pending.length > 0
    if (owes || isProven(peer) || !SyncWork.isUsable(peer)) continue
    if (SyncBranches.lastOf(work, peer, branch) < height) continue
    ask(work, peer, branch, height, height, 1, true)
    loads.set(peer.id, loaded(loads.get(peer.id), 1))
  }
}

const askBodies = (work: Work, branch: SyncBranch): void => {
  const sources = work.peers.filter((peer) => SyncBranches.lastOf(work, peer, branch) > branch.base)
  const ranges = [...SyncBranches.missing(work, branch)]
  const loads = loadsOf(work)
  const able = sources.filter((peer) => canSupply(work, peer, branch, loads, ranges[0]?.from ?? Infinity)).length
  const share = Math.max(Limits.blocksFirstRequest, Math.ceil(Ranges.size(ranges) / Math.max(1, able)))
  for (let first = ranges.shift(); first !== undefined; first = ranges.shift()) {
    if (mayWait(work, branch, first)) break
    const peer = quickest(work, sources, branch, loads, first.from)
    if (peer === undefined) break
    const to = ask(work, peer, branch, first.from, Math.min(first.to, first.from + share - 1), room(loads, peer))
    loads.set(peer.id, loaded(loads.get(peer.id), to - first.from + 1))
    if (to < first.to) ranges.unshift({ from: to + 1, to: first.to })
  }
  const late = lateFrom(work, branch)
  if (late !== undefined) tryOut(work, sources, branch, late, loads)
  double(work, sources, branch, loads)
}

/** A few heights that the window has just reached wait for more to follow while there is other work: for fewer, larger requests. */
const mayWait = (work: Work, branch: SyncBranch, range: Ranges.Range): boolean =>
  SyncBranches.isEstablished(branch) && range.to - range.from + 1 < Limits.blocksWorthAsking &&
  range.to === SyncBranches.windowEnd(work, branch) &&
  (range.to < branch.tip.height || isGrowing(work, branch)) &&
  work.requests.some((request) => request.branch === branch.id && !request.stalled)

/** Headers of that branch are on the way. */
const isGrowing = (work: Work, branch: SyncBranch): boolean =>
  work.headerRequests.some(({ peer, stalled }) => !stalled && SyncWork.find(work, peer)?.on?.branch === branch.id)

/** Blocks that a peer may still be asked for: cancelled requests count until they are answered. */
const room = (loads: Loads, peer: SyncPeer): number => {
  const load = loads.get(peer.id)
  const waiting = Math.max(peer.pending.length, load?.requests ?? 0)
  return waiting >= Limits.requestsPerPeer ? 0 : Limits.blocksInFlightPerPeer - (load?.blocks ?? 0)
}

const canSupply = (work: Work, peer: SyncPeer, branch: SyncBranch, loads: Loads, height: number): boolean =>
  SyncWork.isUsable(peer) && SyncBranches.lastOf(work, peer, branch) >= height &&
  room(loads, SyncWork.find(work, peer.id) ?? peer) > 0

/**
 * Of the peers that have the block and room for a request, the one with the least work for its pace. So all are used, and every pace stays
 * known. Among idle peers, the one expected to deliver first.
 */
const quickest = (
  work: Work,
  sources: ReadonlyArray<SyncPeer>,
  branch: SyncBranch,
  loads: Loads,
  height: number
): SyncPeer | undefined => {
  let best: SyncPeer | undefined
  let bestLoad = Infinity
  let bestMs = Infinity
  for (const peer of sources) {
    if (!canSupply(work, peer, branch, loads, height)) continue
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

/** Requests as much of the range as the peer may be asked for; returns the last height requested. */
const ask = (
  work: Work,
  peer: SyncPeer,
  branch: SyncBranch,
  from: number,
  most: number,
  roomBlocks: number,
  doubled = false
): number => {
  const count = Math.min(most - from + 1, peer.batch, roomBlocks, SyncBranches.lastOf(work, peer, branch) - from + 1)
  const to = from + Math.max(1, count) - 1
  const id = SyncWork.asked(work, peer)
  work.requests = [...work.requests, { id, peer: peer.id, branch: branch.id, next: from, to, stalled: false, doubled }]
  work.actions.push({
    _tag: "GetBlocks",
    peer: peer.id,
    request: id,
    branch: branch.id,
    from,
    count: to - from + 1
  })
  return to
}

/** Whether a peer that delivers, and is not late, was asked for that block too. */
const isUnderWay = (work: Work, branch: SyncBranch, next: number): boolean =>
  work.requests.some((other) => {
    if (other.branch !== branch.id || other.stalled || other.next > next || next > other.to) return false
    const peer = SyncWork.find(work, other.peer)
    return peer !== undefined && isProven(peer)
  })

/**
 * At the end of the window everything is requested, and the window cannot move before its first block arrives. An idle peer is asked for
 * the same, once, if it should take less than half the time.
 */
const double = (work: Work, sources: ReadonlyArray<SyncPeer>, branch: SyncBranch, loads: Loads): void => {
  if (SyncBranches.windowEnd(work, branch) === branch.tip.height && isGrowing(work, branch)) return
  let first: SyncRequest | undefined
  for (const request of work.requests) {
    if (request.branch !== branch.id || request.stalled) continue
    if (first === undefined || request.next < first.next) first = request
  }
  if (first === undefined) return
  const { id, peer: holderId, to } = first
  const next = firstMissing(branch, first)
  const holder = SyncWork.find(work, holderId)
  if (holder === undefined || (first.doubled && (isProven(holder) || isUnderWay(work, branch, next)))) return
  // Nothing waits for a peer that has delivered nothing until it is late.
  const holderMs = isProven(holder)
    ? SyncWork.expectedMs(holder, loads.get(holderId)?.blocks ?? 0)
    : Limits.stallFirstMs
  const idle = sources.find((peer) =>
    peer.id !== holderId && loads.get(peer.id) === undefined && canSupply(work, peer, branch, loads, next) &&
    2 * SyncWork.expectedMs(peer, to - next + 1) < holderMs
  )
  if (idle === undefined) return
  ask(work, idle, branch, next, to, room(loads, idle), true)
  work.requests = work.requests.map((request) => request.id === id ? { ...request, doubled: true } : request)
}

/**
 * A late peer may have lost its requests: one more small request after each timeout costs little. Answers come in order, so an answer to it
 * shows that the earlier ones will not come.
 */
const probe = (work: Work): void => {
  for (const peer of work.peers) {
    if (peer.blamed !== undefined || peer.stalls === 0 || !work.touched.has(peer.id)) continue
    readHeaders(work, peer)
    work.headerRequests = work.headerRequests.map((request) =>
      request.peer === peer.id ? { ...request, stalled: true } : request
    )
  }
}
