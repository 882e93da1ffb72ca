/** New tips: told to every peer that does not have them yet, as the block itself when it is small; and taken from peers. */
import * as Block from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { NewBlock, Tip } from "../../domain/wire/SyncMessage.ts"
import type { Held } from "./HeldBodies.ts"
import type { SyncBodies } from "./SyncBodies.ts"
import * as SyncCore_ from "./SyncContext.ts"
import type { SyncCore } from "./SyncContext.ts"

/** Tells peers of our tip. One new block is pushed whole; after more than one, they are told where we are. */
export const tell = (core: SyncCore, added: ReadonlyArray<Held>, tip: SyncTip): void => {
  const [only] = added
  const push = added.length === 1 && only !== undefined && only.bytes.length <= Limits.pushBlockBytes
    ? only.bytes
    : undefined
  for (const [peer, link] of core.links) {
    if (link.knownTip === tip.hash) continue
    const row = core.state.peers.find((other) => other.id === peer)
    // It is ahead of us on its way: it does not want to hear of what is behind it.
    if (row !== undefined && row.tip.height > tip.height) continue
    link.knownTip = tip.hash
    SyncCore_.send(
      core,
      peer,
      push === undefined
        ? { _tag: "Tip", height: tip.height, hash: Hash.fromHexUnsafe(tip.hash) }
        : { _tag: "NewBlock", block: push }
    )
  }
}

/** Tells a new peer of our tip, unless it is at the same one, or at the genesis both know. */
export const greet = (core: SyncCore, peer: PeerIp): void => {
  const { chain } = core.state
  const link = core.links.get(peer)
  if (link === undefined || link.knownTip === chain.hash || chain.height === 0) return
  SyncCore_.send(core, peer, { _tag: "Tip", height: chain.height, hash: Hash.fromHexUnsafe(chain.hash) })
}

/** A peer says where its chain ends. */
export const tipReceived = (core: SyncCore, peer: PeerIp, message: Tip): void => {
  const link = core.links.get(peer)
  if (link === undefined) return
  const tip = { height: message.height, hash: Hash.toHex(message.hash) }
  link.knownTip = tip.hash
  link.told = tip
  core.dispatch({ _tag: "TipAnnounced", peer, tip })
}

/** What is wrong with a block that is to go on top of our chain; `undefined`: nothing, and it waits to be stored. */
export const extend = (
  core: SyncCore,
  bodies: SyncBodies,
  block: Block.Block,
  from: PeerIp | undefined
): Validation.BlockFault | undefined => {
  const parent = core.headers.tip
  const verdict = Validation.block(core.params, core.hasher, parent, block, core.wall())
  if (verdict._tag !== "Valid") return verdict
  core.headers.append(verdict.hash, block.header.treasuryBalance)
  core.held.put(block.header.height, {
    hash: verdict.hash,
    previous: block.header.previousHash,
    bytes: block.bytes,
    treasuryBalance: block.header.treasuryBalance,
    from
  })
  bodies.pump()
  return undefined
}

/** A peer pushes the block its chain ends with. */
export const blockReceived = (core: SyncCore, bodies: SyncBodies, peer: PeerIp, message: NewBlock): void => {
  const link = core.links.get(peer)
  if (link === undefined) return
  const lied = (detail: string) => core.dispatch({ _tag: "PeerLied", peer, fault: "bad-block", detail })
  const block = Block.decode(message.block)
  if (Block.isMalformed(block)) return lied("a pushed block that is none")
  const hash = BlockHeader.hash(core.hasher, block.header)
  const tip: SyncTip = { height: block.header.height, hash: Hash.toHex(hash) }
  link.knownTip = tip.hash
  link.told = tip
  const { chain, headers } = core.state
  const onTop = chain.hash === headers.hash && core.headers.height === chain.height &&
    Hash.equals(block.header.previousHash, core.headers.tip.hash)
  if (onTop) {
    const fault = extend(core, bodies, block, peer)
    if (fault !== undefined && !Validation.passes(fault)) {
      return lied(`pushed block ${tip.height}: ${Validation.describe(fault)}`)
    }
  }
  // Whether taken or not, that is where its chain ends: a branch of it is read by its headers.
  core.dispatch({ _tag: "TipAnnounced", peer, tip })
}
