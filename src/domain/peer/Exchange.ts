/** What a node answers to a question for addresses. Pure. */
import * as Limits from "../Limits.ts"
import type { PeerAddress } from "./PeerAddress.ts"
import type { PeerIp } from "./PeerIp.ts"

/**
 * The connected peers, then the part of the book that is given out (`PeerBook.sample`): each address once, never the asker's own, at most
 * `most`. Both lists hold only what may be told to the asker.
 */
export const answer = (
  asker: PeerIp,
  connected: Iterable<PeerAddress>,
  chosen: Iterable<PeerAddress>,
  most: number = Limits.peersPerMessage
): ReadonlyArray<PeerAddress> => {
  const others = new Map<PeerIp, PeerAddress>()
  for (const list of [connected, chosen]) {
    for (const { ip, port } of list) {
      if (others.size === most) break
      if (ip !== asker && !others.has(ip)) others.set(ip, { ip, port })
    }
  }
  return [...others.values()]
}
