/** Announces our tip to every peer that does not have it yet: as the block itself when it is small. */
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

/** Tells peers of our tip. A single new block, `only`, is pushed whole; after more than one, peers read where we are. */
export const announce = (context: Context, only: Held | undefined, tip: SyncTip): void => {
  const push = only !== undefined && only.block.bytes.length <= Limits.pushBlockBytes ? only.block.bytes : undefined
  for (const [peer, link] of context.links) {
    if (link.knownTip === tip.hash) continue
    // A peer ahead of us has no use for a block behind it.
    if (link.told.height > tip.height) continue
    link.knownTip = tip.hash
    if (push === undefined) tellTip(context, peer, link, tip)
    else {
      link.announced = tip.hash
      SyncContext.send(context, peer, { _tag: "NewBlock", block: push })
    }
  }
}

/** Tells a new peer of our tip, unless it has the same one, or ours is the genesis that both know. */
export const greet = (context: Context, peer: PeerIp): void => {
  const { chain } = context.state
  const link = context.links.get(peer)
  if (link === undefined || link.knownTip === chain.hash || chain.height === 0) return
  tellTip(context, peer, link, chain)
}

/** Having caught up, tells the peers that we have their tip: otherwise they would know us by the height that we began at. */
export const caughtUp = (context: Context, tip: SyncTip): void => {
  for (const [peer, link] of context.links) {
    if (link.knownTip === tip.hash && link.announced !== tip.hash) tellTip(context, peer, link, tip)
  }
}
