/** Announces our tip to every peer that does not have it yet: as the block itself when it is small. */
import * as Hash from "../../domain/chain/Hash.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { Held } from "./HeldBodies.ts"
import * as SyncContext from "./SyncContext.ts"

type Context = SyncContext.SyncContext

/** Tells peers of our tip. A single new block is pushed whole; after more than one, peers read where we are. */
export const announce = (context: Context, added: ReadonlyArray<Held>, tip: SyncTip): void => {
  const [only] = added
  const push = added.length === 1 && only !== undefined && only.block.bytes.length <= Limits.pushBlockBytes
    ? only.block.bytes
    : undefined
  for (const [peer, link] of context.links) {
    if (link.knownTip === tip.hash) continue
    const row = context.state.peers.find((other) => other.id === peer)
    // A peer ahead of us has no use for a block behind it.
    if (row !== undefined && row.tip.height > tip.height) continue
    link.knownTip = tip.hash
    SyncContext.send(
      context,
      peer,
      push === undefined
        ? { _tag: "Tip", height: tip.height, hash: Hash.fromHexUnsafe(tip.hash) }
        : { _tag: "NewBlock", block: push }
    )
  }
}

/** Tells a new peer of our tip, unless it has the same one, or ours is the genesis that both know. */
export const greet = (context: Context, peer: PeerIp): void => {
  const { chain } = context.state
  const link = context.links.get(peer)
  if (link === undefined || link.knownTip === chain.hash || chain.height === 0) return
  SyncContext.send(context, peer, { _tag: "Tip", height: chain.height, hash: Hash.fromHexUnsafe(chain.hash) })
}
