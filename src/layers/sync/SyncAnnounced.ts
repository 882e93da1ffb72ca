/** Handles announced tips, and new blocks (pushed by a peer or made here) that extend a chain we know. */
import * as Block from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as HeaderRules from "../../domain/chain/HeaderRules.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as SyncBranches from "../../domain/sync/SyncBranches.ts"
import type { NewBlock, Tip } from "../../domain/wire/SyncMessage.ts"
import { toStored } from "../chain/StoredBlocks.ts"
import { ShownBranch } from "./ShownBranch.ts"
import type { SyncContext } from "./SyncContext.ts"
import * as SyncHeaders from "./SyncHeaders.ts"

const announced = (
  context: SyncContext,
  peer: PeerIp,
  told: { readonly height: number; readonly hash: Hash.Hash }
): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  const tip = { height: told.height, hash: Hash.toHex(told.hash) }
  link.knownTip = tip.hash
  link.told = told
  context.machine.post({ _tag: "TipAnnounced", peer, tip, on: SyncHeaders.onBranch(context, told) })
}

/** A peer announces its tip. */
export const tipReceived = (context: SyncContext, peer: PeerIp, { hash, height }: Tip): void =>
  // Copied: a view would keep the whole received frame in memory.
  announced(context, peer, { height, hash: hash.slice() })

/** The header that a block must follow to extend a known chain: our tip, or a branch's. */
const below = (context: SyncContext, previous: Hash.Hash) => {
  const { tip } = context.chain
  if (Hash.equals(previous, tip.hash)) return { parent: tip, branch: undefined }
  for (const branch of context.branches.values()) {
    for (const parent of [branch.tip, branch.at(context.chain.height + 1)]) {
      if (parent !== undefined && Hash.equals(previous, parent.hash)) return { parent, branch }
    }
  }
  return undefined
}

/** Result of a block: `undefined`: valid and waiting to be stored; else why it was refused. */
export type Extended = undefined | Validation.BlockFault | "no-parent" | "too-far"

/** Adds a block that extends our chain or a branch. */
export const extend = (context: SyncContext, block: Block.Block, from: PeerIp | undefined): Extended => {
  const found = below(context, block.header.previousHash)
  if (found === undefined) return "no-parent"
  const { parent } = found
  const { height } = block.header
  const verdict = Validation.block(context.params, context.hasher, parent, block, context.nowMs())
  if (verdict._tag !== "Valid") return verdict
  const header = HeaderRules.parentOf(block.header, verdict.hash)
  const branch = place(context, parent, header, found.branch)
  const planned = SyncBranches.find(context.state, branch.id)
  if (planned !== undefined && height > SyncBranches.windowEnd(context.state, planned) + 1) return "too-far"
  if (branch.held.get(height) !== undefined || height <= branch.base) return undefined
  if (branch.height < height) branch.append([header])
  const bytes = branch.held.bytes
  branch.held.put(height, {
    block: toStored(verdict),
    from
  })
  context.branches.set(branch.id, branch)
  context.machine.post({
    _tag: "BlockAdded",
    branch: { id: branch.id, fork: branch.fork, tip: branch.tipText },
    height,
    bytes: branch.held.bytes - bytes
  })
  return undefined
}

/** The branch that has the header, or can take it as its next; else a new branch. */
const place = (
  context: SyncContext,
  parent: HeaderRules.Parent,
  header: HeaderRules.Parent,
  below: ShownBranch | undefined
): ShownBranch => {
  for (const branch of context.branches.values()) if (branch.holds(header.height, header.hash)) return branch
  if (below !== undefined && below.height === parent.height) return below
  const fork = below?.fork ?? parent.height
  return new ShownBranch(context.nextBranch++, fork, [...(below?.upTo(parent.height) ?? []), header])
}

/** A peer pushes the block at its tip. */
export const blockReceived = (context: SyncContext, peer: PeerIp, message: NewBlock): void => {
  const lied = (detail: string) => context.machine.post({ _tag: "PeerLied", peer, fault: "bad-block", detail })
  const block = Block.decode(message.block)
  if (Block.isMalformed(block)) return lied("malformed announced block")
  const fault = extend(context, block, peer)
  const judged = typeof fault === "string" ? undefined : fault
  if (judged !== undefined && (Validation.scope(judged) === "block" || Validation.isForged(judged))) {
    return lied(`announced block ${block.header.height}: ${Validation.describe(judged)}`)
  }
  // Even if the block is not used, it is the peer's tip: its branch is fetched by headers.
  announced(context, peer, { height: block.header.height, hash: BlockHeader.hash(context.hasher, block.header) })
}
