/**
 * Stores held bodies, one change at a time. Bodies that extend our chain are appended as they arrive. Another branch replaces part of
 * it in one atomic change, once it is better and complete. A branch too long for memory is staged in the store until then.
 */
import { Effect } from "effect"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Problem from "../../domain/Problem.ts"
import * as SyncBranches from "../../domain/sync/SyncBranches.ts"
import * as SyncState from "../../domain/sync/SyncState.ts"
import type { ChainStoreError, Tip } from "../../services/ChainStore.ts"
import * as FeeCheck from "../chain/FeeCheck.ts"
import type { Held } from "./HeldBodies.ts"
import type { ShownBranch } from "./ShownBranch.ts"
import * as SyncAnnounce from "./SyncAnnounce.ts"
import type { SyncContext } from "./SyncContext.ts"
import * as SyncContext_ from "./SyncContext.ts"

/** The bodies that follow the branch's stored ones without a gap; if `limited`, at most as many as fit in one change. */
const bodies = (branch: ShownBranch, limited: boolean): ReadonlyArray<Held> => {
  const out: Array<Held> = []
  let bytes = 0
  for (let height = branch.base + 1;; height++) {
    const next = branch.held.get(height)
    if (next === undefined) break
    out.push(next)
    bytes += next.block.bytes.length
    if (limited && (out.length >= Limits.storeBatchBlocks || bytes >= Limits.storeBatchBytes)) break
  }
  return out
}

/** Starts the next change, if one is ready and none is under way. */
export const storeReady = (context: SyncContext): void => {
  if (context.storing || context.storeRetry !== undefined) return
  for (const { id } of SyncBranches.ready(context.state)) {
    const branch = context.branches.get(id)
    if (branch?.waits === false && grow(context, branch)) return
  }
  for (const planned of context.state.branches) {
    const branch = context.branches.get(planned.id)
    if (branch?.waits === false && SyncBranches.needsStaging(context.state, planned) && mayStage(context, branch)) {
      return stage(context, branch, bodies(branch, true))
    }
  }
  // Nothing is left to store.
  context.halted = undefined
}

/** One branch is staged at a time: the first that needs it, until it becomes our chain or is dropped. */
const mayStage = (context: SyncContext, branch: ShownBranch): boolean =>
  ![...context.branches.values()].some((other) => other !== branch && other.stagedTo > other.fork)

/** The last block of the branch that is staged; `undefined`: none is. Its headers may reach further. */
const stagedTip = (branch: ShownBranch): Tip | undefined => {
  const hash = branch.stagedTo > branch.fork ? branch.hashAt(branch.stagedTo) : undefined
  return hash === undefined ? undefined : { height: branch.stagedTo, hash: Hash.toHex(hash) }
}

/** Makes the branch our chain, up to its last body. False if that would not be better. */
const grow = (context: SyncContext, branch: ShownBranch): boolean => {
  const before = context.state.chain
  const extends_ = branch.fork === before.height
  const batch = bodies(branch, extends_)
  const last = batch.at(-1)
  const tip = last === undefined ? stagedTip(branch) : { height: last.block.height, hash: last.block.hash }
  if (tip === undefined || !SyncState.isBetter(tip, before)) return false
  if (branch.stagedTo > branch.fork && batch.length > 0) {
    stage(context, branch, batch)
    return true
  }
  if (!extends_) context.rewrites.begin()
  if (branch.stagedTo > branch.fork) {
    change(context, branch, [], context.store.adopt, (tip) => stored(context, branch, [], tip))
  } else {
    const append = context.store.append(branch.fork, batch.map(({ block }) => block))
    change(context, branch, batch, append, (tip) => stored(context, branch, batch, tip))
  }
  return true
}

const stage = (context: SyncContext, branch: ShownBranch, batch: ReadonlyArray<Held>): void =>
  change(context, branch, batch, context.store.stage(branch.base, batch.map(({ block }) => block)), ({ tip }) => {
    credit(context, batch)
    branch.stagedTo = tip.height
    branch.held.dropUpTo(branch.base)
    context.machine.post({ _tag: "Staged", branch: branch.id, base: branch.base, heldBytes: branch.held.bytes })
  })

/** Makes a change of the store, unless a fee in the batch is wrong. The resulting announcement to the planner starts the next change. */
const change = <A>(
  context: SyncContext,
  branch: ShownBranch,
  batch: ReadonlyArray<Held>,
  effect: Effect.Effect<A, ChainStoreError>,
  done: (result: A) => void
): void => {
  context.storing = true
  const ended = (then: () => void) =>
    Effect.sync(() => {
      context.storing = false
      context.rewrites.end()
      then()
    })
  const on = branch.stagedTo > branch.fork ? "branch" : "chain"
  const find = FeeCheck.findIn(context.store, { on, upTo: branch.base })
  context.fork(
    // A store in memory answers at once: the planner's step has to end first, or `TipChanged` would precede its own tip.
    Effect.andThen(
      Effect.yieldNow,
      FeeCheck.firstWrong(context.params, context.hasher, find, batch.map(({ block }) => block))
    ).pipe(
      Effect.flatMap((wrong) =>
        wrong === undefined
          ? Effect.flatMap(effect, (result) =>
            ended(() => {
              context.halted = undefined
              branch.refused = undefined
              done(result)
            }))
          : ended(() => refused(context, branch, batch, wrong))
      ),
      Effect.catch((error) => ended(() => failed(context, branch, error))),
      Effect.ignoreCause({ log: "Error" })
    )
  )
}

/** Handles a block with wrong fees: no chain with it can be ours. Held bodies from it on are dropped, and the batch is not stored. */
const refused = (
  context: SyncContext,
  branch: ShownBranch,
  batch: ReadonlyArray<Held>,
  { fault, index }: FeeCheck.WrongFees
): void => {
  const bad = batch[index]
  if (bad === undefined) return
  const { height } = bad.block
  branch.held.dropAbove(height - 1)
  context.machine.post({ _tag: "Discarded", branch: branch.id, above: height - 1, heldBytes: branch.held.bytes })
  if (bad.from === undefined) return
  const detail = `block ${height}: ${Validation.describe(fault)}`
  context.machine.post({ _tag: "PeerLied", peer: bad.from, fault: "bad-block", detail })
}

/** Credits each block to the peer that sent it. */
const credit = (context: SyncContext, batch: ReadonlyArray<Held>): void => {
  for (const { from } of batch) {
    const source = from === undefined ? undefined : context.links.get(from)
    if (source !== undefined) source.blocks += 1
  }
}

const stored = (context: SyncContext, branch: ShownBranch, batch: ReadonlyArray<Held>, tip: Tip): void => {
  credit(context, batch)
  const before = context.state.chain
  const { fork } = branch
  const to = Math.min(tip.height, branch.height)
  const added = to - fork
  follow(context, branch, to)
  if (fork < before.height) {
    context.reorgs += 1
    context.emit({ _tag: "Reorg", fork, depth: before.height - fork, height: tip.height })
  }
  context.localChain.setTip(tip)
  context.stored.push({ tip, added, last: batch.at(-1) })
  context.machine.post({
    _tag: "Stored",
    tip,
    branch: branch.id,
    oldestFork: SyncContext_.oldestFork(context, tip.height),
    branches: [...context.branches.values()].map(({ base, fork, held, id }) => ({
      id,
      fork,
      base,
      heldBytes: held.bytes
    }))
  })
}

/** Reports stored blocks once the planner's state includes them, so that a listener to `TipChanged` finds the tip in the report. */
export const tellStored = (context: SyncContext): void => {
  const stored = context.stored.shift()
  if (stored === undefined) return
  const { added, last, tip } = stored
  context.emit({ _tag: "TipChanged", height: tip.height, hash: tip.hash, added, from: last?.from })
  SyncAnnounce.announce(context, added === 1 ? last : undefined, tip)
}

/** Our chain now has the branch's headers up to `to`: updates the fork of every branch. */
const follow = (context: SyncContext, branch: ShownBranch, to: number): void => {
  const { branches, chain } = context
  const { fork } = branch
  const replaced: Array<Parent> = []
  for (let height = fork + 1; height <= chain.height; height++) {
    const parent = chain.parentAt(height)
    if (parent !== undefined) replaced.push(parent)
  }
  for (const branch of branches.values()) {
    // The branch shared blocks that our chain no longer has.
    if (branch.fork > fork) branch.recede(fork, replaced.slice(0, branch.fork - fork))
  }
  if (replaced.length > 0) chain.rewind(fork)
  branch.extend(chain, to)
  for (const other of branches.values()) {
    if (other !== branch && other.fork === fork) other.advance(sharedUpTo(branch, other, to))
  }
  branch.advance(to)
}

/** Height up to which two branches with the same fork have the same headers, at most `to`. */
const sharedUpTo = (branch: ShownBranch, other: ShownBranch, to: number): number => {
  for (let height = branch.fork + 1; height <= to; height++) {
    const hash = branch.hashAt(height)
    if (hash === undefined || !other.holds(height, hash)) return height - 1
  }
  return to
}

/** The store does not take this branch: only the branch waits. */
const refusedBeside = (context: SyncContext, branch: ShownBranch, { message }: ChainStoreError): void => {
  if (branch.refused !== message) context.emit({ _tag: "StoreFailed", detail: message })
  branch.refused = message
  branch.waits = true
  context.timers.arm(Limits.storeRetryMs, () => {
    branch.waits = false
    storeReady(context)
  })
  storeReady(context)
}

/** The change failed and the chain is unchanged: tries again later. Blocks that extend our chain do not wait for a branch that is refused. */
const failed = (context: SyncContext, branch: ShownBranch, error: ChainStoreError): void => {
  const { _tag } = error.reason
  const isBeside = branch.fork < context.state.chain.height
  if (isBeside && (_tag === "NotLinked" || _tag === "BranchTooLarge")) return refusedBeside(context, branch, error)
  // One event per reason, not one per attempt.
  if (context.halted === undefined || Problem.text(context.halted) !== error.message) {
    context.emit({ _tag: "StoreFailed", detail: error.message })
  }
  context.halted = { what: error.what, fix: error.fix }
  context.storeRetry = context.timers.arm(Limits.storeRetryMs, () => {
    context.storeRetry = undefined
    storeReady(context)
  })
}
