/** What must hold in the planner's world after every step: the planner and its driver agree, and no bound is crossed. */
import { assert } from "@effect/vitest"
import * as Limits from "../../src/domain/Limits.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as SyncState from "../../src/domain/sync/SyncState.ts"
import { blockBytes, common, type SyncWorldState, tipOf } from "./SyncWorldState.ts"

/** An assertion that costs nothing while it holds: chai's took nine tenths of the time of a simulated sync, at thousands per step. */
const must = (isSo: boolean, what: string): void => {
  if (!isSo) assert.fail(what)
}

/** What is asked of the peers, and the timers that run for it. */
const ofPeers = ({ state, timers }: SyncWorldState): void => {
  const owing = new Set<string>()
  for (const peer of state.peers) {
    const mine = state.requests.filter((request) => request.peer === peer.id)
    const blocks = mine.reduce((n, request) => n + request.to - request.next + 1, 0)
    must(peer.pending.length <= Limits.requestsPerPeer + Limits.stallsMost, "asks a peer within bounds")
    must(blocks <= Limits.blocksInFlightPerPeer, "asks a peer for blocks within bounds")
    for (const { id } of mine) must(peer.pending.includes(id), "what is asked is still to come")
    must(peer.blamed === undefined || peer.pending.length === 0, "asks nothing of a liar")
    if (peer.pending.length > 0) owing.add(`Answer ${peer.id}`)
    if (peer.holdoff !== undefined) owing.add(`Holdoff ${peer.id}`)
  }
  assert.deepStrictEqual([...timers.keys()].toSorted(), [...owing].toSorted(), "a timer runs for each answer to come")
}

/** No two peers are asked for the same, but where one of them may not answer. */
const isDoubledWell = (request: SyncState.SyncRequest, others: ReadonlyArray<SyncState.SyncRequest>): void => {
  for (const other of others) {
    if (other.id <= request.id || other.branch !== request.branch) continue
    if (other.next > request.to || request.next > other.to) continue
    const twice = other.stalled || request.stalled || other.doubled || request.doubled
    must(twice, "asks two for the same only when one stalled or at the end of the window")
    must(other.peer !== request.peer || request.stalled, "asks one for the same again only when it stalled")
  }
}

const isWanted = (
  { next, to }: SyncState.SyncRequest,
  base: number,
  held: ReadonlyMap<number, PeerIp>
): boolean => {
  for (let height = next; height <= to; height++) if (height > base && !held.has(height)) return true
  return false
}

const ofRequests = ({ branches, requests, state }: SyncWorldState): void => {
  for (const request of state.requests) {
    const branch = state.branches.find(({ id }) => id === request.branch)
    const held = branches.get(request.branch)?.held
    assert(branch !== undefined && held !== undefined, "asks for a branch that is there")
    must(state.peers.some((peer) => peer.id === request.peer), "asks peers that are there")
    must(request.to <= branch.tip.height, "asks for no more than the branch has")
    must(request.to <= branch.base + Limits.syncWindowBlocks, "asks within the window")
    must(request.next <= request.to, "waits for something")
    must(requests.has(request.id), "driver and planner know the same requests")
    must(isWanted(request, branch.base, held), "waits for nothing that is there")
    isDoubledWell(request, state.requests)
  }
  assert.strictEqual(requests.size, state.requests.length)
}

const ofBranches = ({ branches, state, store }: SyncWorldState): void => {
  assert.deepStrictEqual(state.chain, tipOf(store))
  assert.deepStrictEqual(state.branches.map(({ id }) => id), [...branches.keys()], "the same branches")
  for (const branch of state.branches) {
    const { chain, held } = branches.get(branch.id) ?? assert.fail("no branch")
    assert.deepStrictEqual(branch.tip, tipOf(chain))
    must(branch.fork === common(store, chain), "knows where the branch forks")
    must(SyncState.isBetter(branch.tip, state.chain), "only better branches are kept")
    let count = 0
    for (const range of branch.held) {
      must(range.from > branch.base, "holds nothing of the chain")
      for (let height = range.from; height <= range.to; height++) must(held.has(height), "holds what it says it holds")
      count += range.to - range.from + 1
    }
    must(count === held.size, "holds what it says it holds")
    must(branch.heldBytes === held.size * blockBytes, "counts the bytes that it holds")
  }
}

export const check = (world: SyncWorldState): void => {
  ofPeers(world)
  ofRequests(world)
  ofBranches(world)
}
