/** What sync is doing, in words for an operator: one line for the node, and for each peer how it is used or why not. */
import { isBetter, type SyncPeer, type SyncState } from "./SyncState.ts"
import * as SyncWork from "./SyncWork.ts"

const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

/** Peers that are sending blocks. */
export const sources = (state: SyncState): number => new Set(state.requests.map((request) => request.peer)).size

/** Such as `height 1200 of 2480, 5 sources`, or `height 0, 3 peers, not syncing because …`. */
export const line = (state: SyncState): string => {
  const { chain, headers, peers } = state
  const count = plural(peers.length, "peer")
  if (state.requests.length > 0) {
    return `height ${state.base} of ${headers.height}, ${plural(sources(state), "source")}`
  }
  if (state.headerRequest !== undefined) {
    return `height ${chain.height}, ${count}, reading headers from ${state.headerRequest.peer} (${headers.height} so far)`
  }
  if (state.synced) return `height ${chain.height}, ${count}, in sync`
  return `height ${chain.height}, ${count}, not syncing because ${whyIdle(state)}`
}

const whyIdle = (state: SyncState): string => {
  const { chain, headers, peers } = state
  if (peers.length === 0) return "no peer is connected"
  if (peers.every((peer) => peer.blamed !== undefined)) return "every peer sent something false"
  const usable = peers.filter(SyncWork.isUsable)
  if (usable.length === 0) return "no peer answers"
  if (usable.some((peer) => peer.tooDeep)) return "the better chain leaves ours too deep to follow"
  if (headers.height > state.base) return `no peer that answers has block ${state.base + 1}`
  return usable.some((peer) => isBetter(peer.tip, chain)) ? "a better chain was only just told of" : "no peer is ahead"
}

/** How a peer is used, or why it is not. */
export const peerLine = (state: SyncState, peer: SyncPeer): string => {
  if (peer.blamed !== undefined) return `not used: ${peer.blamed}`
  const owed = SyncWork.outstanding(state, peer.id)
  if (peer.stalls > 0) return `not used: ${plural(peer.stalls, "wait")} without an answer`
  if (owed > 0) return `sending ${plural(owed, "block")}`
  if (state.headerRequest?.peer === peer.id) return "sending headers"
  if (peer.tooDeep) return "not used: its chain leaves ours too deep to follow"
  if (SyncWork.lastOf(peer) <= state.base) {
    return peer.lacks <= state.headers.height && peer.tip.height > state.base
      ? `not used: it is on another chain from height ${peer.lacks}`
      : `not used: it has nothing above height ${Math.min(SyncWork.lastOf(peer), state.base)}`
  }
  return "idle"
}
