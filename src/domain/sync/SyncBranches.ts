/** The planner's knowledge of one branch: which of its bodies are wanted now, what it may cost, which peers have it. */
import * as Limits from "../Limits.ts"
import * as Ranges from "./Ranges.ts"
import { isBetter, type OnBranch, type SyncBranch, type SyncPeer, type SyncState } from "./SyncState.ts"
import * as SyncWork from "./SyncWork.ts"
import type { Work } from "./SyncWork.ts"

export const find = (work: Pick<SyncState, "branches">, id: number | undefined): SyncBranch | undefined =>
  id === undefined ? undefined : work.branches.find((branch) => branch.id === id)

export const change = (work: Work, id: number, change: Partial<SyncBranch>): void => {
  work.branches = work.branches.map((branch) => branch.id === id ? { ...branch, ...change } : branch)
}

/** Adds a new branch, or updates a known one. */
export const put = (work: Work, news: Pick<SyncBranch, "id" | "fork" | "tip"> & Partial<SyncBranch>): void => {
  if (find(work, news.id) !== undefined) return change(work, news.id, news)
  const fresh: SyncBranch = {
    base: news.fork,
    held: Ranges.empty,
    heldBytes: 0,
    delivered: 0,
    trunk: undefined,
    ...news
  }
  work.branches = [...work.branches, fresh]
}

/** The last height up to which its bodies are present without a gap. */
export const whole = ({ base, held }: SyncBranch): number => {
  const [first] = held
  return first !== undefined && first.from <= base + 1 ? first.to : base
}

/** Whether its gapless bodies make a better chain than ours. (For equal heights, the driver compares the hashes.) */
const gains = (work: Pick<SyncState, "chain">, branch: SyncBranch): boolean => {
  const to = whole(branch)
  if (to <= branch.fork) return false
  return to > work.chain.height ||
    (to === work.chain.height && (to < branch.tip.height || isBetter(branch.tip, work.chain)))
}

/** bytes of bodies in memory, over all branches. */
export const heldBytes = (work: Pick<SyncState, "branches">): number =>
  work.branches.reduce((bytes, branch) => bytes + branch.heldBytes, 0)

/**
 * Headers cost a peer nothing to make up, and cost us memory. They run ahead of the bodies by one full list, and further as blocks arrive;
 * in any case up to where the branch becomes better than our chain.
 */
export const mayReadOn = (work: Pick<SyncState, "chain">, branch: SyncBranch): boolean =>
  branch.tip.height - Math.max(branch.base, work.chain.height) <
    Math.min(Limits.headersAhead, Limits.headersUndelivered + Limits.headersPerDelivered * branch.delivered)

const credit = ({ delivered }: SyncBranch): number => Limits.blocksUndelivered + Limits.blocksPerDelivered * delivered

/** Whether enough of it was delivered for a full-size window. */
export const isEstablished = (branch: SyncBranch): boolean => credit(branch) >= Limits.syncWindowBlocks

/** The last height that may be requested now. */
export const windowEnd = (work: Pick<SyncState, "branches">, branch: SyncBranch): number => {
  const blocks = heldBytes(work) >= Limits.syncWindowBytes ? Limits.blocksPerRequest : Limits.syncWindowBlocks
  return Math.min(branch.tip.height, branch.base + Math.min(blocks, credit(branch)))
}

/**
 * The branch whose bodies are requested first, because they belong to this one too. Only if it is being delivered; otherwise, peers of a
 * made-up branch could withhold from us what it shares with an honest one.
 */
export const trunkOf = (work: Pick<SyncState, "branches" | "chain">, branch: SyncBranch): SyncBranch | undefined => {
  const { trunk } = branch
  if (trunk === undefined || trunk.upTo <= work.chain.height) return undefined
  const found = find(work, trunk.id)
  return found !== undefined && found.delivered > 0 ? found : undefined
}

/** The branches whose bodies are requested, the best first. */
export const wanted = (work: Pick<SyncState, "branches" | "chain" | "oldestFork">): ReadonlyArray<SyncBranch> =>
  work.branches.filter((branch) =>
    branch.fork >= work.oldestFork && isBetter(branch.tip, work.chain) && trunkOf(work, branch) === undefined
  ).toSorted((a, b) => isBetter(a.tip, b.tip) ? -1 : 1)

/** Heights that no responsive peer is working on, in one pass over held and requested bodies. */
export const missing = (work: Pick<SyncState, "branches" | "requests">, branch: SyncBranch): Ranges.Ranges => {
  const covered: Array<Ranges.Range> = [...branch.held]
  for (const request of work.requests) {
    if (request.branch === branch.id && !request.stalled) covered.push({ from: request.next, to: request.to })
  }
  covered.sort((a, b) => a.from - b.from)
  const end = windowEnd(work, branch)
  const ranges: Array<Ranges.Range> = []
  let from = branch.base + 1
  for (const range of covered) {
    if (range.from > end) break
    if (range.from > from) ranges.push({ from, to: range.from - 1 })
    from = Math.max(from, range.to + 1)
  }
  if (from <= end) ranges.push({ from, to: end })
  return ranges
}

/** The last height whose block of that branch the peer should have; −1: none. */
export const lastOf = (work: Pick<SyncState, "branches">, peer: SyncPeer, branch: SyncBranch): number => {
  const { on } = peer
  if (on === undefined) return -1
  const most = Math.min(on.height, peer.lacks - 1)
  if (on.branch === branch.id) return most
  const own = find(work, on.branch)
  return own?.trunk?.id === branch.id ? Math.min(most, own.trunk.upTo) : -1
}

/** Its next body waits for the disk, or is expected within a few seconds. */
const isGrowing = (work: Pick<SyncState, "requests" | "peers">, branch: SyncBranch): boolean => {
  const next = whole(branch) + 1
  return next > branch.base + 1 || work.requests.some((request) => {
    if (request.branch !== branch.id || request.stalled || next < request.next || next > request.to) return false
    const peer = SyncWork.find(work, request.peer)
    return peer !== undefined && SyncWork.waitMs(work, peer) <= Limits.stallFirstMs
  })
}

/** Branches that may be stored now, in order: their gapless bodies make a better chain. */
export const ready = (
  work: Pick<SyncState, "branches" | "requests" | "peers" | "chain" | "oldestFork" | "current">
): ReadonlyArray<SyncBranch> => {
  const current = find(work, work.current)
  const busy = current !== undefined && isBetter(current.tip, work.chain) && isGrowing(work, current)
  return work.branches.filter((branch) => {
    const to = whole(branch)
    if (branch.fork < work.oldestFork || !gains(work, branch)) return false
    // A growing chain is replaced only by one that is better as a whole.
    return branch.id === work.current || !busy || to > current.tip.height ||
      (to === branch.tip.height && isBetter(branch.tip, current.tip))
  }).toSorted((a, b) => {
    if (a.id === work.current) return -1
    if (b.id === work.current) return 1
    return whole(b) - whole(a)
  })
}

/** A deep branch whose bodies do not all fit in memory until they are better than our chain. */
export const needsStaging = (work: Pick<SyncState, "chain">, branch: SyncBranch): boolean =>
  branch.fork < work.chain.height && !gains(work, branch) && whole(branch) - branch.base >= Limits.stageBlocks

/** Takes peers off a branch that is gone. */
export const detach = (work: Work, id: number): void => {
  work.peers = work.peers.map((peer) => peer.on?.branch === id ? { ...peer, on: undefined, lacks: Infinity } : peer)
}

/** Drops branches that are useless now: no better than our chain, forked too deep, or shown by no connected peer. */
export const sweep = (work: Work): void => {
  for (const branch of work.branches) {
    const useful = isBetter(branch.tip, work.chain) && branch.fork >= work.oldestFork && branch.fork < branch.tip.height
    const shown = work.peers.some(({ on }) => on?.branch === branch.id) ||
      work.branches.some(({ id, trunk }) => trunk?.id === branch.id && id !== branch.id) ||
      gains(work, branch)
    if (useful && shown) continue
    SyncWork.cancel(work, (request) => request.branch === branch.id)
    detach(work, branch.id)
    work.branches = work.branches.filter(({ id }) => id !== branch.id)
    for (const { id, trunk } of work.branches) if (trunk?.id === branch.id) change(work, id, { trunk: undefined })
    if (work.current === branch.id) work.current = undefined
    work.actions.push({ _tag: "DropBranch", branch: branch.id })
  }
}

/** Puts a peer on a branch whose headers it showed, or which contains its announced tip. */
export const attach = (work: Work, id: SyncPeer["id"], on: OnBranch): void =>
  SyncWork.change(work, id, { on, lacks: Infinity, recheck: false })
