/** Which peer of a pair initiates and decides: the one with the lower canonical IP. */
import * as PeerIp from "./PeerIp.ts"

/** The rank of the local end in a pair. `same`: both ends have one address, so there is no pair. */
export type Rank = "lower" | "higher" | "same"

/** The rank of `local` against `peer`, by numeric order of the 16-byte forms. */
export const rank = (local: PeerIp.PeerIp, peer: PeerIp.PeerIp): Rank => {
  const order = PeerIp.compare(local, peer)
  return order < 0 ? "lower" : order > 0 ? "higher" : "same"
}

/** Whether `local` is the one expected to dial: the lower IP initiates. False for equal addresses. */
export const shouldInitiate = (local: PeerIp.PeerIp, peer: PeerIp.PeerIp): boolean => rank(local, peer) === "lower"
