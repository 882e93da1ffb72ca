/** The state of sync, in words for an operator: one line for the node and, for each peer, how it is used or why not. */
import * as SyncBranches from "./SyncBranches.ts"
import { isBetter, type SyncPeer, type SyncState } from "./SyncState.ts"
import * as SyncVerdict from "./SyncVerdict.ts"
import * as SyncWork from "./SyncWork.ts"

const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

/** Height of the best header known. */
export const headersHeight = ({ branches, chain }: Pick<SyncState, "branches" | "chain">): number =>
  Math.max(chain.height, ...branches.map(({ tip }) => tip.height))

/** Height that the node is heading for: the best that a trusted peer announces. */
export const target = (verdict: SyncVerdict.Verdict, height: number): number =>
  "target" in verdict ? verdict.target : height

/** Peer, height, fork, depth and remedy, for the log and the status. */
export const leftBehindText = (
  { depth, fork, peer, told }: Omit<SyncVerdict.Apart, "told"> & { readonly told: { readonly height: number } }
): string =>
  `left behind: ${peer} has a better chain of height ${told.height} that leaves ours at height ${fork}, ` +
  `${plural(depth, "block")} deep, more than a reorganisation may replace; ` +
  `if that is the network's chain, stop the node and run "timemesh chain rewind ${fork}"`

/** Such as `height 1200 of 2480, 5 sources`, or `height 0, 3 peers, not syncing because …`. */
export const line = (state: SyncState): string => {
  const { chain, peers } = state
  const verdict = SyncVerdict.verdict(state)
  const at = `height ${chain.height}, ${plural(peers.length, "peer")}`
  switch (verdict._tag) {
    case "InSync":
      return `${at}, in sync`
    case "NoPeers":
      return `${at}, not syncing because no peer is connected`
    case "NoneTrusted":
      return `${at}, not syncing because ${noneTrusted(peers)}`
    case "Fetching":
      return `height ${chain.height} of ${verdict.target}, ${plural(verdict.sources, "source")}`
    case "ReadingHeaders":
      return `${at}, reading headers from ${verdict.from.id} (${headersHeight(state)} so far)`
    case "LeftBehind":
      return `${at}, not synced, ${leftBehindText(verdict)}`
    case "ClockBehind":
      return `${at}, not synced: this clock is ${verdict.seconds} s behind ${verdict.of} of ${
        plural(verdict.peers, "peer")
      }; set it right`
    case "Waiting":
      return `${at}, not syncing because ${waiting(state, verdict)}`
  }
}

const noneTrusted = (peers: ReadonlyArray<SyncPeer>): string =>
  peers.every(({ holdoff }) => holdoff === "copy")
    ? `no peer has a copy of block ${Math.min(...peers.map(({ lacks }) => lacks))} that can be used`
    : "every peer sent something false"

const waiting = (state: SyncState, { of, why }: Extract<SyncVerdict.Verdict, { readonly _tag: "Waiting" }>): string => {
  switch (why) {
    case "no-answer":
      return `no peer that is ahead answers (${of.id} announces height ${of.told.height})`
    case "asked-next":
      return `the headers of ${of.id}, which announces height ${of.told.height}, are not read yet`
    case "no-body": {
      const branch = SyncBranches.find(state, of.on?.branch)
      return `no peer that answers has block ${
        branch === undefined ? state.chain.height + 1 : SyncBranches.whole(branch) + 1
      }`
    }
  }
}

/** How a peer is used, or why it is not. */
export const peerLine = (state: SyncState, peer: SyncPeer): string => {
  if (peer.blamed !== undefined) return `not used: ${peer.blamed}`
  if (peer.holdoff === "probation") return "not used: on probation, because it sent something false before"
  if (peer.holdoff === "copy") return `not used: its copy of block ${peer.lacks} cannot be used`
  if (peer.holdoff === "no-room") return "waiting: other peers' headers take the room for its own"
  const owed = SyncWork.outstanding(state, peer.id)
  if (peer.stalls > 0) {
    return `not used: ${plural(peer.stalls, "wait")} without ${peer.trickles ? "a whole answer" : "an answer"}`
  }
  if (owed > 0) return `sending ${plural(owed, "block")}`
  if (state.headerRequests.some((request) => request.peer === peer.id)) return "sending headers"
  if (!isBetter(peer.told, state.chain)) {
    return `not used: it has nothing above height ${Math.min(peer.told.height, state.chain.height)}`
  }
  if (peer.clockBehind !== undefined) return `not used: its next block is ${peer.clockBehind} s ahead of this clock`
  if (peer.apart !== undefined) {
    return `not used: its chain leaves ours at height ${peer.apart.fork}, too deep to follow`
  }
  return "idle"
}
