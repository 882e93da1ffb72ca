/** Announces our tip to every peer that lacks it: as the block itself when it is small. */
import * as Hash from "../../domain/chain/Hash.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { Held } from "./HeldBodies.ts"
import * as SyncContext from "./SyncContext.ts"

type Context = SyncContext.SyncContext

const tellTip = (context: Context, peer: PeerIp, link: SyncContext.PeerLink, { hash, height }: SyncTip): void => {
  link.announced = hash
  SyncContext.send(context, peer, { _tag: "Tip", height, hash: Hash.fromHexUnsafe(hash) })
}

/** Announces our tip. A single new block, `only`, is pushed whole; after several, only height and hash are sent. */
export const announce = (context: Context, only: Held | undefined, tip: SyncTip): void => {
  const push = only !== undefined && only.block.bytes.length <= Limits.pushBlockBytes ? only.block.bytes : undefined
  for (const [peer, link] of context.links) {
    if (link.knownTip === tip.hash) continue
    // A peer ahead of us has no use for an earlier block.
    if (link.told.height > tip.height) continue
    link.knownTip = tip.hash
    if (push === undefined) tellTip(context, peer, link, tip)
    else {
      link.announced = tip.hash
      SyncContext.send(context, peer, { _tag: "NewBlock", block: push })
    }
  }
}

/** Announces our tip to a new peer, unless the peer has the same tip, or ours is the genesis that both know. */
export const greet = (context: Context, peer: PeerIp): void => {
  const { chain } = context.state
  const link = context.links.get(peer)
  if (link === undefined || link.knownTip === chain.hash || chain.height === 0) return
  tellTip(context, peer, link, chain)
}

/** After catching up, announces the tip to peers that have it too: otherwise they would assume the height that we began at. */
export const caughtUp = (context: Context, tip: SyncTip): void => {
  for (const [peer, link] of context.links) {
    if (link.knownTip === tip.hash && link.announced !== tip.hash) tellTip(context, peer, link, tip)
  }
}
