/** Stores held bodies as the chain grows, one append at a time; a branch only once it is better than our chain. */
import { Effect } from "effect"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import * as SyncState from "../../domain/sync/SyncState.ts"
import type { ChainStoreError, Tip } from "../../services/ChainStore.ts"
import * as FeeCheck from "../chain/FeeCheck.ts"
import type { Held } from "./HeldBodies.ts"
import * as OwnBranch from "./OwnBranch.ts"
import * as SyncAnnounce from "./SyncAnnounce.ts"
import type { SyncContext } from "./SyncContext.ts"

/**
 * What may be stored now: the bodies that follow what the two chains share; of a branch, enough to be better. A branch so
 * deep that only a node without settled history may follow it is stored as it comes: it may not fit in memory.
 */
const ready = ({ held, params, state: { base, chain } }: SyncContext): Array<Held> => {
  const branching = base < chain.height && chain.height - base <= params.maxReorg
  const out: Array<Held> = []
  let bytes = 0
  for (let height = base + 1;; height++) {
    const next = held.get(height)
    if (next === undefined) break
    out.push(next)
    bytes += next.block.bytes.length
    if (!branching && (out.length >= Limits.storeBatchBlocks || bytes >= Limits.storeBatchBytes)) break
  }
  const last = out.at(-1)
  if (last === undefined || !branching) return out
  const tip = { height: base + out.length, hash: Hash.toHex(last.hash) }
  return SyncState.isBetter(tip, chain) ? out : []
}

/** Stores what is held and ready; does nothing while an append is under way. */
export const storeReady = (context: SyncContext): void => {
  if (context.storing || context.storeRetry !== undefined) return
  const batch = ready(context)
  if (batch.length === 0) {
    context.halted = undefined
    return
  }
  context.storing = true
  const after = context.state.base
  const rewrites = after < context.state.chain.height
  if (rewrites) context.rewrites.begin()
  const blocks = batch.map(({ block }) => block)
  const find = FeeCheck.findIn(context.store, { on: "chain", upTo: after })
  const store = Effect.gen(function*() {
    const wrong = yield* FeeCheck.firstWrong(context.params, find, blocks)
    if (wrong !== undefined) return yield* Effect.sync(() => refused(context, after, batch, wrong))
    const tip = yield* context.store.append(after, blocks)
    yield* Effect.sync(() => stored(context, after, batch, tip))
  })
  context.fork(
    Effect.catch(store, (error) => Effect.sync(() => failed(context, error))).pipe(Effect.ignoreCause({ log: "Error" }))
  )
}

/** A block's fees are wrong: no chain with it can be ours. What is held from it on goes, and nothing of the batch is stored yet. */
const refused = (
  context: SyncContext,
  after: number,
  batch: ReadonlyArray<Held>,
  { fault, index }: FeeCheck.WrongFees
): void => {
  context.storing = false
  context.rewrites.end()
  const height = after + 1 + index
  context.held.dropAbove(height - 1)
  const from = batch[index]?.from
  const detail = `block ${height}: ${Validation.describe(fault)}`
  if (from !== undefined) context.machine.post({ _tag: "PeerLied", peer: from, fault: "bad-block", detail })
  storeReady(context)
}

const stored = (context: SyncContext, after: number, batch: ReadonlyArray<Held>, tip: Tip): void => {
  context.storing = false
  context.halted = undefined
  context.rewrites.end()
  const before = context.state.chain
  const added = batch.map((held, i): Parent => {
    const source = held.from === undefined ? undefined : context.links.get(held.from)
    if (source !== undefined) source.blocks += 1
    return { height: after + 1 + i, hash: held.hash, treasuryBalance: held.treasuryBalance }
  })
  // The header chain may have moved while the disk worked: then what was stored is ours, but not the best any more.
  OwnBranch.rebase(context, context.ownBranch.filter((parent) => parent.height <= after).concat(added))
  // It was given up while its bodies were on their way to the disk.
  if (SyncState.isBetter(tip, OwnBranch.headersTip(context))) OwnBranch.restore(context, tip.height)
  const base = OwnBranch.base(context, tip.height)
  context.held.dropUpTo(base)
  if (after < before.height) {
    context.reorgs += 1
    context.emit({ _tag: "Reorg", fork: after, depth: before.height - after, height: tip.height })
  }
  if (context.settledHeight > 0) context.settledHeight = tip.height
  context.localChain.setTip(tip)
  context.machine.post({
    _tag: "Stored",
    tip,
    headers: OwnBranch.headersTip(context),
    base,
    heldBytes: context.held.bytes
  })
  context.emit({
    _tag: "TipChanged",
    height: tip.height,
    hash: tip.hash,
    added: batch.length,
    from: batch.at(-1)?.from
  })
  SyncAnnounce.announce(context, batch, tip)
  storeReady(context)
}

/** The chain is as it was. Tried again after a while. */
const failed = (context: SyncContext, error: ChainStoreError): void => {
  context.storing = false
  context.rewrites.end()
  // One event per reason, not one per attempt.
  if (context.halted !== error.message) context.emit({ _tag: "StoreFailed", detail: error.message })
  context.halted = error.message
  context.storeRetry = context.timers.arm(Limits.storeRetryMs, () => {
    context.storeRetry = undefined
    storeReady(context)
  })
}
