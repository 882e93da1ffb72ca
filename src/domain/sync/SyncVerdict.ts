/**
 * Where the node stands relative to its peers' chains: the one verdict behind the flag, the status line, the progress bar and a producer's
 * permission.
 *
 * **In sync** means that no connected peer, except proven liars, announces a better chain than ours. A claim ends when it is followed, or
 * with the peer that made it: a peer that falls silent still makes it. A claim is suspended while the peer's copy of the next block is
 * unusable.
 */
import * as SyncBranches from "./SyncBranches.ts"
import { isBetter, type SyncPeer, type SyncState, type SyncTip } from "./SyncState.ts"
import * as SyncWork from "./SyncWork.ts"

export type Verdict =
  | { readonly _tag: "InSync" }
  /** No peer with a chain is connected. */
  | { readonly _tag: "NoPeers" }
  /** Peers are connected, but each has lied or is of no use. */
  | { readonly _tag: "NoneTrusted" }
  /** Blocks are arriving from `sources` peers. */
  | { readonly _tag: "Fetching"; readonly sources: number; readonly target: number }
  | { readonly _tag: "ReadingHeaders"; readonly from: SyncPeer; readonly target: number }
  /** Peers announce a better chain, but none of it arrives. */
  | {
    readonly _tag: "Waiting"
    readonly of: SyncPeer
    readonly why: "asked-next" | "no-answer" | "no-body"
    readonly target: number
  }
  /** Every better chain forks too deep. */
  | { readonly _tag: "LeftBehind"; readonly target: number; readonly of: number; readonly peers: number } & Apart
  /** Most peers' next block is in the future by our clock, by at least `seconds`. */
  | {
    readonly _tag: "ClockBehind"
    readonly seconds: number
    readonly of: number
    readonly peers: number
    readonly target: number
  }

/** A peer whose chain forks at `fork`, `depth` blocks below our tip, too deep to follow. */
export interface Apart {
  readonly peer: SyncPeer["id"]
  readonly told: SyncTip
  readonly fork: number
  readonly depth: number
}

/**
 * Whether a test producer may make a block: on top of the best chain that can be followed, with a correct clock. Without peers, or with
 * none that can be trusted, that is its own chain.
 */
export const mayProduce = (verdict: Verdict): boolean => {
  switch (verdict._tag) {
    case "InSync":
    case "NoPeers":
    case "NoneTrusted":
      return true
    case "LeftBehind":
      // A minority on its own chain cannot hold up the rest.
      return 2 * verdict.of <= verdict.peers
    default:
      return false
  }
}

type Facts = Pick<SyncState, "chain" | "branches" | "peers" | "headerRequests" | "requests" | "synced">

/** Whether the peer's announcements count: it has not lied, and its copies are usable. */
const isTrusted = (peer: SyncPeer): boolean =>
  peer.blamed === undefined && peer.holdoff !== "probation" && peer.holdoff !== "copy"

/** A node in sync stays in sync while its next blocks have all arrived and wait for the disk. */
const isHere = (state: Facts, { on, told }: SyncPeer): boolean => {
  const branch = SyncBranches.find(state, on?.branch)
  return state.synced && branch !== undefined && on !== undefined && on.height >= told.height &&
    SyncBranches.whole(branch) >= told.height
}

/** Trusted peers that announce a better chain than ours, the best first. */
const ahead = (state: Facts): ReadonlyArray<SyncPeer> =>
  state.peers.filter((peer) => isTrusted(peer) && isBetter(peer.told, state.chain) && !isHere(state, peer))
    .toSorted((a, b) => isBetter(a.told, b.told) ? -1 : 1)

/** The best peer whose chain ours cannot become, unless another better chain can still be followed. */
export const leftBehind = (state: Facts): Apart | undefined => apartOf(ahead(state))

const apartOf = (ahead: ReadonlyArray<SyncPeer>): Apart | undefined => {
  const better = ahead.filter(({ clockBehind }) => clockBehind === undefined)
  const best = better[0]
  return best?.apart === undefined || better.some(({ apart }) => apart === undefined)
    ? undefined
    : { peer: best.id, told: best.told, ...best.apart }
}

export const verdict = (state: Facts): Verdict => {
  const trusted = state.peers.filter(isTrusted)
  if (trusted.length === 0) return { _tag: state.peers.length === 0 ? "NoPeers" : "NoneTrusted" }
  const better = ahead(state)
  if (better.length === 0) return { _tag: "InSync" }
  const early = better.filter(({ clockBehind }) => clockBehind !== undefined)
  const target = Math.max(state.chain.height, ...better.map(({ told }) => told.height))
  if (2 * early.length > trusted.length) {
    const seconds = Math.min(...early.map(({ clockBehind }) => clockBehind ?? 0))
    return { _tag: "ClockBehind", seconds, of: early.length, peers: trusted.length, target }
  }
  // Fewer than half cannot show that our clock is wrong: their next blocks are not valid yet.
  const best = better.find(({ clockBehind }) => clockBehind === undefined)
  if (best === undefined) return { _tag: "InSync" }
  const apart = apartOf(better)
  if (apart !== undefined) return { _tag: "LeftBehind", target, of: better.length, peers: trusted.length, ...apart }
  const sources = new Set(state.requests.filter(({ stalled }) => !stalled).map(({ peer }) => peer)).size
  if (sources > 0) return { _tag: "Fetching", sources, target }
  const reading = state.headerRequests.find(({ stalled }) => !stalled)
  const from = reading === undefined ? undefined : SyncWork.find(state, reading.peer)
  if (from !== undefined) return { _tag: "ReadingHeaders", from, target }
  const answers = better.find(SyncWork.isUsable)
  return {
    _tag: "Waiting",
    of: answers ?? best,
    why: answers === undefined ? "no-answer" : answers.on === undefined ? "asked-next" : "no-body",
    target
  }
}
