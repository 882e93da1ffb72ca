/** What peers announce, a tip or a new block, and blocks that go on top of our chain: pushed by a peer, or made here. */
import * as Block from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { NewBlock, Tip } from "../../domain/wire/SyncMessage.ts"
import { toStored } from "../chain/StoredBlocks.ts"
import * as StoreBodies from "./StoreBodies.ts"
import type { SyncContext } from "./SyncContext.ts"

const told = (context: SyncContext, peer: PeerIp, tip: SyncTip): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  link.knownTip = tip.hash
  link.told = tip
}

/** A peer says where its chain ends. */
export const tipReceived = (context: SyncContext, peer: PeerIp, message: Tip): void => {
  const tip = { height: message.height, hash: Hash.toHex(message.hash) }
  told(context, peer, tip)
  context.machine.post({ _tag: "TipAnnounced", peer, tip })
}

/** What is wrong with a block that is to go on top of our chain; `undefined`: nothing, and it waits to be stored. */
export const extend = (
  context: SyncContext,
  block: Block.Block,
  from: PeerIp | undefined
): Validation.BlockFault | undefined => {
  const verdict = Validation.block(context.params, context.hasher, context.headers.tip, block, context.nowMs())
  if (verdict._tag !== "Valid") return verdict
  context.headers.append(verdict.hash, block.header.treasuryBalance)
  context.held.put(block.header.height, {
    hash: verdict.hash,
    block: toStored(verdict),
    treasuryBalance: block.header.treasuryBalance,
    from
  })
  StoreBodies.storeReady(context)
  return undefined
}

/** A peer pushes the block its chain ends with. */
export const blockReceived = (context: SyncContext, peer: PeerIp, message: NewBlock): void => {
  const lied = (detail: string) => context.machine.post({ _tag: "PeerLied", peer, fault: "bad-block", detail })
  const block = Block.decode(message.block)
  if (Block.isMalformed(block)) return lied("malformed announced block")
  const hash = BlockHeader.hash(context.hasher, block.header)
  const tip: SyncTip = { height: block.header.height, hash: Hash.toHex(hash) }
  told(context, peer, tip)
  const { chain, headers } = context.state
  const onTop = chain.hash === headers.hash && context.headers.height === chain.height &&
    Hash.equals(block.header.previousHash, context.headers.tip.hash)
  if (onTop) {
    const fault = extend(context, block, peer)
    if (fault !== undefined && (Validation.scope(fault) === "block" || Validation.isForged(fault))) {
      return lied(`announced block ${tip.height}: ${Validation.describe(fault)}`)
    }
  }
  // Taken or not, the peer's chain ends there: a branch of it is read by its headers.
  context.machine.post({ _tag: "TipAnnounced", peer, tip })
}
