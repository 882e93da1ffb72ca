/** A node's answer to a request for addresses. Pure. */
import * as Limits from "../Limits.ts"
import type { PeerAddress } from "./PeerAddress.ts"
import type { PeerIp } from "./PeerIp.ts"

/**
 * The connected peers, then the shared part of the book (`PeerBook.sample`): each address once, never the asker's own, at most `most`. Both
 * lists must contain only what the asker may learn.
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
